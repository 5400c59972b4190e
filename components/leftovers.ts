import * as pulumi from "@pulumi/pulumi";
import { loadCluster } from "./cluster/client.ts";
import { removeLeftover } from "./cluster/leftover.ts";
import type { ApiObject } from "./cluster/snapshot/objects.ts";
import type { ClusterAccess } from "./commands.ts";

/**
 * A hook that clears the way for an object that is about to be created, see {@link removeLeftover}. It never runs in a
 * preview, and a failure fails the create.
 *
 * @param name - the component's
 * @param cluster - that of the provider
 */
export function leftoversHook(name: string, cluster: ClusterAccess): pulumi.ResourceHook {
  return new pulumi.ResourceHook(`${name}-leftovers`, async ({ newInputs }) => {
    const { kubeconfig, context } = await plain(cluster);
    const choice = {
      ...(kubeconfig !== undefined && { kubeconfig }),
      ...(context !== undefined && { context }),
    };
    const removed = await removeLeftover(
      loadCluster(choice, process.env),
      (await plain(newInputs)) as ApiObject,
    );
    if (removed !== undefined) {
      await pulumi.log.info(
        `${removed} was left by a create whose end was not seen: it is deleted and made again`,
      );
    }
  });
}

/** The values of outputs, wherever they are; secrets among them. */
function plain<T>(value: T): Promise<pulumi.Unwrap<T>> {
  return new Promise((resolve) => {
    pulumi.output(value).apply(resolve);
  });
}
