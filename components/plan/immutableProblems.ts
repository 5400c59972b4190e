/** Pure: what keeps pods from mounting immutable ConfigMaps. */
import { checkConfiguration } from "../configuration/check.ts";
import type { ClusterFacts } from "../facts/facts.ts";
import { listed, type Problem } from "../input/problems.ts";
import { configHash } from "../kubeadm/manifests.ts";
import { sinceMinor } from "../kubeadm/minors.ts";
import { parseVersion } from "../kubeadm/version.ts";
import {
  contentsMeant,
  contentsOf,
  dataOf,
  immutableName,
  type ImmutableSettings,
  mountOf,
} from "./immutable.ts";
import { recordOf } from "./modes.ts";

/**
 * Finds what keeps pods from mounting immutable ConfigMaps.
 *
 * @param settings - of which each by itself is accepted
 */
export function immutableProblems(
  settings: ImmutableSettings & {
    kubernetesVersion?: unknown;
    pools?: readonly { configuration?: unknown }[];
  },
  facts: ClusterFacts | undefined,
): Problem[] {
  const { immutableConfig = false, configHash: hash } = settings;
  if (!immutableConfig) {
    return hash === undefined
      ? []
      : [
          {
            path: "configHash",
            value: hash,
            accepted: "nothing without immutableConfig: true: only then earlier configurations are kept",
          },
        ];
  }
  return [
    ...unknownToServers(settings.kubernetesVersion),
    ...(facts === undefined ? [] : [...foreignKeys(facts), ...pinProblems(settings, facts)]),
  ];
}

/** No API server is older than the kube-proxy that it is for. */
function unknownToServers(version: unknown): Problem[] {
  if (parseVersion(version)?.minor.immutableConfigMaps !== false) return [];
  const since = sinceMinor(({ immutableConfigMaps }) => immutableConfigMaps);
  const accepted = `false with kubernetesVersion ${String(version)}: API servers know immutable ConfigMaps since 1.${since}`;
  return [{ path: "immutableConfig", value: true, accepted }];
}

/** Files that somebody has put beside kube-proxy's configuration, which pods that mount another ConfigMap would not have. */
function foreignKeys({ daemonSets, configMaps }: ClusterFacts): Problem[] {
  const mounts = daemonSets.map(mountOf);
  return configMaps
    .filter(({ name }) => mounts.includes(name))
    .flatMap(({ name, data }) => {
      const keys = Object.keys(data).filter((key) => !(key in dataOf({})));
      return keys.length === 0
        ? []
        : [
            {
              path: "immutableConfig",
              value: true,
              accepted:
                `false as long as ConfigMap ${name} holds more than config.conf and kubeconfig.conf: pods would lose ` +
                `${listed(keys)}. Have them mount it from a ConfigMap of its own, by volumes and volumeMounts, and take it out`,
            },
          ];
    });
}

function pinProblems(
  { configHash: hash, kubernetesVersion, pools = [] }: Parameters<typeof immutableProblems>[0],
  facts: ClusterFacts,
): Problem[] {
  if (hash === undefined) return [];
  const contents = contentsOf(facts);
  const found = contentsMeant(hash, facts);
  const [pinned] = found;
  const own = pools.findIndex(({ configuration }) => configuration !== undefined);
  if (own >= 0) {
    const accepted = `nothing as long as pools[${own}] has a configuration of its own, which the same for all would end`;
    return [{ path: "configHash", value: hash, accepted }];
  }
  if (pinned === undefined || found.length > 1) {
    const kept = contents.map(({ data, created }) => `${configHash(data)} of ${created}`);
    const which = found.length > 1 ? "of which it is the beginning of one alone" : "which are kept";
    const accepted =
      kept.length === 0
        ? "nothing: no configuration is kept yet"
        : `the hash of one of these configurations, ${which}: ${listed(kept, 20)}`;
    return [{ path: "configHash", value: hash, accepted }];
  }
  const minor = parseVersion(kubernetesVersion)?.minor.minor;
  return checkConfiguration(recordOf(pinned["config.conf"]), minor, "").map((problem) => ({
    ...problem,
    path: `configHash, ${problem.path} of ${immutableName(pinned)}`,
  }));
}
