import { HttpMethod, type KubeConfig } from "@kubernetes/client-node";
import type { ClusterFacts, ConfigMapFacts, DaemonSetFacts, NodeFacts } from "../facts.ts";
import { helperLabel } from "../modes.ts";
import { find, list, request } from "./snapshot/api.ts";
import { type ApiObject, kubeProxyIds, pathOf } from "./snapshot/objects.ts";
import { strip } from "./snapshot/strip.ts";
import { type DaemonSet, listDaemonSets, listHelpers, managersOf } from "./workload.ts";

/**
 * Reads what decides what an `up` does: eleven requests, however many nodes.
 *
 * @param config - the cluster, see `loadCluster`
 * @throws ApiError when the API server refuses or does not answer
 */
export async function readFacts(config: KubeConfig): Promise<ClusterFacts> {
  const [nodes, daemonSets, configMaps, helpers, kubeadmConfig, objects] = await Promise.all([
    readNodes(config),
    listDaemonSets(config),
    list(config, kubeProxyConfigMaps, "app=kube-proxy"),
    listHelpers(config),
    find(config, "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"),
    Promise.all(kubeadmsIds.map((id) => find(config, pathOf(id)))),
  ]);
  const { ClusterConfiguration: clusterConfiguration } = dataOf(kubeadmConfig);
  return {
    nodes,
    daemonSets: daemonSets.map(daemonSetFacts),
    configMaps: configMaps.map(configMapFacts),
    helpers: helpers.map(({ metadata: { uid, labels } }) => ({ uid, mode: labels?.[helperLabel] ?? "" })),
    objects: JSON.stringify(objects.filter((object) => object !== undefined).map(strip)),
    ...(clusterConfiguration !== undefined && { clusterConfiguration }),
  };
}

/** All of kube-proxy's objects but the ClusterRole, which kubeadm does not make. */
const kubeadmsIds = kubeProxyIds.filter(({ kind }) => kind !== "ClusterRole");

const kubeProxyConfigMaps = { apiVersion: "v1", kind: "ConfigMap", namespace: "kube-system" };

/** Reads the nodes alone, as {@link readFacts} does. */
export async function readNodes(config: KubeConfig): Promise<NodeFacts[]> {
  const { items } = (await request(config, HttpMethod.GET, "/api/v1/nodes")) as { items: Node[] };
  return items.map(nodeFacts);
}

/** A node as the API server gives it, as far as it is looked at. */
interface Node {
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  readonly spec: { readonly taints?: NodeFacts["taints"] };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

function nodeFacts({ metadata: { name, labels = {} }, spec, status }: Node): NodeFacts {
  return {
    name,
    labels,
    taints: (spec.taints ?? []).map(({ key, value, effect }) => ({
      key,
      ...(value !== undefined && { value }),
      effect,
    })),
    ready: status.conditions?.find(({ type }) => type === "Ready")?.status ?? "Unknown",
  };
}

function daemonSetFacts({ metadata, spec, status }: DaemonSet): DaemonSetFacts {
  const { name, uid, generation = 0, annotations = {} } = metadata;
  const told = Object.entries(annotations).filter(([key]) => /^(kube-proxy|pulumi\.com)\//.test(key));
  return {
    name,
    uid,
    annotations: Object.fromEntries(told),
    generation,
    spec: { ...spec },
    managers: managersOf(metadata),
    desired: status.desiredNumberScheduled,
    available: status.numberAvailable ?? 0,
  };
}

function configMapFacts(configMap: ApiObject): ConfigMapFacts {
  const { name, resourceVersion } = configMap.metadata;
  return { name, resourceVersion: String(resourceVersion), data: dataOf(configMap) };
}

/** What a ConfigMap holds. */
function dataOf(configMap: ApiObject | undefined): Record<string, string> {
  return (configMap?.["data"] ?? {}) as Record<string, string>;
}
