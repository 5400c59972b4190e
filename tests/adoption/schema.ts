/** Every field of the objects that are taken over, by the OpenAPI document that an API server serves. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Path } from "../../components/adoption/differences.ts";
import { isRecord } from "../../components/input/record.ts";

/** The kinds, by their names in the document. */
const roots: Readonly<Record<string, string>> = {
  ServiceAccount: "io.k8s.api.core.v1.ServiceAccount",
  ClusterRoleBinding: "io.k8s.api.rbac.v1.ClusterRoleBinding",
  Role: "io.k8s.api.rbac.v1.Role",
  RoleBinding: "io.k8s.api.rbac.v1.RoleBinding",
  ConfigMap: "io.k8s.api.core.v1.ConfigMap",
  DaemonSet: "io.k8s.api.apps.v1.DaemonSet",
};

/** Fields by the name of their type: the name of each one's own type, with `[]` or `{}` before it for a list or a mapping. */
export type Schema = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What of an OpenAPI 2 document the kinds are made of. */
export function schemaOf(document: unknown): Schema {
  const { definitions } = document as { definitions: Record<string, { properties?: Record<string, Node> }> };
  const schema: Record<string, Record<string, string>> = {};
  const add = (name: string) => {
    const properties = definitions[name]?.properties;
    const short = shortOf(name);
    if (properties === undefined || short in schema) return;
    const fields = Object.entries(properties).toSorted(([a], [b]) => (a < b ? -1 : 1));
    schema[short] = Object.fromEntries(fields.map(([key, node]) => [key, typeOf(node)]));
    for (const [, node] of fields) {
      const { $ref } = node.items ?? node.additionalProperties ?? node;
      if ($ref !== undefined) add(nameOf($ref));
    }
  };
  for (const root of Object.values(roots)) add(root);
  return schema;
}

interface Node {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly items?: Node;
  readonly additionalProperties?: Node;
}

const nameOf = ($ref: string) => $ref.slice($ref.lastIndexOf("/") + 1);
const shortOf = (name: string) => name.slice(name.lastIndexOf(".") + 1);

function typeOf({ $ref, type = "", items, additionalProperties }: Node): string {
  if ($ref !== undefined) return shortOf(nameOf($ref));
  if (items !== undefined) return `[]${typeOf(items)}`;
  return additionalProperties === undefined ? type : `{}${typeOf(additionalProperties)}`;
}

/** The schema of Kubernetes 1.37, as an API server of the lab serves it; the lab's test compares. */
export const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "schema-1.37.json"), "utf8"),
) as Schema;

/** One edit of an object: where it is, and what is there then. */
export interface Edit {
  readonly path: Path;
  readonly value: unknown;
}

/** What an API server needs of a type, beside the field that is edited. */
const samples: Readonly<Record<string, object>> = {
  AzureDiskVolumeSource: { diskName: "edited", diskURI: "edited" },
  AzureFileVolumeSource: { secretName: "edited", shareName: "edited" },
  CSIVolumeSource: { driver: "edited.example.com" },
  CephFSVolumeSource: { monitors: ["edited"] },
  CinderVolumeSource: { volumeID: "edited" },
  ConfigMapEnvSource: { name: "edited" },
  ConfigMapKeySelector: { name: "edited", key: "edited" },
  ConfigMapProjection: { name: "edited" },
  ConfigMapVolumeSource: { name: "edited" },
  Container: { name: "edited", image: "edited" },
  ContainerPort: { containerPort: 1 },
  ContainerResizePolicy: { resourceName: "cpu", restartPolicy: "NotRequired" },
  DownwardAPIVolumeFile: { path: "edited", fieldRef: { fieldPath: "metadata.name" } },
  EnvVar: { name: "EDITED" },
  ExecAction: { command: ["edited"] },
  HTTPGetAction: { port: 1 },
  HTTPHeader: { name: "Edited", value: "edited" },
  HostAlias: { ip: "192.0.2.1" },
  HostPathVolumeSource: { path: "/edited" },
  ISCSIVolumeSource: { targetPortal: "192.0.2.1", iqn: "iqn.2001-04.com.example:edited", lun: 0 },
  KeyToPath: { key: "edited", path: "edited" },
  LabelSelectorRequirement: { key: "edited", operator: "Exists" },
  LocalObjectReference: { name: "edited" },
  NFSVolumeSource: { server: "edited", path: "/edited" },
  NodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: "edited", operator: "DoesNotExist" }] }] },
  NodeSelectorRequirement: { key: "edited", operator: "Exists" },
  ObjectFieldSelector: { fieldPath: "metadata.name" },
  OwnerReference: { apiVersion: "v1", kind: "Edited", name: "edited", uid: "edited" },
  PersistentVolumeClaimVolumeSource: { claimName: "edited" },
  PodAffinityTerm: { topologyKey: "edited" },
  PodReadinessGate: { conditionType: "Edited" },
  PodSchedulingGate: { name: "edited" },
  PolicyRule: { apiGroups: [""], resources: ["pods"], verbs: ["get"] },
  PreferredSchedulingTerm: {
    weight: 1,
    preference: { matchExpressions: [{ key: "edited", operator: "Exists" }] },
  },
  Probe: { httpGet: { port: 1 } },
  ResourceClaim: { name: "edited" },
  ResourceFieldSelector: { resource: "limits.cpu" },
  SecretEnvSource: { name: "edited" },
  SecretKeySelector: { name: "edited", key: "edited" },
  SecretProjection: { name: "edited" },
  SecretVolumeSource: { secretName: "edited" },
  ServiceAccountTokenProjection: { path: "edited" },
  Subject: { kind: "User", name: "edited" },
  Sysctl: { name: "kernel.edited", value: "1" },
  TCPSocketAction: { port: 1 },
  Toleration: { operator: "Exists" },
  TopologySpreadConstraint: { maxSkew: 1, topologyKey: "edited", whenUnsatisfiable: "DoNotSchedule" },
  Volume: { name: "edited" },
  VolumeMount: { name: "lib-modules", mountPath: "/edited" },
  WeightedPodAffinityTerm: { weight: 1, podAffinityTerm: { topologyKey: "edited" } },
};

