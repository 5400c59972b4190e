import type { YamlDocument } from "../configuration/readYaml.ts";
import { typeMeta } from "../configuration/render.ts";
import type { Warning } from "../configuration/warnings.ts";
import { listed, type Problem } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";

type Mapping = Record<string, unknown>;

/** The configuration in an object of the API, or why there is none. */
export type Held =
  { readonly text: string; readonly warnings: readonly Warning[] } | { readonly problem: Problem };

const command = "kubectl -n kube-system get configmap kube-proxy -o yaml";

/**
 * Finds the configuration in what `kubectl get -o yaml` or `-o json` prints: in a ConfigMap, alone, in a List or in one of
 * several documents. Of several the one that kubeadm's DaemonSet mounts is meant, kube-system/kube-proxy.
 *
 * @returns undefined where the file has no objects of the API
 */
export function heldConfiguration(file: readonly YamlDocument[]): Held | undefined {
  const values = file.map(({ value }) => value).filter((value) => value !== undefined && value !== null);
  const [first] = values;
  if (!isObject(first)) {
    return undefined;
  }
  const objects = values.filter(isObject).flatMap(itemsOf);
  const candidates = objects.flatMap(configurationsIn);
  const usual = candidates.filter(({ name }) => name === "kube-system/kube-proxy" || name === "kube-proxy");
  const [meant, ...more] = usual.length === 1 ? usual : candidates;
  if (meant !== undefined && more.length === 0) {
    const others = candidates.filter((candidate) => candidate !== meant);
    return { text: meant.text, warnings: others.map(({ name }) => notRead(name)) };
  }
  const accepted =
    meant === undefined
      ? (mountedBy(objects) ?? `a KubeProxyConfiguration, or an object that has one: ${command}`)
      : `one KubeProxyConfiguration; here are those of ${listed(candidates.map(({ name }) => name))}: give one of them alone`;
  return { problem: { path: "kind", value: first["kind"], accepted } };
}

/** An object of the API, by its header: anything else is taken for a configuration with mistakes. */
function isObject(value: unknown): value is Mapping {
  const { apiVersion, kind } = isRecord(value) ? value : {};
  const [group] = typeMeta.apiVersion.split("/");
  return (
    typeof apiVersion === "string" &&
    typeof kind === "string" &&
    kind !== typeMeta.kind &&
    apiVersion.split("/")[0] !== group
  );
}

function itemsOf(object: Mapping): Mapping[] {
  const { kind, items } = object;
  return typeof kind === "string" && kind.endsWith("List") && Array.isArray(items)
    ? items.filter(isRecord).flatMap(itemsOf)
    : [object];
}

/** kubeadm has it under `config.conf`; others, such as EKS, under names of their own. */
function configurationsIn(object: Mapping): { name: string; text: string }[] {
  const data = object["kind"] === "ConfigMap" && isRecord(object["data"]) ? object["data"] : {};
  return Object.entries(data).flatMap(([key, text]) =>
    typeof text === "string" && (key === "config.conf" || text.includes(typeMeta.kind))
      ? [{ name: nameOf(object), text }]
      : [],
  );
}

function nameOf({ metadata }: Mapping): string {
  const { name, namespace } = isRecord(metadata) ? metadata : {};
  return [namespace, name].filter((word) => typeof word === "string").join("/") || "without a name";
}

function mountedBy(objects: readonly Mapping[]): string | undefined {
  const daemonSet = objects.find(({ kind }) => kind === "DaemonSet");
  return daemonSet && `its ConfigMap: a DaemonSet mounts the configuration and does not have it: ${command}`;
}

function notRead(name: string): Warning {
  return {
    path: `ConfigMap ${name}`,
    reason: "has a KubeProxyConfiguration, too, which is not looked at here: give it alone",
    date: "1.15 (June 2019)",
  };
}
