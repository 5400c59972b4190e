/** Clusters in the terms of `components/service`: Services that answer, into which faults are put. */
import type { NodeFacts } from "../../components/facts/facts.ts";
import type {
  Endpoint,
  Endpoints,
  Pod,
  Policy,
  Service,
  ServiceFacts,
  Slice,
} from "../../components/service/facts.ts";

/** For faults to be put into. */
export type Draft<T> = T extends readonly (infer Item)[]
  ? Draft<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Draft<T[Key]> }
    : T;

/** A Service with all that belongs to it. */
export interface Shop {
  service: Draft<Service>;
  slices: Draft<Slice>[];
  endpoints: Draft<Endpoints>[];
  pods: Draft<Pod>[];
  policies: Draft<Policy>[];
}

/** What stands around Services. */
export type Town = Draft<
  Pick<
    ServiceFacts,
    "nodes" | "serviceCIDRs" | "proxies" | "otherDaemonSets" | "staticPods" | "dataPlanes" | "unread"
  >
> & { nodes: Draft<NodeFacts>[] };

/** Five nodes in three zones, each with a range of pods' addresses, and one more that is NotReady. */
export function town(): Town {
  return {
    nodes: [1, 2, 3, 4, 5, 6].map((number) => ({
      name: `node-${number}`,
      labels: { "topology.kubernetes.io/zone": ["a", "b", "c"][number % 3] ?? "" },
      taints: [],
      ready: number === 6 ? "Unknown" : "True",
      podCIDRs: [`10.244.${number}.0/24`, `fd00:10:244:${number}::/64`],
      addresses: [`198.18.0.${number}`, `node-${number}`],
    })),
    serviceCIDRs: ["10.96.0.0/16", "fd00:10:96::/112"],
    proxies: [{ name: "kube-proxy", desired: 5, available: 5, nodePortAddresses: [] }],
    otherDaemonSets: [],
    staticPods: [],
    dataPlanes: [],
    unread: {},
  };
}

let made = 0;

/** A Service that answers, with three pods on the first three nodes; the first one of its namespace is `web`. */
export function shop({ namespace = "shop", name = "web" } = {}): Shop {
  made += 1;
  const [third, fourth] = [(made >> 8) & 255, made & 255];
  const labels = { app: name, tier: "front" };
  const ports = [
    { name: "metrics", protocol: "TCP", port: 9090 },
    { name: "main", protocol: "TCP", port: 8080 },
  ];
  const pods = [1, 2, 3].map((node) => ({
    ...{ namespace, name: `${name}-${node}`, labels: { ...labels }, node: `node-${node}` },
    ...{ phase: "Running", ready: true, terminating: false, hostNetwork: false, reason: "" },
    addresses: [`10.244.${node}.${fourth}`],
    closedGates: [],
    ports: ports.map((port) => ({ ...port })),
  }));
  return {
    service: {
      ...{ namespace, name, type: "ClusterIP", clusterIPs: [`10.96.${third}.${fourth}`], externalName: "" },
      selector: { ...labels },
      ports: [{ name: "http", protocol: "TCP", port: 80, targetPort: 8080, nodePort: 0, appProtocol: "" }],
      ...{ families: ["IPv4"], familyPolicy: "SingleStack", internalLocal: false, externalLocal: false },
      ...{ trafficDistribution: "", affinitySeconds: 0, publishNotReady: false, externalIPs: [] },
      ...{ sourceRanges: [], healthCheckNodePort: 0, loadBalancerClass: "", balancers: [] },
      ...{ proxyName: undefined, hasHeadlessLabel: false, terminating: false },
    },
    slices: [
      {
        ...{ namespace, name: `${name}-abc`, service: name, addressType: "IPv4" },
        ...{ managedBy: "endpointslice-controller.k8s.io", hasHeadlessLabel: false, changedAt: undefined },
        ports: [{ name: "http", protocol: "TCP", port: 8080 }],
        endpoints: pods.map(endpointOf),
      },
    ],
    endpoints: [],
    pods,
    policies: [],
  };
}

/** The endpoint that the controller makes of a pod. */
export function endpointOf({ name, node, addresses, ready, terminating }: Draft<Pod>): Draft<Endpoint> {
  return {
    ...{ address: addresses[0] ?? "", node, pod: name, zoneHints: [], nodeHints: [] },
    ...{ ready: ready && !terminating, serving: ready, terminating },
  };
}

/** Makes EndpointSlices anew of the pods, as the controller does after a change. */
export function reconcile({ slices, pods }: Shop): void {
  for (const slice of slices) {
    const live = pods.filter(({ phase }) => phase === "Running");
    slice.endpoints = live.filter(({ addresses }) => addresses.length > 0).map(endpointOf);
  }
}

/** All that is read of a cluster. */
export function factsOf(shops: readonly Shop[], around: Town = town()): ServiceFacts {
  return {
    ...around,
    services: shops.map(({ service }) => service),
    slices: shops.flatMap(({ slices }) => slices),
    endpoints: shops.flatMap(({ endpoints }) => endpoints),
    pods: shops.flatMap(({ pods }) => pods),
    policies: shops.flatMap(({ policies }) => policies),
  };
}
