import { differencesOf, formatPath } from "../adoption/differences.ts";
import { parseQuantity } from "../configuration/goQuantity.ts";
import type { ClusterFacts, ConfigMapFacts, DaemonSetFacts } from "../facts/facts.ts";
import { isRecord } from "../input/record.ts";
import { configHash } from "../kubeadm/manifests.ts";
import { layoutAnnotation, type Wave } from "../pools/waves.ts";
import { configHashAnnotation, restartAnnotation, templateHashAnnotation } from "../restart/restart.ts";
import { mountedBy } from "./immutable.ts";

/**
 * Annotation on the DaemonSet that names the versions of DaemonSet and ConfigMap which others had left and this program
 * took back last. It makes a repair what a restart is: something that a snapshot comes before and a proof after.
 */
export const repairAnnotation = "kube-proxy/repaired";

/** What others have made of a DaemonSet of this program, and of its configuration, since it wrote them. */
export interface Drift {
  /** The DaemonSet was written anew as a whole, as kubeadm does: this program's annotations are gone. */
  readonly overwritten: boolean;
  /** Fields of the spec that are not as they were written, such as `spec.template.spec.tolerations`, or were added. */
  readonly fields: readonly string[];
  /** Whether the ConfigMap is not as it was written. */
  readonly configMap: boolean;
}

/**
 * Finds what others have changed since the program wrote a DaemonSet and its ConfigMap. Where the program wants something
 * else than it wrote, a changed field cannot be told from a wanted change, and is none.
 *
 * @param wave - as the program wants it, see `withRestart`
 * @returns undefined where they have changed nothing, and where there is nothing of this program
 */
export function driftOf(wave: Wave, facts: ClusterFacts): Drift | undefined {
  const live = liveOf(wave, facts);
  const configMap = configMapOf(wave, facts);
  const isMissing = live === undefined && configMap !== undefined;
  if (!isMissing && (live === undefined || !isOurs(live))) {
    return undefined;
  }
  const drift = {
    overwritten: live !== undefined && isOverwritten(live),
    fields: live !== undefined && isDeclared(wave, live) ? fieldsOf(wave, live) : [],
    configMap: configMap !== undefined && hashOf(configMap) !== hashWritten(wave, live),
  };
  const isSame = !isMissing && !drift.overwritten && drift.fields.length === 0 && !drift.configMap;
  // What is still different after it was taken back is an admission webhook's, say, and not to be had.
  const isTakenBack = live?.annotations[repairAnnotation] === versionsOf(live, configMap);
  return isSame || isTakenBack ? undefined : drift;
}

/** A wave whose DaemonSet says which versions were taken back last, or are to be taken back now. */
export function withRepair(wave: Wave, facts: ClusterFacts): Wave {
  const live = liveOf(wave, facts);
  const versions =
    driftOf(wave, facts) === undefined
      ? live?.annotations[repairAnnotation]
      : versionsOf(live, configMapOf(wave, facts));
  if (versions === undefined) {
    return wave;
  }
  const { metadata } = wave.daemonSet;
  const annotations = { ...metadata.annotations, [repairAnnotation]: versions };
  return { ...wave, daemonSet: { ...wave.daemonSet, metadata: { ...metadata, annotations } } };
}

/** Whether a DaemonSet of this program was written anew by somebody else, so that its annotations are gone. */
export function isOverwritten({ annotations, managers }: DaemonSetFacts): boolean {
  return !(restartAnnotation in annotations) && managers.some((manager) => manager.startsWith("pulumi-"));
}

function isOurs(live: DaemonSetFacts): boolean {
  return restartAnnotation in live.annotations || isOverwritten(live);
}

/** The DaemonSet in the cluster that has a wave's name. */
export function liveOf({ daemonSet }: Wave, { daemonSets }: ClusterFacts): DaemonSetFacts | undefined {
  return daemonSets.find(({ name }) => name === daemonSet.metadata.name);
}

/** The ConfigMap in the cluster that has the name of a wave's: what its pods mount, unless that is an immutable one. */
export function configMapOf({ configMap }: Wave, { configMaps }: ClusterFacts): ConfigMapFacts | undefined {
  return configMaps.find(({ name }) => name === configMap.metadata.name);
}

