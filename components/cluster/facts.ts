import type { KubeConfig } from "@kubernetes/client-node";
import { formatPath } from "../adoption/differences.ts";
import { labelsOf } from "../adoption/live.ts";
import { writtenByOthers } from "../adoption/managedFields.ts";
import type { ClusterFacts, ConfigMapFacts, DaemonSetFacts, HelperFacts, NodeFacts } from "../facts/facts.ts";
import type { RareTask } from "../facts/rareTasks.ts";
import { isOverwritten } from "../plan/drift.ts";
import { immutableLabel, immutableValue } from "../plan/immutable.ts";
import { besideLabel, helperLabel } from "../plan/modes.ts";
import { isUnclaimed, restartAnnotation } from "../restart/restart.ts";
import { readDenied } from "./accesses.ts";
import { listAll } from "./api.ts";
import { Session } from "./session.ts";
import { contextOf } from "./client.ts";
import { readControllers } from "./controllers.ts";
import { type ApiObject, clusterRoleId, kubeProxyIds, pathOf } from "./objects.ts";
import { Reader } from "./reader.ts";
import { strip } from "./snapshot/strip.ts";
import {
  otherDaemonSetFacts,
  readApiServers,
  readClusterRoles,
  readDataPlanes,
  readNamespace,
  readOtherDaemonSets,
  readPriorityClasses,
  readQuotas,
  readServiceCIDRs,
  readStaticPods,
  readSystemDaemonSets,
  readVersion,
  readWebhooks,
} from "./surroundings.ts";
import {
  type DaemonSet,
  isKubeProxy,
  managersOf,
  ofKubeProxy,
  paths,
  type Pod,
  type Revision,
} from "./workload.ts";

/**
 * How long an answer may make no progress, in milliseconds; each page of a list is one. A busy API server lets requests
 * queue, and how long the whole takes is a matter of how many nodes there are.
 */
const idleMs = 15_000;

const system = "/api/v1/namespaces/kube-system";

/**
 * Reads what decides what an `up` does, and what the checks before it look at: a constant number of requests side by
 * side, of which only the nodes' has more pages with more nodes. What cannot be read is named in `unread`.
 *
 * @param config - the cluster, see `loadCluster`
 * @param pools - names of the pools, for the rights to their objects
 * @param onProgress - told whenever something has come
 * @param tasks - which of those that few stacks have are this stack's, for the rights that they take
 * @throws ApiError when nothing at all can be read
 */
export async function readFacts(
  config: KubeConfig,
  pools: readonly string[],
  onProgress?: () => void,
  tasks: readonly RareTask[] = [],
): Promise<ClusterFacts> {
  const session = await Session.open(config);
  try {
    const context = contextOf(config);
    return {
      ...(await factsOf(new Reader(session, { idleMs, onProgress }), pools, tasks)),
      server: config.getCurrentCluster()?.server ?? "",
      ...(context !== undefined && { context }),
    };
  } finally {
    await session.close();
  }
}

async function factsOf(
  reader: Reader,
  pools: readonly string[],
  tasks: readonly RareTask[],
): Promise<ClusterFacts> {
  const daemonSets = readSystemDaemonSets(reader);
  const others = readOtherDaemonSets(reader, daemonSets);
  const [base, around] = await Promise.all([
    readBase(reader, daemonSets),
    readAround(reader, { pools, tasks }, { daemonSets, others }),
  ]);
  reader.failIfSilent();
  const { unread } = reader;
  return {
    ...base,
    ...Object.fromEntries(Object.entries(around).filter(([, value]) => value !== undefined)),
    ...(Object.keys(unread).length > 0 && { unread }),
  };
}

/** All of kube-proxy's objects but the ClusterRole, which kubeadm does not make. */
const kubeadmsIds = kubeProxyIds.filter((id) => id !== clusterRoleId);

type Base = Pick<
  ClusterFacts,
  "nodes" | "daemonSets" | "configMaps" | "immutableConfigs" | "helpers" | "objects" | "clusterConfiguration"
