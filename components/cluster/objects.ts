/** Which objects of a cluster are kube-proxy's. */
import { isDeepStrictEqual } from "node:util";

/** A Kubernetes object as JSON, with whatever fields the cluster's release has. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ApiMetadata;
  readonly [field: string]: unknown;
}

/** An object's metadata. */
export interface ApiMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly [field: string]: unknown;
}

/** Kind and name of an object, which say where it is in the API. */
export interface ObjectId {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** Where in the API the objects of one kind are. */
export type Collection = Omit<ObjectId, "name">;

const rbac = "rbac.authorization.k8s.io/v1";
const own = { namespace: "kube-system", name: "kube-proxy" };

/** The ClusterRole, which is there only where one was asked for; `system:node-proxier` is the API server's own. */
export const clusterRoleId: ObjectId = {
  apiVersion: rbac,
  kind: "ClusterRole",
  name: "kube-proxy:node-proxier",
};

/**
 * Every object of kubeadm's kube-proxy, in the order in which they are created: what is referred to comes first.
 */
export const kubeProxyIds: readonly ObjectId[] = [
  { apiVersion: "v1", kind: "ServiceAccount", ...own },
  clusterRoleId,
  { apiVersion: rbac, kind: "ClusterRoleBinding", name: "kubeadm:node-proxier" },
  { apiVersion: rbac, kind: "Role", ...own },
  { apiVersion: rbac, kind: "RoleBinding", ...own },
  { apiVersion: "v1", kind: "ConfigMap", ...own },
  { apiVersion: "apps/v1", kind: "DaemonSet", ...own },
];

/** What a pool has of its own beside kubeadm's objects; both are named `kube-proxy-<pool>`. */
export const poolCollections: readonly Collection[] = [
  { apiVersion: "v1", kind: "ConfigMap", namespace: own.namespace },
  { apiVersion: "apps/v1", kind: "DaemonSet", namespace: own.namespace },
];

/** A pool's name is a DNS label that leaves room for what comes before it. */
const poolObjectName = /^kube-proxy-[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$/;

/** Whether an object is a pool's, by its kind, namespace and name. */
export function isOfPool({ name, ...collection }: ObjectId): boolean {
  return poolObjectName.test(name) && poolCollections.some((known) => isDeepStrictEqual(known, collection));
}

/** Whether an object can be kube-proxy's: kubeadm's or a pool's. */
export function isKubeProxys(id: ObjectId): boolean {
  return kubeProxyIds.some((known) => isDeepStrictEqual(known, id)) || isOfPool(id);
}

/** Objects in the order in which they are created; those of one kind stay in theirs. */
export function inOrder(objects: readonly ApiObject[]): ApiObject[] {
  const place = ({ kind }: ApiObject) => kubeProxyIds.findIndex((id) => id.kind === kind);
  return objects.toSorted((a, b) => place(a) - place(b));
}

/** Kind and name of an object. */
export function idOf({ apiVersion, kind, metadata: { namespace, name } }: ApiObject): ObjectId {
  return { apiVersion, kind, ...(namespace !== undefined && { namespace }), name };
}

/** An object's name for people: `DaemonSet kube-system/kube-proxy`. */
export function nameOf({ kind, namespace, name }: ObjectId): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

/** Path of an object in the API. */
export function pathOf(id: ObjectId): string {
  return `${collectionPathOf(id)}/${encodeURIComponent(id.name)}`;
}

/** Path of the objects of one kind in the API; the plural of each kind used here is regular. */
export function collectionPathOf({ apiVersion, kind, namespace }: Collection): string {
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const within = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${group}${within}/${kind.toLowerCase()}s`;
}
