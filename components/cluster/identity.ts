import type { ClusterChoice } from "../facts/ask.ts";
import { ProblemsError } from "../input/problems.ts";
import { get } from "./api.ts";
import { contextOf, loadCluster } from "./client.ts";
import type { KubeConfig } from "./kubernetes.ts";

/**
 * {@link loadCluster}, and a look whether it is the cluster that is meant: a kubeconfig can be replaced, or its current
 * context changed, at any time, and a server's name can lead elsewhere.
 *
 * @param id - UID of its namespace kube-system; undefined when any cluster is meant, and none is asked
 * @throws ProblemsError when it is another cluster, or cannot be asked
 */
export async function openCluster(
  choice: ClusterChoice,
  id: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<KubeConfig> {
  const config = loadCluster(choice, env);
  if (id !== undefined) {
    await refuseOther(config, id);
  }
  return config;
}

/**
 * UID of a cluster's namespace kube-system, which stands for the cluster.
 *
 * @throws ApiError when it cannot be asked
 */
export async function clusterIdOf(config: KubeConfig): Promise<string> {
  return String((await get(config, "/api/v1/namespaces/kube-system")).metadata.uid);
}

async function refuseOther(config: KubeConfig, id: string): Promise<void> {
  const uid = await clusterIdOf(config);
  if (uid !== id) {
    throw new ProblemsError("the choice of the cluster; nothing was changed there", [
      {
        path: "context",
        value: contextOf(config),
        accepted:
          `the cluster whose namespace kube-system has UID ${id}; at ${config.getCurrentCluster()?.server ?? "this server"} ` +
          `it has UID ${uid}: choose the other one by context or kubeconfig, see docs/clusters.md`,
      },
    ]);
  }
}
