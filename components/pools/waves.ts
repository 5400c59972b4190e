import { createHash } from "node:crypto";
import { merge } from "../configuration/merge.ts";
import { affinityTo, kubeProxyObjects } from "../kubeadm/manifests.ts";
import type { ConfigMap, DaemonSet, PodSpec } from "../kubeadm/objects.ts";
import { negated } from "../kubeadm/podSettings.ts";
import type { NodeSelectorRequirement } from "../kubeadm/podTypes.ts";
import type { Settings } from "../kubeadm/settings.ts";
import type { Pool } from "./pool.ts";

/** One DaemonSet of kube-proxy and the configuration that its pods mount: all of them, or one pool's. */
export interface Wave {
  /** The pool's name; absent when there are no pools. */
  readonly pool?: string;
  readonly configMap: ConfigMap;
  readonly daemonSet: DaemonSet;
}

/** Label of what belongs to a pool, with its name. */
export const poolLabel = "kube-proxy/pool";

/** Annotation with a hash of all pools' names and selections: where it differs, pods change hands. */
export const layoutAnnotation = "kube-proxy/pools";

/**
 * The DaemonSets in the order in which a restart takes them. Without pools that is one, exactly kubeadm's.
 *
 * A pool's DaemonSet and ConfigMap are kubeadm's under names of their own. The pods have a label more, by which each
 * DaemonSet finds its own ones among those that a deleted one has left; and they refuse a node that has a kube-proxy,
 * since two would write the same rules: when a node changes pools, its new one waits until the old one is gone.
 *
 * @param settings - what all pools have in common
 * @param pools - pools in which `checkPools` finds no problem
 */
export function wavesOf(settings: Settings, pools: readonly Pool[]): readonly [Wave, ...Wave[]] {
  const [first, ...others] = pools;
  if (first === undefined) {
    const { configMap, daemonSet } = kubeProxyObjects(settings);
    return [{ configMap, daemonSet }];
  }
  const layout = layoutOf(pools);
  return [waveOf(settings, first, layout), ...others.map((pool) => waveOf(settings, pool, layout))];
}

/** Name of the DaemonSet of a pool; without pools there is one, kubeadm's. */
export function daemonSetName(pool: string | undefined): string {
  return pool === undefined ? "kube-proxy" : `kube-proxy-${pool}`;
}

/** Independent of the pools' order, which decides nothing but when each is restarted. */
function layoutOf(pools: readonly Pool[]): string {
  const selections = pools
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, nodeSelector = {}, matchExpressions = [], tolerations }) => {
      return [name, Object.entries(nodeSelector).sort(), matchExpressions, tolerations];
    });
  return createHash("sha256").update(JSON.stringify(selections)).digest("hex").slice(0, 16);
}

/** Names of the DaemonSets that pools have, each with its {@link layoutAnnotation}; without pools kubeadm's one has none. */
export function layoutsOf(pools: readonly Pool[]): ReadonlyMap<string, string | undefined> {
  const layout = layoutOf(pools);
  return pools.length === 0
    ? new Map([[daemonSetName(undefined), undefined]])
    : new Map(pools.map(({ name }) => [daemonSetName(name), layout]));
}

function waveOf(settings: Settings, pool: Pool, layout: string): Wave {
  const { configMap, daemonSet } = kubeProxyObjects(settingsOf(settings, pool));
  const { template } = daemonSet.spec;
  const name = daemonSetName(pool.name);
  const label = { [poolLabel]: pool.name };
  const labels = { ...template.metadata.labels, ...label };
  return {
    pool: pool.name,
    configMap: {
      ...configMap,
      metadata: { ...configMap.metadata, name, labels: { ...configMap.metadata.labels, ...label } },
    },
    daemonSet: {
      ...daemonSet,
      metadata: {
        ...daemonSet.metadata,
        name,
        labels,
        annotations: { ...daemonSet.metadata.annotations, [layoutAnnotation]: layout },
      },
      spec: {
        ...daemonSet.spec,
        selector: { matchLabels: labels },
        template: {
          metadata: { ...template.metadata, labels },
          spec: podSpec(template.spec, name, [
            ...(settings.excludeNodes ?? []).map(negated),
            ...(pool.matchExpressions ?? []),
          ]),
        },
      },
    },
  };
}

function settingsOf(settings: Settings, pool: Pool): Settings {
  const { nodeSelector, configuration, maxUnavailable, image, resources, tolerations } = pool;
  return {
    ...settings,
    ...(image !== undefined && { image }),
    ...(resources && { resources }),
    ...(tolerations && { tolerations }),
    ...(nodeSelector && { nodeSelector: { ...settings.nodeSelector, ...nodeSelector } }),
    ...(configuration && { configuration: merge(settings.configuration ?? {}, configuration) }),
    ...(maxUnavailable !== undefined && { updateStrategy: { rollingUpdate: { maxUnavailable } } }),
  };
}

/** Pods that mount a ConfigMap of this name for their configuration. */
export function mounting(spec: PodSpec, configMap: string): PodSpec {
  return {
    ...spec,
    volumes: spec.volumes.map((volume) =>
      volume.name === "kube-proxy" ? { ...volume, configMap: { name: configMap } } : volume,
    ),
  };
}

function podSpec(
  spec: PodSpec,
  configMap: string,
  requirements: readonly NodeSelectorRequirement[],
): PodSpec {
  return {
    ...mounting(spec, configMap),
    affinity: {
      ...(requirements.length > 0 && affinityTo(requirements)),
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            labelSelector: { matchLabels: { "k8s-app": "kube-proxy" } },
            topologyKey: "kubernetes.io/hostname",
          },
        ],
      },
    },
  };
}
