import { ProblemsError } from "../input/problems.ts";
import { reclaimCommand } from "../restart/restart.ts";
import type { KubeConfig } from "./kubernetes.ts";
import { removeLeftover } from "./leftover.ts";
import { type ApiObject, idOf, nameOf } from "./objects.ts";
import { awaitEndingOrphans } from "./orphans.ts";

/**
 * Clears the way for an object that is about to be created: of what an earlier create has left, and for a DaemonSet of
 * pods that are about to end.
 *
 * @param config - the cluster, see `loadCluster`
 * @param wanted - the object
 * @returns the name of what was left, for people, when there was something
 * @throws ProblemsError when the object is there and not such a leftover, and when the cluster refuses or does not answer;
 *   Error when something is still there after a time
 */
export async function clearWay(config: KubeConfig, wanted: ApiObject): Promise<string | undefined> {
  const name = nameOf(idOf(wanted));
  const found = await removeLeftover(config, wanted);
  if (found === "stays") {
    throw new ProblemsError("the cluster; the object was not changed", [
      {
        path: name,
        value: "is there, and this stack's state does not know it",
        accepted: `to take it into the state as it is, no pod restarts: ${reclaimCommand}; then pulumi config set adopt true, and pulumi up (docs/recover.md)`,
      },
    ]);
  }
  if (wanted.kind === "DaemonSet") {
    await awaitEndingOrphans(config);
  }
  return found === "removed" ? name : undefined;
}
