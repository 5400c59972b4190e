import type { KubeConfig } from "./kubernetes.ts";
import { removeLeftover } from "./leftover.ts";
import type { ApiObject } from "./objects.ts";
import { awaitEndingOrphans } from "./orphans.ts";

/**
 * Clears the way for an object that is about to be created: of what an earlier create has left, and for a DaemonSet of
 * pods that are about to end.
 *
 * @param config - the cluster, see `loadCluster`
 * @param wanted - the object
 * @returns the name of what was left, for people, when there was something
 * @throws ProblemsError when the cluster refuses or does not answer; Error when something is still there after a time
 */
export async function clearWay(config: KubeConfig, wanted: ApiObject): Promise<string | undefined> {
  const removed = await removeLeftover(config, wanted);
  if (wanted.kind === "DaemonSet") {
    await awaitEndingOrphans(config);
  }
  return removed;
}
