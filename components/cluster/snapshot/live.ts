import type { KubeConfig } from "@kubernetes/client-node";
import { ProblemsError } from "../../input/problems.ts";
import { isRecord } from "../../input/record.ts";
import { mountOf } from "../../plan/immutable.ts";
import { poolLabel } from "../../pools/waves.ts";
import { find, list } from "../api.ts";
import { all } from "../apiError.ts";
import {
  type ApiObject,
  idOf,
  inOrder,
  isOfPool,
  kubeProxyIds,
  type ObjectId,
  pathOf,
  poolCollections,
} from "../objects.ts";

/** kube-proxy's objects as they are in a cluster, with everything the server added. */
export interface Live {
  /** UID of namespace kube-system. */
  readonly cluster: string;
  /** Those that exist, in the order in which they are created; pools by their names. */
  readonly objects: readonly ApiObject[];
}

/**
 * Reads all of kube-proxy's objects: kubeadm's by their names, those of pools by their label, and the immutable ConfigMaps
 * that DaemonSets mount.
 *
 * @param beside - immutable ConfigMaps that are read as well, where they exist
 * @throws ProblemsError when the cluster does not answer or the user may not read one of them
 */
export async function readLive(config: KubeConfig, beside: readonly ObjectId[] = []): Promise<Live> {
  const ids: readonly ObjectId[] = [
    { apiVersion: "v1", kind: "Namespace", name: "kube-system" },
    ...kubeProxyIds,
  ];
  const [[namespace] = [], ...found] = await all("the cluster's answers", [
    ...ids.map(async (id) => [await find(config, pathOf(id))]),
    ...poolCollections.map(async (collection) => {
      // Anybody can give that label; a snapshot must hold nothing that cannot be read back.
      return (await list(config, collection, poolLabel)).filter((object) => isOfPool(idOf(object)));
    }),
  ]);
  const objects = found.flat().filter((object) => object !== undefined);
  const known = objects.filter(({ kind }) => kind === "ConfigMap").map((object) => idOf(object).name);
  const further = [...objects.flatMap(mountedId), ...beside].filter(({ name }) => !known.includes(name));
  const immutables = await all(
    "the cluster's answers",
    [...new Set(further.map(pathOf))].map((path) => find(config, path)),
  );
  return {
    cluster: uidOf(namespace),
    objects: inOrder([...objects, ...immutables.filter((object) => object !== undefined)]),
  };
}

/** The ConfigMap that a DaemonSet's pods mount, unless it has a name that a snapshot may not hold. */
function mountedId({ kind, spec }: ApiObject): ObjectId[] {
  const name = kind === "DaemonSet" && isRecord(spec) ? mountOf({ spec }) : undefined;
  const id = { apiVersion: "v1", kind: "ConfigMap", namespace: "kube-system", name: name ?? "" };
  return isOfPool(id) ? [id] : [];
}

function uidOf(namespace: unknown): string {
  const metadata = isRecord(namespace) ? namespace["metadata"] : undefined;
  const uid = isRecord(metadata) ? metadata["uid"] : undefined;
  // It becomes a folder's name, so that it must not be able to lead elsewhere.
  if (typeof uid !== "string" || !/^[\w-]+$/.test(uid)) {
    throw new ProblemsError("the cluster's answers", [
      { path: "Namespace kube-system", accepted: "has no UID by which to tell the cluster" },
    ]);
  }
  return uid;
}
