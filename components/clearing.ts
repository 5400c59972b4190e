import * as pulumi from "@pulumi/pulumi";
import type { ApiObject } from "./cluster/snapshot/objects.ts";
import type { ClusterAccess } from "./commands.ts";

/**
 * A hook that clears the way for an object that is about to be created, be it anew or in the place of one that was just
 * deleted, see `clearWay`. It does not run in a preview; when it fails, so does the create.
 *
 * @param name - the component's
 * @param cluster - that of the provider
 */
export function clearingHook(name: string, cluster: ClusterAccess): pulumi.ResourceHook {
  return new pulumi.ResourceHook(`${name}-clearing`, async ({ newInputs }) => {
    // Only now: loading the Kubernetes client takes a third of a second, which no preview should pay for.
    const { clearWay } = await import("./cluster/clearing.ts");
    const { kubeconfig, context } = await plain(cluster);
    const choice = {
      ...(kubeconfig !== undefined && { kubeconfig }),
      ...(context !== undefined && { context }),
    };
    const removed = await clearWay(choice, (await plain(newInputs)) as ApiObject);
    if (removed !== undefined) {
      await pulumi.log.info(`${removed} was there, left by a create that did not end: it was deleted`);
    }
  });
}

/** The values of outputs, wherever they are; secrets among them. */
function plain<T>(value: T): Promise<pulumi.Unwrap<T>> {
  return new Promise((resolve) => {
    pulumi.output(value).apply(resolve);
  });
}