/** The ConfigMap in the cluster that a wave's pods mount. */
export function mountedOf(wave: Wave, facts: ClusterFacts): ConfigMapFacts | undefined {
  const live = liveOf(wave, facts);
  return (live && mountedBy(live, facts)) ?? configMapOf(wave, facts);
}

/** The ConfigMap of the kube-proxies in a wave's place: before it is a pool of its own, that of all. */
export function runningOf(wave: Wave, facts: ClusterFacts): ConfigMapFacts | undefined {
  return mountedOf(wave, facts) ?? facts.configMaps.find(({ name }) => name === "kube-proxy");
}

/** Whether the program still wants what it wrote last. */
export function isDeclared({ daemonSet: { metadata } }: Wave, live: DaemonSetFacts): boolean {
  return [templateHashAnnotation, restartAnnotation, layoutAnnotation].every(
    (annotation) => live.annotations[annotation] === metadata.annotations?.[annotation],
  );
}

function versionsOf(live: DaemonSetFacts | undefined, configMap: ConfigMapFacts | undefined): string {
  return [live?.uid ?? "none", live?.generation ?? 0, configMap?.resourceVersion ?? "none"].join("/");
}

/** The hash of the configuration that was written last, which the DaemonSet tells. */
function hashWritten({ configMap }: Wave, live: DaemonSetFacts | undefined): string {
  return live?.annotations[configHashAnnotation] ?? configHash(configMap.data);
}

function hashOf({ data }: ConfigMapFacts): string {
  const { "config.conf": config = "", "kubeconfig.conf": kubeconfig = "" } = data;
  return configHash({ "config.conf": config, "kubeconfig.conf": kubeconfig });
}

function fieldsOf(wave: Wave, live: DaemonSetFacts): string[] {
  const changed = differing(wave.daemonSet.spec.template, live.spec["template"], "spec.template");
  return [...changed, ...addedTo(wave, live)];
}

/**
 * Fields that others have added to a DaemonSet's spec, of which the program says nothing. They are told from what the API
 * server fills in, which a release may add to, by who has written them.
 */
export function addedTo(
  { daemonSet: { spec } }: Wave,
  { spec: live, written = [] }: DaemonSetFacts,
): string[] {
  const isAt = (path: string, above: string) =>
    path.startsWith(above) && ["", ".", "["].includes(path.charAt(above.length));
  return differencesOf(live, spec, ["spec"])
    .filter(({ wanted }) => wanted === undefined)
    .map(({ path }) => formatPath(path))
    .filter((path) => written.some((other) => isAt(path, other) || isAt(other, path)));
}

/** Whether a field decides what the pods are. */
export function isOfPods(field: string): boolean {
  return field.startsWith("spec.template");
}

/**
 * Paths at which a live object is not what is wanted. Whatever it has beside that is the API server's or somebody else's.
 *
 * @param path - of both values
 */
export function differing(wanted: unknown, live: unknown, path: string): string[] {
  if (isNothing(wanted)) {
    return isNothing(live) || isRecord(wanted) ? [] : [path];
  }
  if (Array.isArray(wanted)) {
    return Array.isArray(live) && live.length === wanted.length
      ? wanted.flatMap((item, index) => differing(item, live[index], `${path}[${index}]`))
      : [path];
  }
  if (isRecord(wanted)) {
    return isRecord(live)
      ? Object.entries(wanted).flatMap(([key, value]) => differing(value, live[key], `${path}.${key}`))
      : [path];
  }
  return wanted === live || (path.includes(".resources.") && isSameQuantity(wanted, live)) ? [] : [path];
}

/** Whether a value says no more than that there is none, so that the API server may leave it out. */
export function isNothing(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === "" ||
    value === false ||
    value === 0 ||
    (typeof value === "object" && Object.keys(value).length === 0)
  );
}

/** The API server writes a quantity in its own way: `1000m` as `1`. */
function isSameQuantity(wanted: unknown, live: unknown): boolean {
  const [a, b] = [wanted, live].map((value) => parseQuantity(String(value))?.text);
  return a !== undefined && a === b;
}
