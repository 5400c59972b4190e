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
  await Promise.all(found.map((pod) => remove(api, pod)));
  for (let left = found; left.length > 0; left = await orphans(api)) {
    if (Date.now() > deadline) {
      const names = left.map(({ metadata }) => metadata?.name ?? "").join(", ");
      throw new Error(`still there after ${timeout / 1000} s: ${names}`);
    }
    await sleep(200);
  }
  return found.length;
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
