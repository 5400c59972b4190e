import { isDeepStrictEqual } from "node:util";
import { additive, keyOf } from "../adoption/daemonSet.ts";
import { formatPath, type Path } from "../adoption/differences.ts";
import { fields } from "../configuration/fields.ts";
import { readYaml } from "../configuration/readYaml.ts";
import type { ConfigMapFacts, DaemonSetFacts } from "../facts/facts.ts";
import { withoutSecrets, withoutUserinfo } from "../input/passwords.ts";
import { listed, toJson } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import type { ContainerEnvVar } from "../kubeadm/objects.ts";
import { mounting, type Wave } from "../pools/waves.ts";
import { differing, isNothing } from "./drift.ts";
import { mountOf } from "./immutable.ts";

/** Fields of the pods' spec to which the API server adds nothing: what they no longer have is told as well. */
const wholeFields = ["nodeSelector", "tolerations", "imagePullSecrets"] as const;

const podSpec: Path = ["spec", "template", "spec"];
const container: Path = ["containers", 0];

/**
 * What an update changes of the pods and of their configuration, as few words as it takes, so that a changed
 * `kubernetesVersion` shows what moves with it: `image a:v1 -> a:v2`, `tolerations: without {"operator":"Exists"}`. Each
 * change has the name of the setting that decides it; where none does, its path in the pods' spec.
 *
 * @param wave - as the program wants it
 * @param live - its DaemonSet in the cluster
 * @param configMap - the ConfigMap in the cluster that it mounts
 */
export function changesOf(wave: Wave, live: DaemonSetFacts, configMap: ConfigMapFacts | undefined): string[] {
  const template = wave.daemonSet.spec.template.spec;
  const [made] = template.containers;
  const liveSpec = recordOf(recordOf(live.spec["template"])["spec"]);
  const [liveContainer = {}] = (liveSpec["containers"] ?? []) as Record<string, unknown>[];
  const { image, command, ...rest } = made;
  const [mount, wantedMount = ""] = [mountOf(live), mountOf(wave.daemonSet)];
  // An init container is what the container is, and goes by the same settings.
  const whole = new Set<string>([...wholeFields, "initContainers", "containers", "resources", "env"]);
  const fieldChanges = (wanted: Record<string, unknown>, found: Record<string, unknown>, place: Path) =>
    Object.entries(wanted).flatMap(([field, value]) =>
      fieldChange([...place, field], found[field], value, wave.pool),
    );
  return [
    ...(image === liveContainer["image"] ? [] : [`image ${String(liveContainer["image"])} -> ${image}`]),
    ...wholeFields.flatMap((field) => changeOf(field, liveSpec[field], template[field])),
    ...changeOf("resources", liveContainer["resources"], made.resources),
    ...envChange(liveContainer["env"], made.env),
    ...argumentsChange(liveContainer["command"], command),
    ...(mount === undefined || mount === wantedMount ? [] : [`ConfigMap ${mount} -> ${wantedMount}`]),
    ...fieldChanges(without(mounting(template, mount ?? wantedMount), whole), liveSpec, []),
    ...fieldChanges(without(rest, whole), liveContainer, container),
    ...(configMap === undefined ? [] : dataChanges(wave, configMap)),
  ];
}

/** Settings that decide only a part of their place, so that a path into that is none into the setting. */
const partial = new Set<string>([...additive, "excludeNodes"]);

/** What else changes, by no more than where that is. */
function fieldChange(path: Path, live: unknown, wanted: unknown, pool: string | undefined): string[] {
  const own = formatPath(path);
  const key = keyOf([...podSpec, ...path]);
  const paths = differing(wanted, live, own);
  // The nodes of a pool are chosen in the same place.
  if (key === undefined || (key === "excludeNodes" && pool !== undefined)) {
    return paths;
  }
  const isToggled = key === "hardened" && paths.some((one) => one.endsWith(".privileged"));
  const named = paths.map((one) => (isToggled || partial.has(key) ? key : `${key}${one.slice(own.length)}`));
  return [...new Set(named)];
}

/** Of all that kube-proxy is started with only `extraArgs` differs. */
function argumentsChange(live: unknown, wanted: readonly string[]): string[] {
  const before = Array.isArray(live) ? (live as unknown[]) : [];
  const shown = (one: unknown) => toJson(withoutSecrets(one));
  const found = told("extraArgs", {
    without: before.filter((one) => !wanted.includes(one as string)).map(shown),
    with: wanted.filter((one) => !before.includes(one)).map(shown),
  });
  return found.length > 0 || isDeepStrictEqual(before, wanted) ? found : ["extraArgs: in another order"];
}

