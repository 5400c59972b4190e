/** Pure: the settings that a live DaemonSet was made with. */
import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../input/record.ts";
import { initName } from "../kubeadm/hardening.ts";
import { affinityTo } from "../kubeadm/manifests.ts";
import type { DaemonSet } from "../kubeadm/objects.ts";
import { negated } from "../kubeadm/podSettings.ts";
import type { NodeSelectorRequirement } from "../kubeadm/podTypes.ts";
import type { Settings } from "../kubeadm/settings.ts";
import { type Difference, differencesOf, isBelow, type Path, valueAt } from "./differences.ts";
import type { LiveObject } from "./live.ts";

/** A setting that shows in a DaemonSet. */
interface Readable {
  readonly key: keyof Settings;
  /** What of the DaemonSet it decides. */
  readonly places: readonly [Path, ...Path[]];
  /**
   * The setting that makes this out of kubeadm's DaemonSet; of what no setting can make, the nearest one, or undefined.
   *
   * @param live - what is at each place
   * @param wanted - what is at the first place without the setting
   */
  readonly read: (live: readonly unknown[], wanted: unknown) => unknown;
  /** Where a setting only adds to what kubeadm makes: what of the first place is kubeadm's, to be compared whatever is set. */
  readonly kubeadms?: (live: readonly unknown[], wanted: unknown) => unknown;
}

const podSpec: Path = ["spec", "template", "spec"];
const container: Path = [...podSpec, "containers", 0];
const podMetadata: Path = ["spec", "template", "metadata"];

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

/** Entries of a mapping whose keys another one has as well, or has not. */
function entriesOf(live: unknown, wanted: unknown, areShared: boolean): Record<string, unknown> {
  const entries = Object.entries(isRecord(live) ? live : {});
  const isShared = (key: string) => isRecord(wanted) && Object.hasOwn(wanted, key);
  return Object.fromEntries(entries.filter(([key]) => isShared(key) === areShared));
}
const more = (live: unknown, wanted: unknown) => entriesOf(live, wanted, false);
const same = (live: unknown, wanted: unknown) => entriesOf(live, wanted, true);

/** Items of a list beyond the length of another one. */
const later = ([live]: readonly unknown[], wanted: unknown) => listOf(live).slice(listOf(wanted).length);
const first = ([live]: readonly unknown[], wanted: unknown) => listOf(live).slice(0, listOf(wanted).length);
const itself = ([live]: readonly unknown[]) => live;

function bounds([live]: readonly unknown[]): unknown {
  const maxUnavailable = valueAt(live, ["rollingUpdate", "maxUnavailable"]);
  return { rollingUpdate: { maxUnavailable: String(maxUnavailable) } };
}

const metadataParts = ["labels", "annotations"] as const;

function bothMetadata(live: unknown, wanted: unknown, part: typeof more = more): unknown {
  const parts = metadataParts.map(
    (key) => [key, part(valueAt(live, [key]), valueAt(wanted, [key]))] as const,
  );
  return Object.fromEntries(parts.filter(([, entries]) => Object.keys(entries).length > 0));
}

/** kube-proxy reads its arguments in any order, and those in `args` like those in `command`. */
function furtherArguments([command, args]: readonly unknown[], wanted: unknown): unknown {
  return [...listOf(command), ...listOf(args)].filter((argument) => !listOf(wanted).includes(argument));
}

function kubeadmsArguments([command, args]: readonly unknown[], wanted: unknown): unknown {
  const [program, ...given] = listOf(command);
  const [, ...needed] = listOf(wanted);
  return [program, ...needed.filter((argument) => [...given, ...listOf(args)].includes(argument))];
}

