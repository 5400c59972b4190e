import { CoreV1Api } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { loadCluster } from "./cluster/client.ts";
import { removeLeftover } from "./cluster/leftover.ts";
import { awaitEndingOrphans } from "./cluster/orphans.ts";
import type { ApiObject } from "./cluster/snapshot/objects.ts";
import type { ClusterAccess } from "./commands.ts";

/**
 * A hook that clears the way for an object that is about to be created, be it anew or in the place of one that was just
 * deleted: see {@link removeLeftover}, and for a DaemonSet {@link awaitEndingOrphans}. It does not run in a preview; when
 * it fails, so does the create.
 *
 * @param name - the component's
 * @param cluster - that of the provider
 */
export function clearingHook(name: string, cluster: ClusterAccess): pulumi.ResourceHook {
  return new pulumi.ResourceHook(`${name}-clearing`, async ({ newInputs }) => {
    const wanted = (await plain(newInputs)) as ApiObject;
    const { kubeconfig, context } = await plain(cluster);
    const config = loadCluster(
      { ...(kubeconfig !== undefined && { kubeconfig }), ...(context !== undefined && { context }) },
      process.env,
    );
    const removed = await removeLeftover(config, wanted);
    if (removed !== undefined) {
      await pulumi.log.info(`${removed} was there, left by a create that did not end: it was deleted`);
    }
    if (wanted.kind === "DaemonSet") {
      await awaitEndingOrphans(config.makeApiClient(CoreV1Api));
    }
  });
}

/** The values of outputs, wherever they are; secrets among them. */
function plain<T>(value: T): Promise<pulumi.Unwrap<T>> {
  return new Promise((resolve) => {
    pulumi.output(value).apply(resolve);
  });
}