/** What a mapping or a list has no longer, and what it has now. */
function changeOf(field: string, live: unknown, wanted: unknown): string[] {
  const [before, after] = [entriesOf(live), entriesOf(wanted)];
  const gone = before.filter((entry) => !after.includes(entry));
  const come = after.filter((entry) => !before.includes(entry));
  return told(field, { without: gone, with: come });
}

function told(field: string, parts: Readonly<Record<string, readonly string[]>>): string[] {
  const words = Object.entries(parts).flatMap(([word, entries]) =>
    entries.length === 0 ? [] : [`${word} ${listed(entries)}`],
  );
  return words.length === 0 ? [] : [`${field}: ${words.join(", ")}`];
}

function entriesOf(value: unknown): string[] {
  return Array.isArray(value)
    ? value.map((item) => toJson(item))
    : Object.entries(recordOf(value)).map(([key, item]) => `${key}=${asText(item)}`);
}

/** By the variables' names alone: the address of a proxy can hold a password. */
function envChange(live: unknown, wanted: readonly ContainerEnvVar[]): string[] {
  const [before, after] = [live, wanted].map(
    (list) => new Map(((list ?? []) as ContainerEnvVar[]).map(({ name, value = "" }) => [name, value])),
  ) as [Map<string, string>, Map<string, string>];
  const names = (one: Map<string, string>, isOne: (name: string) => boolean) => [...one.keys()].filter(isOne);
  return told("env", {
    without: names(before, (name) => !after.has(name)),
    with: names(after, (name) => !before.has(name)),
    "another value of": names(after, (name) => before.has(name) && before.get(name) !== after.get(name)),
  });
}

function dataChanges({ configMap }: Wave, live: ConfigMapFacts): string[] {
  const [before, after] = [
    serverOf(live.data["kubeconfig.conf"]),
    serverOf(configMap.data["kubeconfig.conf"]),
  ];
  return [
    ...configurationChanges(leavesOf(live.data["config.conf"]), leavesOf(configMap.data["config.conf"])),
    ...(before === after ? [] : [`server ${before} -> ${after}`]),
  ];
}

function serverOf(kubeconfig = ""): string {
  return withoutUserinfo(/^ +server: (.*)$/m.exec(kubeconfig)?.[1] ?? "(none)");
}

/** kubeadm writes unset fields, too: how many of those there are is all there is to say of them. */
function configurationChanges(before: Leaves, after: Leaves): string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  const changed = paths.filter((path) => !isDeepStrictEqual(before.get(path), after.get(path)));
  const isDefault = (path: string) => [before, after].every((leaves) => isUnset(path, leaves.get(path)));
  const set = changed.filter((path) => !isDefault(path));
  const unset = changed.filter(isDefault);
  const shown = (leaves: Leaves, path: string) => (leaves.has(path) ? asText(leaves.get(path)) : "(none)");
  const parts = [
    ...set.map((path) => `${path} ${shown(before, path)} -> ${shown(after, path)}`),
    ...count(
      unset.filter((path) => !before.has(path)),
      "more at their defaults",
    ),
    ...count(
      unset.filter((path) => !after.has(path)),
      "fewer at their defaults",
    ),
    ...count(
      unset.filter((path) => before.has(path) && after.has(path)),
      "written otherwise, at their defaults",
    ),
  ];
  return parts.length === 0 ? [] : [`configuration: ${listed(parts, 8)}`];
}

function count({ length }: readonly string[], what: string): string[] {
  return length === 0 ? [] : [`${length} ${what}`];
}

type Leaves = ReadonlyMap<string, unknown>;

/** Every field of a configuration by its dotted path. */
function leavesOf(text = ""): Leaves {
  const leaves = new Map<string, unknown>();
  const walk = (value: unknown, path: string): void => {
    if (isRecord(value)) {
      for (const [key, item] of Object.entries(value)) {
        walk(item, path === "" ? key : `${path}.${key}`);
      }
    } else {
      leaves.set(path, value);
    }
  };
  walk(readYaml(text)[0]?.value ?? {}, "");
  return leaves;
}

/** Whether kube-proxy puts in its default, or was given that. */
function isUnset(path: string, value: unknown): boolean {
  const standard = fields.find((field) => field.path === path)?.defaulted;
  return isNothing(value) || value === "0s" || value === "0" || value === standard;
}

function asText(value: unknown): string {
  return typeof value === "string" && value !== "" ? value : toJson(value);
}

function recordOf(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function without(value: object, keys: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.has(key)));
}
