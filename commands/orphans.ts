// Run by the component's own `local.Command` when the stack is destroyed: removes the pods that a Rolling DaemonSet
// left behind. Nobody needs to call it by hand.
import { CoreV1Api } from "@kubernetes/client-node";
import { loadCluster } from "../components/cluster/client.ts";
import { removeOrphans } from "../components/cluster/orphans.ts";

const { KUBE_PROXY_KUBECONFIG: kubeconfig, KUBE_PROXY_CONTEXT: context } = process.env;

try {
  const cluster = loadCluster(
    { ...(kubeconfig !== undefined && { kubeconfig }), ...(context !== undefined && { context }) },
    process.env,
  );
  const removed = await removeOrphans(cluster.makeApiClient(CoreV1Api), 5 * 60_000);
  console.log(`${removed} pods of the deleted DaemonSet kube-proxy removed.`);
} catch (error) {
  console.error(`The pods of the deleted DaemonSet kube-proxy could not be removed: ${String(error)}`);
  process.exitCode = 1;
}
