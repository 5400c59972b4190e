import { CoreV1Api, KubeConfig, KubernetesObjectApi } from "@kubernetes/client-node";
import type { KubernetesObject, V1Node } from "@kubernetes/client-node";

import { kubernetesVersion, kwokVersion } from "./build.ts";
import { kwokAnnotation } from "./components.ts";
import { maxNodes, nodeAddresses } from "./network.ts";
import { forEachConcurrently, waitFor } from "./wait.ts";

/** Requests under way at once: as fast as more of them on 2 cores, and the API server stays kind. */
const concurrency = 16;

/** Options of {@link scaleNodes}. */
export interface ScaleOptions {
  /** Takes one line of progress at a time. */
  log: (line: string) => void;
  /** Ends the work early. */
  signal?: AbortSignal | undefined;
}

/**
 * Makes or removes Node objects until there are `count`, and waits until all of them are Ready and
 * no pod is left on a removed one.
 *
 * @param kubeconfig - Path of the administrator's kubeconfig file.
 * @param count - 0 to {@link maxNodes}; see {@link checkNodes}.
 */
export async function scaleNodes(
  kubeconfig: string,
  count: number,
  { log, signal }: ScaleOptions,
): Promise<void> {
  const started = Date.now();
  const config = load(kubeconfig);
  const api = config.makeApiClient(CoreV1Api);
  const objects = KubernetesObjectApi.makeApiClient(config);
  const have = new Set((await listNodes(api)).map(nodeName));
  const want = new Map(Array.from({ length: count }, (_, index) => [nameOf(index), index]));

  const missing = [...want].filter(([name]) => !have.has(name)).map(([, index]) => index);
  const surplus = [...have].filter((name) => !want.has(name));
  await forEachConcurrently(missing, concurrency, (index) => {
    signal?.throwIfAborted();
    return objects.create(nodeObject(index));
  });
  await forEachConcurrently(surplus, concurrency, (name) => {
    signal?.throwIfAborted();
    return api.deleteNode({ name });
  });
  if (surplus.length > 0) await deletePods(api, new Set(surplus));

  // Listing 1,000 nodes takes the API server a while: the more there are, the longer the pause.
  const bounds = { timeoutMs: 60_000 + 200 * count, intervalMs: 50 + count / 2, signal };
  await waitFor(`${count} Ready nodes`, bounds, async () => {
    const nodes = await listNodes(api);
    return nodes.length === count && nodes.every(isReady);
  });
  if (missing.length + surplus.length > 0) {
    const changes = [
      ...(missing.length > 0 ? [`${missing.length} added`] : []),
      ...(surplus.length > 0 ? [`${surplus.length} removed`] : []),
    ].join(", ");
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    log(`${count} nodes Ready (${changes}) after ${seconds} s.`);
  }
}

/** Counts the nodes, real ones too, and how many of them are Ready. */
export async function countNodes(kubeconfig: string): Promise<{ total: number; ready: number }> {
  const nodes = (await load(kubeconfig).makeApiClient(CoreV1Api).listNode({ resourceVersion: "0" })).items;
  return { total: nodes.length, ready: nodes.filter(isReady).length };
}

/**
 * @param realNodes - How many of the ranges of pods' addresses real nodes have.
 * @throws Error unless `count` is a whole number from 0 to {@link maxNodes}, or to what real nodes leave of that.
 */
export function checkNodes(count: unknown, realNodes = 0): asserts count is number {
  const most = maxNodes - realNodes;
  if (!Number.isInteger(count) || (count as number) < 0 || (count as number) > most) {
    throw new Error(`nodes: ${JSON.stringify(count)} is not accepted; give a whole number from 0 to ${most}`);
  }
}

function load(kubeconfig: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return config;
}

/** The nodes that kwok plays. */
async function listNodes(api: CoreV1Api): Promise<V1Node[]> {
  // From the API server's cache: plenty new for a loop that asks again.
  const nodes = (await api.listNode({ resourceVersion: "0" })).items;
  return nodes.filter((node) =>
    Object.entries(kwokAnnotation).every(([key, value]) => node.metadata?.annotations?.[key] === value),
  );
}

/** What a kubelet does with its pods when its node leaves: otherwise they would linger a minute. */
async function deletePods(api: CoreV1Api, nodes: ReadonlySet<string>): Promise<void> {
  const { items } = await api.listPodForAllNamespaces();
  const lost = items.filter((pod) => nodes.has(pod.spec?.nodeName ?? ""));
  await forEachConcurrently(lost, concurrency, async (pod) => {
    const name = pod.metadata?.name ?? "";
    const namespace = pod.metadata?.namespace ?? "";
    await api.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 }).catch((error: unknown) => {
      if ((error as { code?: number }).code !== 404) throw error; // Gone by itself.
    });
  });
}

/** The name of the node that kwok plays with this index, from 0. */
export function nameOf(index: number): string {
  return `node-${String(index + 1).padStart(4, "0")}`;
}

function nodeName(node: V1Node): string {
  return node.metadata?.name ?? "";
}

export function isReady(node: V1Node): boolean {
  return node.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
}

/** What a kubelet registers: kwok fills in the conditions (stage node-initialize). */
function nodeObject(index: number): KubernetesObject {
  const name = nameOf(index);
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const { internalIP, podCIDR } = nodeAddresses(index);
  const resources = { cpu: "4", memory: "8Gi", pods: "110" };
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      annotations: kwokAnnotation,
      labels: {
        "kubernetes.io/arch": architecture,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
      },
    },
    spec: { podCIDR, podCIDRs: [podCIDR] },
    status: {
      addresses: [
        { type: "InternalIP", address: internalIP },
        // Where its kubelet really is: kwok plays all of them.
        { type: "InternalDNS", address: "localhost" },
        { type: "Hostname", address: name },
      ],
      allocatable: resources,
      capacity: resources,
      nodeInfo: {
        architecture,
        bootID: "",
        containerRuntimeVersion: `kwok://${kwokVersion.slice(1)}`,
        kernelVersion: "6.12.0-kwok",
        kubeProxyVersion: "",
        kubeletVersion: kubernetesVersion,
        machineID: "",
        operatingSystem: "linux",
        osImage: "kwok (no operating system)",
        systemUUID: "",
      },
    },
  };
  return node;
}
