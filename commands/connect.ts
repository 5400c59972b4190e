import type { KubeConfig } from "@kubernetes/client-node";
import { closeSession } from "../components/cluster/api.ts";
import { openCluster } from "../components/cluster/identity.ts";
import { atEnd, clusterOf } from "./commandLine.ts";

/**
 * The cluster that is meant, see {@link clusterOf}; where `KUBE_PROXY_CLUSTER_ID` has the UID of its namespace kube-system,
 * as in the component's own commands, it was asked whether it is that one. Its connections are ended with the command: open
 * ones would keep the process alive.
 *
 * @throws ProblemsError for a cluster that the kubeconfig does not have, for another one, and for one that cannot be asked
 */
export async function connect(values: Parameters<typeof clusterOf>[0] = {}): Promise<KubeConfig> {
  const config = await openCluster(clusterOf(values), process.env["KUBE_PROXY_CLUSTER_ID"], process.env);
  atEnd(() => closeSession(config));
  return config;
}
