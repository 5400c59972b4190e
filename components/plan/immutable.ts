/** Pure: configurations in immutable ConfigMaps, each named by what it holds, and which of them are kept. */
import { valueAt } from "../adoption/differences.ts";
import type { ClusterFacts, ConfigMapFacts, DaemonSetFacts } from "../facts/facts.ts";
import { hardenedFor } from "../kubeadm/hardening.ts";
import { configHash, hashAnnotation, kubeProxyObjects } from "../kubeadm/manifests.ts";
import type { ConfigMap } from "../kubeadm/objects.ts";
import type { Metadata, Settings } from "../kubeadm/settings.ts";
import { mounting, type Wave } from "../pools/waves.ts";
import { modeOf } from "./modes.ts";

/** The arguments that decide it. */
export interface ImmutableSettings {
  /** Whether pods mount immutable ConfigMaps. Default false. */
  immutableConfig?: boolean;
  /** How many earlier configurations stay, 1 or more. Default {@link defaultHistory}. */
  configHistory?: number;
  /** The beginning of a kept configuration's hash, which is in force whatever the settings say. */
  configHash?: string;
}

/** How many earlier configurations stay unless it is said. */
export const defaultHistory = 3;

/** Label of an immutable ConfigMap of kube-proxy's. */
export const immutableLabel = "kube-proxy/config";

/** What {@link immutableLabel} is. */
export const immutableValue = "immutable";

/** What a ConfigMap of kube-proxy's holds. */
type Data = ConfigMap["data"];

/** What `configHash` may be. */
export const hashPattern = /^(sha256:)?[0-9a-f]{10,64}$/;

/** Name of the immutable ConfigMap with a content: the first ten digits of kubeadm's hash over it. */
export function immutableName(data: Data): string {
  return `kube-proxy-${digits(configHash(data)).slice(0, 10)}`;
}

function digits(hash: string): string {
  return hash.replace(/^sha256:/, "");
}

/** The immutable ConfigMap with a content; the same for all pools that have it. */
export function immutableOf(data: Data, own: Metadata | undefined): ConfigMap {
  const { labels, annotations } = own ?? {};
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: immutableName(data),
      namespace: "kube-system",
      labels: { app: "kube-proxy", [immutableLabel]: immutableValue, ...labels },
      ...(annotations && Object.keys(annotations).length > 0 && { annotations }),
    },
    immutable: true,
    data,
  };
}

/** A wave with the configuration that is in force, whose pods mount it from an immutable ConfigMap where that is wanted. */
export function configured(wave: Wave, settings: ImmutableSettings, facts: ClusterFacts | undefined): Wave {
  if (!settings.immutableConfig) return wave;
  const configMap = pinned(wave.configMap, settings, facts);
  const { spec } = wave.daemonSet;
  const mounted = mounting(spec.template.spec, immutableName(configMap.data));
  // A pinned configuration may be of another mode than the settings.
  const pods = hardenedFor(modeOf(configMap.data["config.conf"]), mounted);
  const template = { ...spec.template, spec: pods };
  return { ...wave, configMap, daemonSet: { ...wave.daemonSet, spec: { ...spec, template } } };
}

/**
 * A ConfigMap with the content that `configHash` stands for, where there is one. kubeadm's hash of another content goes: by
 * it kubeadm would take this one for its own.
 */
export function pinned(
  configMap: ConfigMap,
  { configHash: hash }: ImmutableSettings,
  facts: ClusterFacts | undefined,
): ConfigMap {
  const [data] = hash === undefined ? [] : contentsMeant(hash, facts);
  if (data === undefined) return configMap;
  const { annotations = {}, ...metadata } = configMap.metadata;
  const kept = Object.entries(annotations).filter(
    ([key, value]) => key !== hashAnnotation || value === configHash(data),
  );
  return {
    ...configMap,
    metadata: { ...metadata, ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }) },
    data,
  };
}

/** What is said of a `configHash` as long as the settings would make another configuration; undefined where they do not. */
export function pinNotice(settings: Settings & ImmutableSettings, inForce: ConfigMap): string | undefined {
  if (settings.configHash === undefined) return undefined;
  const [made, pin] = [kubeProxyObjects(settings).configMap, inForce].map(({ data }) => configHash(data));
  return made === pin
    ? undefined
    : `configHash: the configuration ${pin ?? ""} is in force; that of the other settings, ${made ?? ""}, comes with the ` +
        "next update without configHash.";
}

/**
 * The contents that a `configHash` can stand for, each once. ConfigMap kube-proxy has the one in force, too, also where
 * somebody has deleted the immutable one.
 */
