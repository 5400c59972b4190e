/** Pure: of the API server's objects, what `components/service` looks at. Their types were checked when they were read. */
import type {
  V1ContainerStatus,
  V1Endpoints,
  V1EndpointSlice,
  V1ObjectMeta,
  V1Pod,
  V1Service,
} from "@kubernetes/client-node";
import type { SelectorFacts } from "../../facts/surroundings.ts";
import type {
  ContainerPort,
  Endpoints,
  IngressRule,
  Pod,
  Policy,
  Service,
  ServicePort,
  Slice,
} from "../../service/facts.ts";

/** Of a Service. Defaults are those of the API server, which an older release may not have written. */
export function serviceOf({ metadata, spec, status }: V1Service): Service {
  const { labels = {}, annotations = {} } = metadata ?? {};
  const ips = spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : []);
  const families = spec?.ipFamilies ?? ips.map((ip) => (ip.includes(":") ? "IPv6" : "IPv4"));
  const isSticky = spec?.sessionAffinity === "ClientIP";
  return {
    ...placeOf(metadata),
    type: spec?.type ?? "ClusterIP",
    clusterIPs: ips,
    externalName: spec?.externalName ?? "",
    selector: spec?.selector ?? {},
    ports: (spec?.ports ?? []).map(portOf),
    families: families.length > 0 ? families : ["IPv4"],
    familyPolicy: spec?.ipFamilyPolicy ?? "",
    internalLocal: spec?.internalTrafficPolicy === "Local",
    externalLocal: spec?.externalTrafficPolicy === "Local",
    trafficDistribution: spec?.trafficDistribution ?? hintsWanted(annotations),
    affinitySeconds: isSticky ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : 0,
    publishNotReady: spec?.publishNotReadyAddresses ?? false,
    externalIPs: spec?.externalIPs ?? [],
    sourceRanges: spec?.loadBalancerSourceRanges ?? [],
    healthCheckNodePort: spec?.healthCheckNodePort ?? 0,
    loadBalancerClass: spec?.loadBalancerClass ?? "",
    balancers: (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname, ipMode }) => ({
      address: ip ?? hostname ?? "",
      isProxy: ipMode === "Proxy",
    })),
    proxyName: labels["service.kubernetes.io/service-proxy-name"],
    hasHeadlessLabel: headlessLabel in labels,
    terminating: metadata?.deletionTimestamp !== undefined,
  };
}

const headlessLabel = "service.kubernetes.io/headless";

/** What `trafficDistribution` has come in the place of. Source: KEP-2433. */
function hintsWanted(annotations: Readonly<Record<string, string>>): string {
  const names = ["service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints"];
  const wanted = names.map((name) => annotations[name]?.toLowerCase()).find((value) => value === "auto");
  return wanted === undefined ? "" : "topology-mode: Auto";
}

function portOf(port: NonNullable<NonNullable<V1Service["spec"]>["ports"]>[number]): ServicePort {
  return {
    name: port.name ?? "",
    protocol: port.protocol ?? "TCP",
    port: port.port,
    targetPort: port.targetPort ?? port.port,
    nodePort: port.nodePort ?? 0,
    appProtocol: port.appProtocol ?? "",
  };
}

/** Of an EndpointSlice; undefined for one of no Service. */
export function sliceOf({ metadata, addressType, ports, endpoints }: V1EndpointSlice): Slice | undefined {
  const { labels = {}, annotations = {} } = metadata ?? {};
  const service = labels["kubernetes.io/service-name"];
  if (service === undefined) return undefined;
  const changedAt = Date.parse(annotations["endpoints.kubernetes.io/last-change-trigger-time"] ?? "");
  return {
    ...placeOf(metadata),
    service,
    addressType,
    managedBy: labels["endpointslice.kubernetes.io/managed-by"] ?? "",
    hasHeadlessLabel: headlessLabel in labels,
    changedAt: Number.isNaN(changedAt) ? undefined : changedAt,
    ports: (ports ?? []).map(({ name, protocol, port }) => ({
      name: name ?? "",
      protocol: protocol ?? "TCP",
      port: port ?? 0,
    })),
    endpoints: ((endpoints as typeof endpoints | null) ?? []).flatMap(
      ({ addresses, conditions, nodeName, targetRef, hints }) =>
        addresses[0] === undefined
          ? []
          : [
              {
                address: addresses[0],
                ready: conditions?.ready ?? true,
                serving: conditions?.serving ?? true,
                terminating: conditions?.terminating ?? false,
                node: nodeName ?? "",
                pod: targetRef?.kind === "Pod" ? (targetRef.name ?? "") : "",
                zoneHints: (hints?.forZones ?? []).map(({ name }) => name),
                nodeHints: (hints?.forNodes ?? []).map(({ name }) => name),
              },
            ],
    ),
  };
}

