import type {
  KubeConfig,
  V1Condition,
  V1ConfigMap,
  V1ControllerRevision,
  V1DaemonSet,
  V1Node,
  V1NodeCondition,
  V1Pod,
  V1PodCondition,
} from "@kubernetes/client-node";
import { parseYaml } from "../../configuration/readYaml.ts";
import { isRecord } from "../../input/record.ts";
import { selects } from "../../pools/placement.ts";
import { configHashAnnotation, restartAnnotation } from "../../restart/restart.ts";
import { get, listAll } from "../api.ts";
import { Interrupted } from "../ending.ts";
import { paths as kubeProxyPaths } from "../workload.ts";
import { reasonOf } from "./errors.ts";
import type { Fleet, Node, Pod } from "./types.ts";

const namespace = "kube-system";

const paths = {
  ...kubeProxyPaths,
  configMaps: `/api/v1/namespaces/${namespace}/configmaps`,
  nodes: "/api/v1/nodes",
};

/** Nodes or pods in one answer: a page is all in memory, some times over, and is read every few seconds. */
const pageSize = 250;

/** As much of what a kubelet says of its machine is kept: more than any has. */
const longestKept = 100;

/** Which DaemonSet, and which of its nodes. */
export interface FleetChoice {
  readonly daemonSet: string;
  /** By name; undefined for all that it selects. */
  readonly nodes: readonly string[] | undefined;
}

/**
 * Reads the DaemonSet, its newest revision and ConfigMap, its nodes and pods: five requests, and more for more pages. Of
 * nodes and pods it keeps what is looked at: a node has some 16 kB, of which that is a hundredth.
 *
 * @param deadline - ends the wait for the API server
 * @throws Error when the DaemonSet does not exist, when it does not select one of the chosen nodes, or when the API
 *   server refuses or does not answer
 */
async function readFleet(config: KubeConfig, choice: FleetChoice, signal: AbortSignal): Promise<Fleet> {
  const path = (kind: string, name: string) => `${kind}/${encodeURIComponent(name)}`;
  const daemonSet = (await get(config, path(paths.daemonSets, choice.daemonSet), { signal })) as V1DaemonSet;
  const labelSelector = Object.entries(daemonSet.spec?.selector.matchLabels ?? {})
    .map((pair) => pair.join("="))
    .join(",");
  const query = { labelSelector };
  const owned = (object: V1Pod | V1ControllerRevision): boolean =>
    object.metadata?.ownerReferences?.some(({ uid }) => uid === daemonSet.metadata?.uid) ?? false;
  const template = daemonSet.spec?.template.spec;
  const keepPod = (pod: V1Pod) => (owned(pod) && isStaying(pod) ? podOf(pod) : undefined);
  const controlPlane = new Set<string>();
  const keepNode = (node: V1Node) => {
    if (isControlPlane(node)) controlPlane.add(node.metadata?.name ?? "");
    return template !== undefined && selects(template, node) ? nodeOf(node) : undefined;
  };
  const [revisions, pods, nodes, configuration] = await Promise.all([
    listAll<V1ControllerRevision>(config, paths.revisions, { query, signal }),
    listAll(config, paths.pods, { query, pageSize, signal }, keepPod),
    listAll(config, paths.nodes, { pageSize, signal }, keepNode),
    mountedConfiguration(config, daemonSet, signal),
  ]);
  const placed = pods.map((pod) => ({ ...pod, besideApiServer: controlPlane.has(pod.node) }));
  const byNode = Map.groupBy(placed, ({ node }) => node);
  return {
    revision: newestRevision(daemonSet, revisions.filter(owned)),
    configuration,
    nodes: chosen(nodes, choice).map((node) => ({ ...node, pods: byNode.get(node.name) ?? [] })),
  };
}

/** All nodes, for a DaemonSet that is not there yet. */
export async function readNodes(config: KubeConfig, signal: AbortSignal): Promise<Node[]> {
  return await listAll(config, paths.nodes, { pageSize, signal }, nodeOf);
}

function nodeOf({ metadata, status }: V1Node): Node {
  const { kernelVersion = "", osImage = "" } = status?.nodeInfo ?? {};
  return {
    name: metadata?.name ?? "",
    // JSON has no dates, whatever the client's types say.
    created: String(metadata?.creationTimestamp ?? ""),
    notReady: whyNotReady(status?.conditions),
    machine: status?.nodeInfo && {
      kernel: kernelVersion.slice(0, longestKept),
      osImage: osImage.slice(0, longestKept),
    },
    pods: [],
  };
}

