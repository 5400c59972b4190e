import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { forEachConcurrently } from "./concurrency.ts";
import { waitUntil } from "./wait.ts";
import {
  concurrency,
  deletePod,
  deleteRevision,
  listOrphanedRevisions,
  listOrphans,
  type Pod,
} from "./workload.ts";

/**
 * Deletes the pods of kube-proxy that belong to no DaemonSet any more, and waits until they are gone; and the revisions of
 * their templates, which a deletion that leaves the pods leaves as well.
 *
 * @param timeoutMs - how long to wait
 * @returns how many pods there were
 * @throws ProblemsError when some are still there after that time, with their names; for what the API server refuses
 */
export async function removeOrphans(config: KubeConfig, timeoutMs: number): Promise<number> {
  const found = await listOrphans(config);
  await forEachConcurrently(found, concurrency, (pod) => deletePod(config, pod));
  await waitUntil(timeoutMs, async () => {
    const left = await listOrphans(config);
    // Again: a conflict can be somebody's change to the same pod, after which it is still there.
    const staying = left.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    await forEachConcurrently(staying, concurrency, (pod) => deletePod(config, pod));
    const names = left.map(({ metadata }) => metadata.name);
    return left.length === 0 ? undefined : `pods that are not gone: ${names.join(", ")}`;
  });
  const revisions = await listOrphanedRevisions(config);
  await forEachConcurrently(revisions, concurrency, (revision) => deleteRevision(config, revision));
  return found.length;
}

/** How much longer than its grace period a pod on a node that is there may take to be gone, in milliseconds. */
const marginMs = 10_000;

/**
 * Waits until the pods of kube-proxy that belong to no DaemonSet any more and are about to end are gone: no DaemonSet
 * adopts such a pod, so that a new one would put a second kube-proxy beside it.
 *
 * @throws ApiError when the API server refuses or does not answer
 */
export async function awaitEndingOrphans(config: KubeConfig): Promise<void> {
  const began = Date.now();
  while ((await listOrphans(config)).some((pod) => isEnding(pod, Date.now(), began))) {
    await sleep(200);
  }
}

/**
 * Whether a pod is about to end. One that outlives its grace period is on a node that is not there.
 *
 * @param now - in milliseconds since 1970, as `began`
 * @param began - since when it is waited for
 */
export function isEnding({ metadata }: Pick<Pod, "metadata">, now: number, began: number): boolean {
  const { deletionTimestamp = "", deletionGracePeriodSeconds = 0 } = metadata;
  // By both clocks: that of the API server, which says until when it may take, may be ahead of this one.
  return (
    now - Date.parse(deletionTimestamp) <= marginMs &&
    now - began <= deletionGracePeriodSeconds * 1000 + marginMs
  );
}
