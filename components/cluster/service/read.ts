import type { V1Endpoints, V1EndpointSlice, V1Pod, V1Service } from "@kubernetes/client-node";
import { parseYaml } from "../../configuration/readYaml.ts";
import { isRecord } from "../../input/record.ts";
import { cidrsOf } from "../../preflight/cidr.ts";
import type { Proxy, Service, ServiceFacts } from "../../service/facts.ts";
import { nodeFacts, type Node } from "../facts.ts";
import type { ApiObject } from "../objects.ts";
import type { Reader } from "../reader.ts";
import {
  type OtherDaemonSet,
  otherDaemonSetFacts,
  readDataPlanes,
  readOtherDaemonSets,
  readServiceCIDRs,
  readStaticPods,
  readSystemDaemonSets,
} from "../surroundings.ts";
import { metadataOnly } from "../session.ts";
import { isKubeProxy } from "../workload.ts";
import { endpointsOf, type NetworkPolicy, podOf, policyOf, serviceOf, sliceOf } from "./objects.ts";

/** Which Service. */
export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

/** How many objects of each kind have been read. */
export type Counts = Record<"services" | "endpoints" | "pods", number>;

/** Objects in one answer: a page is all in memory, some times over, and a pod may have some 100 kB. */
const pageSize = 250;

/**
 * Reads one Service, or all of them.
 *
 * @returns none where there is no such Service
 * @throws ApiError when they cannot be read: without them there is nothing to say
 */
export async function readServices(
  reader: Reader,
  which: ServiceName | undefined,
  counts: Counts,
): Promise<Service[]> {
  return await reader.list<V1Service, Service>(
    `/api/v1${within(which)}/services`,
    { pageSize, query: byName(which) },
    (service) => {
      counts.services += 1;
      return serviceOf(service);
    },
  );
}

/**
 * Reads what belongs to Services and what stands around them, side by side: as many requests for one Service as for another,
 * and more for more pages. What cannot be read is undefined, and named in `unread`.
 *
 * @param which - the one that {@link services} has; undefined for all
 */
export async function readServiceFacts(
  reader: Reader,
  which: ServiceName | undefined,
  services: readonly Service[],
  counts: Counts,
): Promise<ServiceFacts> {
  const daemonSets = readSystemDaemonSets(reader);
  const others = readOtherDaemonSets(reader, daemonSets);
  const [own, around] = await Promise.all([
    readOwn(reader, which, counts),
    readAround(reader, daemonSets, others),
  ]);
  return { services, ...own, ...around, unread: reader.unread };
}

async function readOwn(reader: Reader, which: ServiceName | undefined, counts: Counts) {
  const space = within(which);
  const labelSelector = which && `kubernetes.io/service-name=${which.name}`;
  const [slices, endpoints, pods, policies] = await Promise.all([
    reader.fact(
      "slices",
      reader.list(
        `/apis/discovery.k8s.io/v1${space}/endpointslices`,
        { pageSize, query: { ...(labelSelector !== undefined && { labelSelector }) } },
        (slice: V1EndpointSlice) => {
          const kept = sliceOf(slice);
          counts.endpoints += kept?.endpoints.length ?? 0;
          return kept;
        },
      ),
    ),
    reader.fact(
      "endpoints",
      reader.list(`/api/v1${space}/endpoints`, { pageSize, query: byName(which) }, (one: V1Endpoints) =>
        endpointsOf(one),
      ),
    ),
    reader.fact(
      "pods",
      reader.list(`/api/v1${space}/pods`, { pageSize }, (pod: V1Pod) => {
        counts.pods += 1;
        return podOf(pod);
      }),
    ),
    reader.fact(
      "policies",
      reader.list(`/apis/networking.k8s.io/v1${space}/networkpolicies`, { pageSize }, (one: NetworkPolicy) =>
        policyOf(one),
      ),
    ),
  ]);
  return { slices, endpoints, pods, policies };
}