/**
 * {@link readFleet}, but every error says in one line what could not be read and why, and has as its cause what the API
 * server answered.
 *
 * @param deadline - ends the wait for the API server
 */
export async function readFleetInTime(
  config: KubeConfig,
  choice: FleetChoice,
  deadline: AbortSignal,
): Promise<Fleet> {
  try {
    return await readFleet(config, choice, deadline);
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    const reason = deadline.aborted ? "no answer from the API server in time" : reasonOf(error);
    const what = `DaemonSet ${namespace}/${choice.daemonSet} and its nodes cannot be read`;
    throw new Error(`${what}: ${reason}`, { cause: error });
  }
}

/** @param nodes - those that the DaemonSet selects */
function chosen(nodes: readonly Node[], choice: FleetChoice): readonly Node[] {
  const wanted = choice.nodes && new Set(choice.nodes);
  if (wanted === undefined) return nodes;
  const found = nodes.filter(({ name }) => wanted.has(name));
  const names = new Set(found.map(({ name }) => name));
  const missing = [...wanted].filter((name) => !names.has(name));
  if (missing.length > 0) {
    throw new Error(
      `nodes: ${missing.join(", ")}: no such node, or DaemonSet ${choice.daemonSet} does not select it`,
    );
  }
  return found;
}

/** A pod that is about to end counts no more, nor one that the kubelet has refused or evicted. */
function isStaying({ metadata, status }: V1Pod): boolean {
  return (
    metadata?.deletionTimestamp === undefined && status?.phase !== "Failed" && status?.phase !== "Succeeded"
  );
}

/** By kubeadm's label; releases before 1.24 set the older one. */
function isControlPlane({ metadata }: V1Node): boolean {
  return ["control-plane", "master"].some(
    (role) => `node-role.kubernetes.io/${role}` in (metadata?.labels ?? {}),
  );
}

function podOf({ metadata, spec, status }: V1Pod): Omit<Pod, "besideApiServer"> {
  const waiting = status?.containerStatuses?.find(({ state }) => state?.waiting !== undefined)?.state
    ?.waiting;
  const notReady = whyNotReady(status?.conditions);
  return {
    name: metadata?.name ?? "",
    node: spec?.nodeName ?? "",
    address: status?.podIP ?? "",
    notReady: notReady && (waiting?.reason ?? notReady),
    revision: metadata?.labels?.["controller-revision-hash"],
    token: metadata?.annotations?.[restartAnnotation],
    configHash: metadata?.annotations?.[configHashAnnotation],
  };
}

function whyNotReady(
  conditions: readonly (V1NodeCondition | V1PodCondition | V1Condition)[] | undefined,
): string | undefined {
  const ready = conditions?.find(({ type }) => type === "Ready");
  return ready?.status === "True" ? undefined : ready?.reason || "it has not reported yet";
}

function newestRevision(
  daemonSet: V1DaemonSet,
  revisions: readonly V1ControllerRevision[],
): string | undefined {
  const seen = daemonSet.status?.observedGeneration ?? 0;
  if (seen < (daemonSet.metadata?.generation ?? 0)) return undefined;
  return revisions.toSorted((a, b) => b.revision - a.revision)[0]?.metadata?.labels?.[
    "controller-revision-hash"
  ];
}

async function mountedConfiguration(
  config: KubeConfig,
  daemonSet: V1DaemonSet,
  signal: AbortSignal,
): Promise<Record<string, unknown> | undefined> {
  const volumes = daemonSet.spec?.template.spec?.volumes ?? [];
  const name = volumes.find(({ configMap }) => configMap !== undefined)?.configMap?.name;
  if (name === undefined) return undefined;
  const path = `${paths.configMaps}/${encodeURIComponent(name)}`;
  const { data } = (await get(config, path, { signal })) as V1ConfigMap;
  const text = data?.["config.conf"];
  return text === undefined ? undefined : parseConfiguration(text, `ConfigMap ${namespace}/${name}`);
}

/**
 * Reads a `config.conf`.
 *
 * @throws Error naming `source` when it is no YAML object
 */
export function parseConfiguration(text: string, source: string): Record<string, unknown> {
  let configuration: unknown;
  try {
    configuration = parseYaml(text);
  } catch {
    // Said below.
  }
  if (isRecord(configuration)) return configuration;
  throw new Error(`${source}: config.conf is no KubeProxyConfiguration: not a YAML object`);
}
