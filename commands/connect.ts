import type { KubeConfig } from "@kubernetes/client-node";
import { openCluster } from "../components/cluster/identity.ts";
import { clusterOf } from "./commandLine.ts";

/**
 * The cluster that is meant, see {@link clusterOf}; where `KUBE_PROXY_CLUSTER_ID` has the UID of its namespace kube-system,
 * as in the component's own commands, it was asked whether it is that one.
 *
 * @throws ProblemsError for a cluster that the kubeconfig does not have, for another one, and for one that cannot be asked
 */
export function connect(values: Parameters<typeof clusterOf>[0] = {}): Promise<KubeConfig> {
  return openCluster(clusterOf(values), process.env["KUBE_PROXY_CLUSTER_ID"], process.env);
}
