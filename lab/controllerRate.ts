/**
 * Requests a second that the lab's controller manager sends for each of its controllers, unless asked otherwise. With
 * Kubernetes' default of 20, 1,000 pods would take a minute, and that limit would be measured in place of kube-proxy's
 * restart.
 */
export const labKubeApiQps = 1000;

/** More than that is not told from it on a machine with few cores. */
const mostKubeApiQps = 1000;

/** @throws Error unless `qps` is a whole number of requests a second from 1 to 1000. */
export function checkKubeApiQps(qps: unknown): asserts qps is number {
  if (!Number.isInteger(qps) || (qps as number) < 1 || (qps as number) > mostKubeApiQps) {
    throw new Error(
      `kube-api-qps: ${JSON.stringify(qps)} is not accepted; give a whole number from 1 to ${mostKubeApiQps}`,
    );
  }
}

/**
 * How many requests may follow each other at once: half as many again as in a second, as Kubernetes' defaults 20 and 30
 * have it.
 *
 * Source: pkg/controller/apis/config/v1alpha1 `SetDefaults_KubeControllerManagerConfiguration`.
 */
export function kubeApiBurst(qps: number): number {
  return Math.ceil(qps * 1.5);
}