/** What is there of a field of each scalar type, the zero value last. */
const scalars: Readonly<Record<string, readonly unknown[]>> = {
  string: ["edited", ""],
  boolean: [true, false],
  integer: [1, 0],
  number: [1, 0],
  IntOrString: [1, "10%", 0],
  Quantity: ["1", "0"],
  Time: ["2026-01-01T00:00:00Z"],
};

/** What names an object, and what only the API server, its controllers and kubeadm write. */
const notEdited =
  /^(apiVersion|kind|status|metadata\.(name|namespace|creationTimestamp|deletion\w+|generation|managedFields|resourceVersion|selfLink|uid|annotations\.(deprecated\.daemonset|kubeadm\.kubernetes\.io)\S+)|spec\.template\.metadata\.creationTimestamp)$/;

/**
 * Every edit of one field: of what an object has, the first of a list's items included, and of what it could have.
 *
 * @param object - as it is in a cluster
 */
export function editsOf(object: { readonly kind: string }): Edit[] {
  return fieldsOf(object.kind, object, []);
}

function fieldsOf(type: string, value: unknown, path: Path): Edit[] {
  const record = isRecord(value) ? value : {};
  return Object.entries(recorded[type] ?? {}).flatMap(([key, field]) => {
    const place = [...path, key];
    return notEdited.test(place.join(".")) ? [] : editsAt(field, record[key], place);
  });
}

function editsAt(type: string, value: unknown, path: Path): Edit[] {
  if (type.startsWith("[]")) {
    const item = type.slice(2);
    const list = Array.isArray(value) ? (value as unknown[]) : [];
    const more = samplesOf(item).map((sample) => ({ path, value: [...list, sample] }));
    const inside = item in recorded && list.length > 0 ? fieldsOf(item, list[0], [...path, 0]) : [];
    const inNew = item in recorded ? newEdits(item, [...path, list.length]) : [];
    return [{ path, value: [] }, ...more, ...inside, ...inNew];
  }
  if (type.startsWith("{}")) {
    const added = samplesOf(type.slice(2)).map((sample) => ({
      path: [...path, "example.com/edited"],
      value: sample,
    }));
    const known = Object.keys(isRecord(value) ? value : {}).map((key) => ({
      path: [...path, key],
      value: "",
    }));
    return [{ path, value: {} }, ...known, ...added].filter((edit) => !notEdited.test(edit.path.join(".")));
  }
  if (type in recorded) {
    return value === undefined
      ? [{ path, value: {} }, { path, value: samples[type] ?? {} }, ...newEdits(type, path)]
      : fieldsOf(type, value, path);
  }
  return (scalars[type] ?? []).map((scalar) => ({ path, value: scalar }));
}

/** Edits that make a new value of a type with one field more than it needs. */
function newEdits(type: string, path: Path): Edit[] {
  const sample = samples[type] ?? {};
  return fieldsOf(type, sample, path).map((edit) => ({
    path,
    value: put(sample, edit.path.slice(path.length), edit.value),
  }));
}

function samplesOf(type: string): readonly unknown[] {
  return scalars[type] ?? [samples[type] ?? {}];
}

/** An object with an edit: what leads to it is made where it is not there. */
export function withEdit<T>(object: T, { path, value }: Edit): T {
  return put(object, path, value) as T;
}

function put(node: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  if (typeof key === "number") {
    const list = Array.isArray(node) ? (node as unknown[]) : [];
    return Object.assign([...list], { [key]: put(list[key], rest, value) });
  }
  return { ...(isRecord(node) ? node : {}), [key]: put(isRecord(node) ? node[key] : undefined, rest, value) };
}