export function contentsMeant(hash: string, facts: ClusterFacts | undefined): Data[] {
  const all = [...contentsOf(facts), ...(facts?.configMaps ?? [])].map(({ data }) => dataOf(data));
  const byHash = new Map(all.map((data) => [digits(configHash(data)), data]));
  return [...byHash].filter(([known]) => known.startsWith(digits(hash))).map(([, data]) => data);
}

/** A configuration that the cluster has in an immutable ConfigMap. */
export interface Content {
  readonly name: string;
  readonly data: Data;
  /** RFC 3339. */
  readonly created: string;
}

/** What the cluster has of immutable ConfigMaps that hold what their names say, the newest first. */
export function contentsOf(facts: ClusterFacts | undefined): Content[] {
  return (facts?.immutableConfigs ?? [])
    .filter(isWhole)
    .map(({ name, data, created = "" }) => ({ name, data: dataOf(data), created }))
    .toSorted((a, b) => b.created.localeCompare(a.created) || a.name.localeCompare(b.name));
}

/** Whether an immutable ConfigMap holds what its name says; somebody may have made another one by its name. */
function isWhole({ name, data }: ConfigMapFacts): boolean {
  return immutableName(dataOf(data)) === name && Object.keys(data).length === 2;
}

/** What of a ConfigMap is kube-proxy's. */
export function dataOf({
  "config.conf": config = "",
  "kubeconfig.conf": kubeconfig = "",
}: ConfigMapFacts["data"]): Data {
  return { "config.conf": config, "kubeconfig.conf": kubeconfig };
}

/** Name of the ConfigMap that a DaemonSet's pods mount. */
export function mountOf({ spec }: { readonly spec: object }): string | undefined {
  const volumes = valueAt(spec, ["template", "spec", "volumes"]);
  const all = Array.isArray(volumes) ? (volumes as unknown[]) : [];
  const mounted = all.find((volume) => valueAt(volume, ["name"]) === "kube-proxy");
  const name = valueAt(mounted, ["configMap", "name"]);
  return typeof name === "string" ? name : undefined;
}

/** The ConfigMap in the cluster that a DaemonSet's pods mount. */
export function mountedBy(live: DaemonSetFacts, facts: ClusterFacts): ConfigMapFacts | undefined {
  const name = mountOf(live);
  return [...(facts.immutableConfigs ?? []), ...facts.configMaps].find((one) => one.name === name);
}

/**
 * What is wrong with the immutable ConfigMap that a wave's pods mount already, as the end of a sentence; undefined where
 * nothing is. Pods that run go on; one that starts cannot, or starts with something else.
 */
export function lossOf(
  { daemonSet }: Wave,
  live: DaemonSetFacts | undefined,
  facts: ClusterFacts,
): string | undefined {
  const name = mountOf(daemonSet);
  // Without immutable ConfigMaps a DaemonSet mounts the one of its own name.
  const isImmutable = name !== undefined && name !== daemonSet.metadata.name;
  if (!isImmutable || live === undefined || mountOf(live) !== name) return undefined;
  const found = facts.immutableConfigs?.find((one) => one.name === name);
  if (found === undefined) return "is gone";
  return isWhole(found) ? undefined : "holds something else than its name says";
}

/**
 * The immutable ConfigMaps that there are after an update, each once: those that pods are going to mount, those that pods
 * mount until then, and of the others the newest. What is left out is deleted when all pods have rolled.
 *
 * @param waves - as they are wanted
 * @param held - names of pools that stay as they are
 */
export function immutablesOf(
  waves: readonly Wave[],
  {
    immutableConfig = false,
    configHistory = defaultHistory,
    metadata,
  }: ImmutableSettings & Pick<Settings, "metadata">,
  facts: ClusterFacts | undefined,
  held: readonly string[] = [],
): ConfigMap[] {
  const contents = contentsOf(facts);
  const heldNames = waves
    .filter(({ pool = "" }) => held.includes(pool))
    .map(({ daemonSet }) => daemonSet.metadata.name);
  const [staying = [], changing = []] = [true, false].map((isHeld) =>
    (facts?.daemonSets ?? []).filter(({ name }) => heldNames.includes(name) === isHeld).map(mountOf),
  );
  const wanted = immutableConfig ? waves.map(({ configMap }) => configMap.data) : [];
  const current = [...wanted.map(immutableName), ...staying];
  const [used = [], unused = []] = [true, false].map((isUsed) =>
    contents.filter(({ name }) => !current.includes(name) && changing.includes(name) === isUsed),
  );
  const earlier = immutableConfig
    ? [...used, ...unused.slice(0, Math.max(configHistory - used.length, 0))]
    : [];
  const kept = [...contents.filter(({ name }) => staying.includes(name)), ...earlier];
  const all = [...wanted, ...kept.map(({ data }) => data)].map((data) => immutableOf(data, metadata));
  return [...new Map(all.map((one) => [one.metadata.name, one])).values()];
}