/** The nodes that a nodeAffinity leaves out, where it does nothing else. */
function excluded([live]: readonly unknown[]): unknown {
  const required: Path = ["nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
  const place = [...required, "nodeSelectorTerms", 0, "matchExpressions"];
  const requirements = listOf(valueAt(live, place)) as NodeSelectorRequirement[];
  const made = requirements.map(negated);
  return made.length > 0 && isDeepStrictEqual(live, affinityTo(requirements)) ? made : undefined;
}

const whole = (key: keyof Settings, place: Path): Readable => ({ key, places: [place], read: itself });

const readables: readonly Readable[] = [
  whole("image", [...container, "image"]),
  {
    key: "extraArgs",
    places: [
      [...container, "command"],
      [...container, "args"],
    ],
    read: furtherArguments,
    kubeadms: kubeadmsArguments,
  },
  { key: "env", places: [[...container, "env"]], read: later, kubeadms: first },
  {
    key: "hardened",
    places: [
      [...container, "securityContext"],
      [...podSpec, "initContainers"],
    ],
    // Whether all of it is as the setting makes it, the comparison that follows tells.
    read: ([, once]) => (valueAt(once, [0, "name"]) === initName ? true : undefined),
  },
  whole("resources", [...container, "resources"]),
  whole("livenessProbe", [...container, "livenessProbe"]),
  whole("readinessProbe", [...container, "readinessProbe"]),
  whole("startupProbe", [...container, "startupProbe"]),
  { key: "volumeMounts", places: [[...container, "volumeMounts"]], read: later, kubeadms: first },
  { key: "volumes", places: [[...podSpec, "volumes"]], read: later, kubeadms: first },
  whole("tolerations", [...podSpec, "tolerations"]),
  whole("priorityClassName", [...podSpec, "priorityClassName"]),
  whole("hostAliases", [...podSpec, "hostAliases"]),
  { key: "excludeNodes", places: [[...podSpec, "affinity"]], read: excluded },
  {
    key: "nodeSelector",
    places: [[...podSpec, "nodeSelector"]],
    read: ([live], wanted) => more(live, wanted),
    kubeadms: ([live], wanted) => same(live, wanted),
  },
  {
    key: "imagePullSecrets",
    places: [[...podSpec, "imagePullSecrets"]],
    read: ([live]) => listOf(live).map((secret) => valueAt(secret, ["name"])),
  },
  { key: "updateStrategy", places: [["spec", "updateStrategy"]], read: bounds },
  {
    key: "podMetadata",
    places: [podMetadata],
    read: ([live], wanted) => bothMetadata(live, wanted),
    kubeadms: ([live], wanted) => bothMetadata(live, wanted, same),
  },
];

/** Settings that only add to what kubeadm makes. */
export const additive: readonly (keyof Settings)[] = [
  "metadata",
  ...readables.filter(({ kubeadms }) => kubeadms !== undefined).map(({ key }) => key),
];

/** The setting that decides a place in a DaemonSet; undefined where none does. */
export function keyOf(path: Path): keyof Settings | undefined {
  return readables.find(({ places }) => places.some((place) => isBelow(path, place)))?.key;
}

/**
 * The setting that was edited into a live DaemonSet.
 *
 * @param wanted - the DaemonSet as kubeadm makes it
 */
export function settingIn(key: keyof Settings, live: LiveObject, wanted: DaemonSet): unknown {
  const readable = readables.find((one) => one.key === key);
  return readable?.read(...bothAt(readable.places, live, wanted));
}

/**
 * Where a live DaemonSet has not even what kubeadm makes and no setting takes away: the first of its arguments, its own
 * variable, its label for Linux. That is nothing that a setting of the user's could mean.
 *
 * @param wanted - the DaemonSet as kubeadm makes it without {@link additive} settings
 * @param isMeant - whether it is looked at what a setting adds to
 */
export function missingIn(
  live: LiveObject,
  wanted: DaemonSet,
  isMeant: (key: keyof Settings) => boolean,
): Difference[] {
  return readables.flatMap(({ key, places, kubeadms }) => {
    if (kubeadms === undefined || !isMeant(key)) return [];
    const [parts, made] = bothAt(places, live, wanted);
    return differencesOf(kubeadms(parts, made), made, places[0]).map(({ path, wanted: part }) => ({
      path,
      live: valueAt(live, path),
      wanted: part,
    }));
  });
}

function bothAt(
  places: Readable["places"],
  live: LiveObject,
  wanted: DaemonSet,
): [readonly unknown[], unknown] {
  return [places.map((place) => valueAt(live, place)), valueAt(wanted, places[0])];
}

/** Labels of kubeadm's that a live object has not, or with another value. */
export function missingLabels({ metadata }: LiveObject, wanted: LiveObject | undefined): Difference[] {
  const [live, made] = [metadata["labels"], wanted?.metadata["labels"]];
  return made === undefined ? [] : differencesOf(same(live, made), made, ["metadata", "labels"]);
}

/** Labels and annotations of a live object that kubeadm's has not. */
export function foreignMetadata(live: LiveObject, wanted: { readonly metadata: object }): unknown {
  return bothMetadata(live.metadata, wanted.metadata);
}

/** What kubectl and this program write for themselves, which is nobody's edit. */
const ownAnnotations =
  /^(kube-proxy|pulumi\.com)\/|^kubectl\.kubernetes\.io\/(restartedAt|last-applied-configuration)$|^deprecated\.daemonset\.|^kubeadm\.kubernetes\.io\/component-config\.hash$/;

/** A live object without annotations that are nobody's edit. */
export function withoutOwnAnnotations(object: LiveObject): LiveObject {
  const metadata = cleaned(object.metadata) as LiveObject["metadata"];
  const template = valueAt(object, ["spec", "template"]);
  return isRecord(template)
    ? {
        ...object,
        metadata,
        spec: {
          ...(object["spec"] as object),
          template: { ...template, metadata: cleaned(template["metadata"]) },
        },
      }
    : { ...object, metadata };
}

function cleaned(metadata: unknown): unknown {
  if (!isRecord(metadata)) {
    return metadata;
  }
  const { annotations, ...rest } = metadata;
  const kept = Object.entries(isRecord(annotations) ? annotations : {}).filter(
    ([key]) => !ownAnnotations.test(key),
  );
  return { ...rest, ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }) };
}
