import { printableLines } from "../input/printable.ts";
import {
  type ClusterKey,
  clusterKeys,
  type ClusterSettings,
  settingsOfCluster,
} from "../kubeadm/clusterConfiguration.ts";
import type { ClusterFacts } from "./facts.ts";

/** The settings that a cluster knows itself, and which of its objects says so. */
export function clusterSettings({ clusterConfiguration, configMaps }: ClusterFacts): ClusterSettings {
  const own = configMaps.find(({ name }) => name === "kube-proxy");
  return settingsOfCluster(clusterConfiguration, own?.data["kubeconfig.conf"]);
}

/** The settings that a cluster knows itself, as arguments of KubeProxy. */
export function settingsOf(facts: ClusterFacts): ClusterSettings["settings"] {
  return clusterSettings(facts).settings;
}

const ownWord = "the stack's config";

/**
 * Says where each setting comes from that a cluster knows itself; undefined when it says none of those in force.
 *
 * @param own - what the stack's config sets
 * @param isSecret - whether the stack's config has a key as a secret
 */
export function describeSettings(
  { settings, sources }: ClusterSettings,
  own: Readonly<Partial<Record<ClusterKey, unknown>>>,
  isSecret: (key: string) => boolean,
): string | undefined {
  const used = clusterKeys.filter((key) => own[key] === undefined && settings[key] !== undefined);
  const rows = clusterKeys
    .filter((key) => own[key] !== undefined || used.includes(key))
    .map((key) => {
      const shown = isSecret(key) ? "[secret]" : textOf(own[key] ?? settings[key]);
      return `  ${key} ${shown}, from ${used.includes(key) ? (sources[key] ?? "") : ownWord}`;
    });
  return used.length === 0 ? undefined : printableLines(["The cluster's own settings are used:", ...rows]);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
