/** Pure: the settings that a live DaemonSet was made with. */
import { isRecord } from "../input/record.ts";
import type { DaemonSet } from "../kubeadm/objects.ts";
import type { Settings } from "../kubeadm/settings.ts";
import { isBelow, type Path, valueAt } from "./differences.ts";
import type { LiveObject } from "./live.ts";

/** A setting that shows in a DaemonSet. */
interface Readable {
  readonly key: keyof Settings;
  /** What of the DaemonSet it decides. */
  readonly place: Path;
  /**
   * The setting that makes this out of kubeadm's DaemonSet; of what no setting can make, the nearest one.
   *
   * @param live - what is there
   * @param wanted - what is there without the setting
   */
  readonly read: (live: unknown, wanted: unknown) => unknown;
}

const podSpec: Path = ["spec", "template", "spec"];
const container: Path = [...podSpec, "containers", 0];
const podMetadata: Path = ["spec", "template", "metadata"];

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

/** Entries of a mapping that another one has not. */
function more(live: unknown, wanted: unknown): Record<string, unknown> {
  const entries = Object.entries(isRecord(live) ? live : {});
  return Object.fromEntries(entries.filter(([key]) => !isRecord(wanted) || !(key in wanted)));
}

/** Items of a list beyond the length of another one. */
function later(live: unknown, wanted: unknown): readonly unknown[] {
  return listOf(live).slice(listOf(wanted).length);
}

function bounds(live: unknown): unknown {
  const maxUnavailable = valueAt(live, ["rollingUpdate", "maxUnavailable"]);
  return { rollingUpdate: { maxUnavailable: String(maxUnavailable) } };
}

function bothMetadata(live: unknown, wanted: unknown): unknown {
  const parts = (["labels", "annotations"] as const).map(
    (part) => [part, more(valueAt(live, [part]), valueAt(wanted, [part]))] as const,
  );
  return Object.fromEntries(parts.filter(([, entries]) => Object.keys(entries).length > 0));
}

const readables: readonly Readable[] = [
  { key: "image", place: [...container, "image"], read: (live) => live },
  { key: "extraArgs", place: [...container, "command"], read: later },
  { key: "env", place: [...container, "env"], read: later },
  { key: "resources", place: [...container, "resources"], read: (live) => live },
  { key: "tolerations", place: [...podSpec, "tolerations"], read: (live) => live },
  { key: "nodeSelector", place: [...podSpec, "nodeSelector"], read: more },
  {
    key: "imagePullSecrets",
    place: [...podSpec, "imagePullSecrets"],
    read: (live) => listOf(live).map((secret) => valueAt(secret, ["name"])),
  },
  { key: "updateStrategy", place: ["spec", "updateStrategy"], read: bounds },
  { key: "podMetadata", place: podMetadata, read: bothMetadata },
];

/** The setting that decides a place in a DaemonSet; undefined where none does. */
export function keyOf(path: Path): keyof Settings | undefined {
  return readables.find(({ place }) => isBelow(path, place))?.key;
}

/**
 * The setting that was edited into a live DaemonSet.
 *
 * @param wanted - the DaemonSet as kubeadm makes it
 */
export function settingIn(key: keyof Settings, live: LiveObject, wanted: DaemonSet): unknown {
  const readable = readables.find((one) => one.key === key);
  const place = readable?.place ?? [];
  return readable?.read(valueAt(live, place), valueAt(wanted, place));
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