/**
 * Of an Endpoints object.
 *
 * Source: `shouldMirror` in pkg/controller/endpointslicemirroring.
 */
export function endpointsOf({ metadata, subsets }: V1Endpoints): Endpoints {
  const { labels = {}, annotations = {} } = metadata ?? {};
  const [skip, leader] = [
    "endpointslice.kubernetes.io/skip-mirror",
    "control-plane.alpha.kubernetes.io/leader",
  ];
  const sizes = ((subsets as typeof subsets | null) ?? []).map(
    ({ addresses = [], notReadyAddresses = [] }) => addresses.length + notReadyAddresses.length,
  );
  return {
    ...placeOf(metadata),
    addresses: Math.max(0, ...sizes),
    notMirrored:
      labels[skip] === "true" ? `label ${skip}` : leader in annotations ? `annotation ${leader}` : "",
  };
}

/** Of a pod. */
export function podOf({ metadata, spec, status }: V1Pod): Pod {
  const conditions = status?.conditions ?? [];
  const isTrue = (type: string) => conditions.find((one) => one.type === type)?.status === "True";
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const ips = status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP ? [status.podIP] : []);
  return {
    ...placeOf(metadata),
    labels: metadata?.labels ?? {},
    node: spec?.nodeName ?? "",
    phase: status?.phase ?? "",
    ready: isTrue("Ready"),
    terminating: metadata?.deletionTimestamp !== undefined,
    hostNetwork: spec?.hostNetwork ?? false,
    addresses: ips,
    reason: isTrue("Ready") ? "" : whyNotReady(status),
    closedGates: (spec?.readinessGates ?? [])
      .map(({ conditionType }) => conditionType)
      .filter((type) => !isTrue(type)),
    ports: [...(spec?.containers ?? []), ...sidecars].flatMap(({ ports = [] }): ContainerPort[] =>
      ports.map(({ name = "", protocol = "TCP", containerPort }) => ({
        name,
        protocol,
        port: containerPort,
      })),
    ),
  };
}

/** What a kubelet says while all is as it should be. */
const meanwhile = ["PodInitializing", "ContainerCreating"];

function whyNotReady(status: V1Pod["status"]): string {
  const states = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].flatMap(
    (container: V1ContainerStatus) => {
      const { waiting, terminated } = container.state ?? {};
      const hasFailed = terminated !== undefined && terminated.exitCode !== 0;
      return waiting?.reason ?? (hasFailed ? (terminated.reason ?? "Error") : []);
    },
  );
  const conditions = ["PodScheduled", "Ready"].map((type) =>
    (status?.conditions ?? []).find((one) => one.type === type && one.status !== "True"),
  );
  return (
    states.find((reason) => !meanwhile.includes(reason)) ??
    states[0] ??
    status?.reason ??
    conditions.find((condition) => condition?.reason !== undefined)?.reason ??
    ""
  );
}

/** A NetworkPolicy as JSON has it: the client calls `from` otherwise. */
export interface NetworkPolicy {
  readonly metadata?: V1ObjectMeta;
  readonly spec?: {
    readonly podSelector?: SelectorFacts;
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly {
      readonly from?: readonly object[];
      readonly ports?: readonly { protocol?: string; port?: number | string; endPort?: number }[];
    }[];
  };
}

/** Of a NetworkPolicy. Source: the API's defaults, by which one without policyTypes is of Ingress. */
export function policyOf({ metadata, spec = {} }: NetworkPolicy): Policy {
  const { podSelector = {}, policyTypes = ["Ingress"], ingress = [] } = spec;
  return {
    ...placeOf(metadata),
    pods: podSelector,
    ingress: policyTypes.includes("Ingress") ? ingress.map(ruleOf) : undefined,
  };
}

type Rule = NonNullable<NonNullable<NetworkPolicy["spec"]>["ingress"]>[number];

function ruleOf({ from = [], ports = [] }: Rule): IngressRule {
  return {
    fromAll: from.length === 0,
    ports: ports.map(({ protocol = "TCP", port, endPort }) => ({ protocol, port, endPort })),
  };
}

function placeOf(metadata: V1ObjectMeta | undefined): { namespace: string; name: string } {
  return { namespace: metadata?.namespace ?? "", name: metadata?.name ?? "" };
}