>;

async function readBase(reader: Reader, daemonSets: Promise<readonly DaemonSet[]>): Promise<Base> {
  const [nodes = [], found = [], configMaps = [], helpers = [], objects, kubeadm] = await Promise.all([
    reader.fact("nodes", reader.list<Node, NodeFacts>("/api/v1/nodes", {}, nodeFacts)),
    reader.fact(
      "daemonSets",
      daemonSets.then((all) => all.filter(isKubeProxy).map(daemonSetFacts)),
    ),
    reader.fact(
      "configMaps",
      reader.list<ApiObject>(`${system}/configmaps`, { query: { labelSelector: "app=kube-proxy" } }),
    ),
    reader.fact("helpers", reader.list<Pod>(`${system}/pods`, { query: { labelSelector: helperLabel } })),
    reader.fact("objects", Promise.all(kubeadmsIds.map((id) => reader.find<ApiObject>(pathOf(id))))),
    reader.fact("clusterConfiguration", reader.find<ApiObject>(`${system}/configmaps/kubeadm-config`)),
  ]);
  const { ClusterConfiguration: clusterConfiguration } = dataOf(kubeadm);
  const restarted = found.some(isOverwritten)
    ? ((await reader.fact("revisions", readRestarted(reader))) ?? new Map<string, string>())
    : undefined;
  // Only then it is one that this program has made.
  const clusterRole = found.some(({ annotations }) => isUnclaimed(annotations))
    ? await reader.fact("clusterRole", reader.find<ApiObject>(pathOf(clusterRoleId)))
    : undefined;
  const all = [...(objects ?? []), clusterRole].filter((object) => object !== undefined);
  const immutable = configMaps.filter(isImmutable);
  return {
    nodes,
    daemonSets: found.map((one) => withToken(one, restarted?.get(one.uid))),
    configMaps: configMaps.filter((one) => !isImmutable(one)).map(configMapFacts),
    ...(immutable.length > 0 && { immutableConfigs: immutable.map(immutableFacts) }),
    helpers: helpers.map(helperFacts),
    ...(objects && { objects: JSON.stringify(all.map(strip)) }),
    ...(clusterConfiguration !== undefined && { clusterConfiguration }),
  };
}

function helperFacts({ metadata: { uid, labels = {} } }: Pod): HelperFacts {
  const { [helperLabel]: mode = "", [besideLabel]: beside } = labels;
  return { uid, mode, ...(beside !== undefined && { beside }) };
}

function withToken(daemonSet: DaemonSetFacts, restarted: string | undefined): DaemonSetFacts {
  return restarted === undefined ? daemonSet : { ...daemonSet, restarted };
}

/** The restart tokens that the newest pod template which has one had, by their DaemonSets' UIDs. */
async function readRestarted(reader: Reader): Promise<Map<string, string>> {
  const revisions = await reader.list<Revision>(paths.revisions, { query: ofKubeProxy });
  const tokens = revisions
    .toSorted((a, b) => a.revision - b.revision)
    .flatMap(({ metadata: { ownerReferences = [] }, data }) => {
      const token = data?.spec?.template?.metadata?.annotations?.[restartAnnotation];
      return token === undefined ? [] : ownerReferences.map(({ uid }) => [uid, token] as const);
    });
  return new Map(tokens);
}