async function readAround(
  reader: Reader,
  daemonSets: Promise<readonly OtherDaemonSet[]>,
  others: Promise<readonly OtherDaemonSet[]>,
) {
  const [nodes, cidrs, kubeadm, found, configMaps, otherDaemonSets, staticPods, dataPlanes] =
    await Promise.all([
      reader.fact(
        "nodes",
        reader.list<Node, ReturnType<typeof nodeFacts>>("/api/v1/nodes", { pageSize }, nodeFacts),
      ),
      reader.fact("serviceCIDRs", readServiceCIDRs(reader)),
      // For API servers before 1.33, which have no objects for the Services' ranges.
      reader.fact(
        "kubeadm",
        reader.find<ApiObject>("/api/v1/namespaces/kube-system/configmaps/kubeadm-config"),
      ),
      reader.fact("proxies", daemonSets),
      reader.fact(
        "configMaps",
        reader.list<ApiObject>("/api/v1/namespaces/kube-system/configmaps", {
          query: { labelSelector: "app=kube-proxy" },
        }),
      ),
      reader.fact("otherDaemonSets", others),
      reader.fact("staticPods", readStaticPods(reader)),
      reader.fact("dataPlanes", readDataPlanes(reader, others)),
    ]);
  return {
    nodes,
    serviceCIDRs: cidrs ?? (kubeadm && serviceSubnetsOf(kubeadm)),
    proxies: found?.filter(isKubeProxy).map((one) => proxyOf(one, configMaps ?? [])),
    otherDaemonSets: otherDaemonSets?.map(otherDaemonSetFacts),
    staticPods,
    dataPlanes,
  };
}

/** Names of all namespaces, and of the Services of one: two requests. */
export async function readNames(reader: Reader, namespace: string) {
  const names = (path: string) =>
    reader.list(path, { accept: metadataOnly }, ({ metadata }: ApiObject) => metadata.name);
  const [namespaces, services] = await Promise.all([
    reader.fact("namespaces", names("/api/v1/namespaces")),
    reader.fact("services", names(`/api/v1/namespaces/${encodeURIComponent(namespace)}/services`)),
  ]);
  return { namespaces, services: services ?? [] };
}

function within(which: ServiceName | undefined): string {
  return which === undefined ? "" : `/namespaces/${encodeURIComponent(which.namespace)}`;
}

function byName(which: ServiceName | undefined): Record<string, string> {
  return which === undefined ? {} : { fieldSelector: `metadata.name=${which.name}` };
}

function serviceSubnetsOf({ data }: ApiObject): string[] | undefined {
  const text = isRecord(data) ? data["ClusterConfiguration"] : undefined;
  const networking = recordIn(typeof text === "string" ? text : "")["networking"];
  const subnet = isRecord(networking) ? networking["serviceSubnet"] : undefined;
  return typeof subnet === "string" ? cidrsOf(subnet) : undefined;
}

function proxyOf({ metadata, spec, status }: OtherDaemonSet, configMaps: readonly ApiObject[]): Proxy {
  const { volumes = [] } = spec.template.spec as { volumes?: { configMap?: { name?: string } }[] };
  const name = volumes.find(({ configMap }) => configMap !== undefined)?.configMap?.name;
  const data = configMaps.find((one) => one.metadata.name === name)?.["data"];
  const text = isRecord(data) ? data["config.conf"] : undefined;
  const ranges = recordIn(typeof text === "string" ? text : "")["nodePortAddresses"];
  return {
    name: metadata.name,
    desired: status.desiredNumberScheduled,
    available: status.numberAvailable ?? 0,
    nodePortAddresses: typeof text === "string" ? textsIn(ranges) : undefined,
  };
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

/** A text as a YAML object; empty where it is none, which whoever runs by it says. */
function recordIn(text: string): Record<string, unknown> {
  try {
    const value = parseYaml(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
