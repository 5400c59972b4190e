import type { KubeConfig } from "@kubernetes/client-node";
import { waitUntil } from "./snapshot/wait.ts";
import { forEachConcurrently } from "./verify/concurrency.ts";
import { concurrency, deletePod, listOrphans } from "./workload.ts";

/**
 * Deletes the pods of kube-proxy that belong to no DaemonSet any more, and waits until they are gone.
 *
 * @param timeoutMs - how long to wait
 * @returns how many there were
 * @throws ProblemsError when some are still there after that time, with their names; for what the API server refuses
 */
export async function removeOrphans(config: KubeConfig, timeoutMs: number): Promise<number> {
  const found = await listOrphans(config);
  await forEachConcurrently(found, concurrency, (pod) => deletePod(config, pod));
  await waitUntil(timeoutMs, async () => {
    const left = await listOrphans(config);
    const names = left.map(({ metadata }) => metadata.name);
    return left.length === 0 ? undefined : `pods that are deleted but not gone: ${names.join(", ")}`;
  });
  return found.length;
}