async function readAround(
  reader: Reader,
  { pools, tasks }: { readonly pools: readonly string[]; readonly tasks: readonly RareTask[] },
  { daemonSets, others }: Record<"daemonSets" | "others", ReturnType<typeof readOtherDaemonSets>>,
) {
  const works = {
    serverVersion: readVersion(reader),
    namespace: readNamespace(reader),
    webhooks: readWebhooks(reader),
    quotas: readQuotas(reader),
    clusterRoles: readClusterRoles(reader),
    priorityClasses: readPriorityClasses(reader),
    serviceCIDRs: readServiceCIDRs(reader),
    apiServers: readApiServers(reader),
    otherDaemonSets: others.then((all) => all.map(otherDaemonSetFacts)),
    controllers: readControllers((path) => reader.list(path), daemonSets),
    staticPods: readStaticPods(reader),
    dataPlanes: readDataPlanes(reader, others),
    denied: readDenied(reader, pools, tasks),
  } satisfies { [Name in keyof ClusterFacts]?: Promise<ClusterFacts[Name]> };
  const entries = Object.entries(works).map(async ([name, work]) => {
    return [name, await reader.fact<unknown>(name, work)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Reads the nodes alone, as {@link readFacts} does. */
export async function readNodes(config: KubeConfig): Promise<NodeFacts[]> {
  return await listAll<Node, NodeFacts>(config, "/api/v1/nodes", {}, nodeFacts);
}

/** A node as the API server gives it, as far as it is looked at. */
export interface Node {
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  readonly spec: {
    readonly taints?: NodeFacts["taints"];
    readonly unschedulable?: boolean;
    readonly podCIDRs?: string[];
  };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly addresses?: readonly { readonly address: string }[];
    readonly nodeInfo?: {
      readonly kubeletVersion: string;
      readonly kernelVersion: string;
      readonly operatingSystem: string;
      readonly architecture: string;
      readonly osImage?: string;
    };
  };
}

/** Of a node what is looked at. */
export function nodeFacts({ metadata: { name, labels = {} }, spec, status }: Node): NodeFacts {
  const { taints = [], unschedulable, podCIDRs } = spec;
  const { conditions, addresses, nodeInfo } = status;
  return {
    name,
    labels,
    taints: taints.map(({ key, value, effect }) => ({ key, ...(value !== undefined && { value }), effect })),
    ready: conditions?.find(({ type }) => type === "Ready")?.status ?? "Unknown",
    ...(unschedulable && { unschedulable }),
    ...(podCIDRs && { podCIDRs }),
    ...(addresses && { addresses: [...new Set(addresses.map(({ address }) => address))] }),
    ...(nodeInfo?.kubeletVersion && {
      system: {
        kubelet: nodeInfo.kubeletVersion,
        kernel: nodeInfo.kernelVersion,
        os: nodeInfo.operatingSystem,
        architecture: nodeInfo.architecture,
        ...(nodeInfo.osImage && { osImage: nodeInfo.osImage }),
      },
    }),
  };
}

function daemonSetFacts(daemonSet: DaemonSet): DaemonSetFacts {
  const { metadata, spec, status } = daemonSet;
  const written = writtenByOthers(daemonSet).map(formatPath);
  const { name, uid, generation = 0, annotations = {} } = metadata;
  const told = Object.entries(annotations).filter(([key]) => /^(kube-proxy|pulumi\.com)\//.test(key));
  return {
    name,
    uid,
    annotations: Object.fromEntries(told),
    generation,
    spec: { ...spec },
    managers: managersOf(metadata),
    ...(written.length > 0 && { written }),
    desired: status.desiredNumberScheduled,
    available: status.numberAvailable ?? 0,
    updated: status.updatedNumberScheduled ?? 0,
    observed: (status.observedGeneration ?? 0) >= generation,
  };
}

function configMapFacts(configMap: ApiObject): ConfigMapFacts {
  const { name, resourceVersion } = configMap.metadata;
  return { name, resourceVersion: String(resourceVersion), data: dataOf(configMap) };
}

function isImmutable(configMap: ApiObject): boolean {
  return labelsOf(configMap)[immutableLabel] === immutableValue;
}

function immutableFacts(configMap: ApiObject): ConfigMapFacts {
  return { ...configMapFacts(configMap), created: String(configMap.metadata["creationTimestamp"]) };
}

/** What a ConfigMap holds. */
function dataOf(configMap: ApiObject | undefined): Record<string, string> {
  return (configMap?.["data"] ?? {}) as Record<string, string>;
}
