import type { ClusterFacts } from "../facts/facts.ts";
import type { ClusterSettings } from "../kubeadm/clusterConfiguration.ts";
import { parseVersion } from "../kubeadm/version.ts";
import { initialToken, restartAnnotation } from "../restart/restart.ts";

/**
 * The cluster's own settings with the version that runs, as long as there is a restart to be done: in the middle of an
 * upgrade of the control plane kubeadm-config has the new version already, and whoever restarts kube-proxy then, since
 * Services do not answer, wants the one that runs, not one that is newer than some of the API servers. The version follows
 * the cluster with the next update, whose preview says so.
 *
 * @param cluster - the settings as the cluster has them
 * @param token - the restart token that is wanted
 */
export function withRunningVersion(
  cluster: ClusterSettings,
  { daemonSets }: ClusterFacts,
  token: string = initialToken,
): ClusterSettings {
  const ours = daemonSets.filter(({ annotations }) => restartAnnotation in annotations);
  const restarts = ours.some(({ annotations }) => annotations[restartAnnotation] !== token);
  const [running, ...others] = new Set(ours.map(({ spec }) => versionOf(spec)));
  const { kubernetesVersion: wanted } = cluster.settings;
  return !restarts || wanted === undefined || running === undefined || others.length > 0 || running === wanted
    ? cluster
    : {
        ...cluster,
        settings: { ...cluster.settings, kubernetesVersion: running },
        sources: {
          ...cluster.sources,
          kubernetesVersion: `the pods, which are restarted as they are; ${cluster.sources.kubernetesVersion ?? "the cluster"} has ${wanted}, for the next update`,
        },
      };
}

/** The version by which a DaemonSet's image is named. */
function versionOf({ template }: ClusterFacts["daemonSets"][number]["spec"]): string | undefined {
  const { spec } = template as { spec?: { containers?: { image?: string }[] } };
  const tag = spec?.containers?.[0]?.image?.split("@")[0]?.split(":").at(-1);
  return parseVersion(tag)?.text;
}
