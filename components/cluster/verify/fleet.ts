import type {
  KubeConfig,
  V1Condition,
  V1ControllerRevision,
  V1DaemonSet,
  V1Node,
  V1NodeCondition,
  V1Pod,
  V1PodCondition,
} from "@kubernetes/client-node";
import { parse } from "yaml";
import { isRecord } from "../../input/record.ts";
import { selects } from "../../pools/placement.ts";
import { configHashAnnotation, restartAnnotation } from "../../restart/restart.ts";
import { aborted } from "../concurrency.ts";
import { AppsV1Api, CoreV1Api } from "../kubernetes.ts";
import { reasonOf } from "./errors.ts";
import type { Fleet, Node, Pod } from "./types.ts";

const namespace = "kube-system";

/** Which DaemonSet, and which of its nodes. */
export interface FleetChoice {
  readonly daemonSet: string;
  /** By name; undefined for all that it selects. */
  readonly nodes: readonly string[] | undefined;
}

/**
 * Reads the DaemonSet, its newest revision and ConfigMap, its nodes and pods: five requests, however many nodes.
 *
 * @throws Error when the DaemonSet does not exist, when it does not select one of the chosen nodes, or when the API
 *   server refuses or does not answer
 */
async function readFleet(config: KubeConfig, choice: FleetChoice): Promise<Fleet> {
  const [core, apps] = [config.makeApiClient(CoreV1Api), config.makeApiClient(AppsV1Api)];
  const daemonSet = await apps.readNamespacedDaemonSet({ name: choice.daemonSet, namespace });
  const labelSelector = Object.entries(daemonSet.spec?.selector.matchLabels ?? {})
    .map((pair) => pair.join("="))
    .join(",");
  const [revisions, pods, nodes, configuration] = await Promise.all([
    apps.listNamespacedControllerRevision({ namespace, labelSelector }),
    core.listNamespacedPod({ namespace, labelSelector }),
    core.listNode(),
    mountedConfiguration(core, daemonSet),
  ]);
  const owned = (object: V1Pod | V1ControllerRevision): boolean =>
    object.metadata?.ownerReferences?.some(({ uid }) => uid === daemonSet.metadata?.uid) ?? false;
  const byNode = Map.groupBy(pods.items.filter(owned).filter(isStaying).map(podOf), ({ node }) => node);
  return {
    revision: newestRevision(daemonSet, revisions.items.filter(owned)),
    configuration,
    nodes: chosen(daemonSet, nodes.items, choice).map((node) =>
      nodeOf(node, byNode.get(node.metadata?.name ?? "")),
    ),
  };
}

/** All nodes, for a DaemonSet that is not there yet. */
export async function readNodes(config: KubeConfig, deadline: AbortSignal): Promise<Node[]> {
  const core = config.makeApiClient(CoreV1Api);
  const { items } = await Promise.race([core.listNode(), aborted(deadline)]);
  return items.map((node) => nodeOf(node));
}

function nodeOf({ metadata, status }: V1Node, pods: readonly Pod[] = []): Node {
  return {
    name: metadata?.name ?? "",
    created: metadata?.creationTimestamp?.toISOString() ?? "",
    notReady: whyNotReady(status?.conditions),
    pods,
  };
}

/**
 * {@link readFleet}, but every error says in one line what could not be read and why.
 *
 * @param deadline - ends the wait for the API server
 */
export async function readFleetInTime(
  config: KubeConfig,
  choice: FleetChoice,
  deadline: AbortSignal,
): Promise<Fleet> {
  try {
    return await Promise.race([readFleet(config, choice), aborted(deadline)]);
  } catch (error) {
    const reason = deadline.aborted ? "no answer from the API server in time" : reasonOf(error);
    const what = `DaemonSet ${namespace}/${choice.daemonSet} and its nodes cannot be read`;
    throw new Error(`${what}: ${reason}`, { cause: error });
  }
}

function chosen(daemonSet: V1DaemonSet, nodes: readonly V1Node[], choice: FleetChoice): V1Node[] {
  const template = daemonSet.spec?.template.spec;
  const selected = nodes.filter((node) => template !== undefined && selects(template, node));
  const wanted = choice.nodes && new Set(choice.nodes);
  if (wanted === undefined) return selected;
  const found = selected.filter((node) => wanted.has(node.metadata?.name ?? ""));
  const names = new Set(found.map((node) => node.metadata?.name));
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

function podOf({ metadata, spec, status }: V1Pod): Pod {
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
  core: CoreV1Api,
  daemonSet: V1DaemonSet,
): Promise<Record<string, unknown> | undefined> {
  const volumes = daemonSet.spec?.template.spec?.volumes ?? [];
  const name = volumes.find(({ configMap }) => configMap !== undefined)?.configMap?.name;
  if (name === undefined) return undefined;
  const { data } = await core.readNamespacedConfigMap({ name, namespace });
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
    configuration = parse(text);
  } catch {
    // Said below.
  }
  if (isRecord(configuration)) return configuration;
  throw new Error(`${source}: config.conf is no KubeProxyConfiguration: not a YAML object`);
}
