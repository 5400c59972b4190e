import { setTimeout as sleep } from "node:timers/promises";
import { ApiException, type CoreV1Api, type V1Pod } from "@kubernetes/client-node";

const namespace = "kube-system";
const labelSelector = "k8s-app=kube-proxy";

/**
 * Deletes the pods of kube-proxy that belong to no DaemonSet any more, and waits until they are gone.
 *
 * @param timeout - how long to wait, in milliseconds
 * @returns how many there were
 * @throws Error when some are still there after that time, with their names; the API server's own errors
 */
export async function removeOrphans(api: CoreV1Api, timeout: number): Promise<number> {
  const deadline = Date.now() + timeout;
  const found = await orphans(api);
  for (let left = found; left.length > 0; left = await orphans(api)) {
    if (Date.now() > deadline) {
      const names = left.map(({ metadata }) => metadata?.name ?? "").join(", ");
      throw new Error(`still there after ${timeout / 1000} s: ${names}`);
    }
    // Again and again: a conflict may be another change to the same pod, after which it is still there.
    const staying = left.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    await Promise.all(staying.map((pod) => remove(api, pod)));
    await sleep(200);
  }
  return found.length;
}

/** How much longer than its grace period a pod on a node that is there may take to be gone, in milliseconds. */
const marginMs = 10_000;

/**
 * Waits until the pods of kube-proxy that belong to no DaemonSet any more and are about to end are gone: no DaemonSet
 * adopts such a pod, so that a new one would put a second kube-proxy beside it.
 *
 * @throws the API server's own errors
 */
export async function awaitEndingOrphans(api: CoreV1Api): Promise<void> {
  const began = Date.now();
  while ((await orphans(api)).some((pod) => isEnding(pod, Date.now(), began))) {
    await sleep(200);
  }
}

/**
 * Whether a pod is about to end. One that outlives its grace period is on a node that is not there.
 *
 * @param now - in milliseconds since 1970, as `began`
 * @param began - since when it is waited for
 */
export function isEnding({ metadata }: V1Pod, now: number, began: number): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = metadata ?? {};
  // By both clocks: that of the API server, which says until when it may take, may be ahead of this one.
  const overdue = now - (deletionTimestamp?.getTime() ?? 0) > marginMs;
  return !overdue && now - began <= deletionGracePeriodSeconds * 1000 + marginMs;
}

async function orphans(api: CoreV1Api): Promise<V1Pod[]> {
  const { items } = await api.listNamespacedPod({ namespace, labelSelector });
  return items.filter(({ metadata }) => !metadata?.ownerReferences?.some(({ controller }) => controller));
}

async function remove(api: CoreV1Api, pod: V1Pod): Promise<void> {
  const { name = "", uid = "" } = pod.metadata ?? {};
  // By UID: a pod of the same name that came meanwhile is not the one that was found.
  const body = { preconditions: { uid } };
  try {
    await api.deleteNamespacedPod({ namespace, name, body });
  } catch (error) {
    const gone = error instanceof ApiException && (error.code === 404 || error.code === 409);
    if (!gone) {
      throw error;
    }
  }
}
