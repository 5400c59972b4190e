/** What is read of a cluster to find out why a Service does not answer: of each object no more than is looked at. */
import type {
  DataPlaneFacts,
  OtherDaemonSetFacts,
  SelectorFacts,
  StaticPodFacts,
} from "../facts/surroundings.ts";
import type { NodeFacts } from "../facts/facts.ts";

/** A Service. */
export interface Service {
  readonly namespace: string;
  readonly name: string;
  /** `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`. */
  readonly type: string;
  /** Addresses, the first one's family first; `None` alone for a headless one, and none for an ExternalName. */
  readonly clusterIPs: readonly string[];
  readonly externalName: string;
  /** Empty where it has none. */
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly ServicePort[];
  /** `IPv4`, `IPv6`, or both in their order. */
  readonly families: readonly string[];
  readonly familyPolicy: string;
  /** Whether `internalTrafficPolicy` is Local. */
  readonly internalLocal: boolean;
  /** Whether `externalTrafficPolicy` is Local. */
  readonly externalLocal: boolean;
  /** Empty where nothing is preferred; also from the older annotation `service.kubernetes.io/topology-mode`. */
  readonly trafficDistribution: string;
  /** Seconds for which a client keeps its endpoint; 0 without `sessionAffinity: ClientIP`. */
  readonly affinitySeconds: number;
  readonly publishNotReady: boolean;
  readonly externalIPs: readonly string[];
  readonly sourceRanges: readonly string[];
  readonly healthCheckNodePort: number;
  readonly loadBalancerClass: string;
  /** Addresses and names that a load balancer has given it. */
  readonly balancers: readonly { readonly address: string; readonly isProxy: boolean }[];
  /** Value of label `service.kubernetes.io/service-proxy-name`; undefined without it. */
  readonly proxyName: string | undefined;
  /** Whether it has label `service.kubernetes.io/headless`. */
  readonly hasHeadlessLabel: boolean;
  readonly terminating: boolean;
}

/** A port of a Service. */
export interface ServicePort {
  /** Empty where it has none. */
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  /** A number, or the name of a container's port. */
  readonly targetPort: number | string;
  /** 0 without one. */
  readonly nodePort: number;
  readonly appProtocol: string;
}

/** An EndpointSlice. */
export interface Slice {
  readonly namespace: string;
  readonly name: string;
  /** Name of its Service, by label `kubernetes.io/service-name`. */
  readonly service: string;
  /** `IPv4`, `IPv6` or `FQDN`. */
  readonly addressType: string;
  /** Label `endpointslice.kubernetes.io/managed-by`; empty without it. */
  readonly managedBy: string;
  readonly hasHeadlessLabel: boolean;
  /**
   * When that which its endpoints follow last changed, in milliseconds since 1970, by annotation
   * `endpoints.kubernetes.io/last-change-trigger-time`; undefined where nobody says.
   */
  readonly changedAt: number | undefined;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly Endpoint[];
}

/** A port of an EndpointSlice. */
export interface SlicePort {
  readonly name: string;
  readonly protocol: string;
  /** 0 where it has none: kube-proxy leaves such a port out. */
  readonly port: number;
}

/** An endpoint. The conditions are as kube-proxy takes them where they are not given: ready, serving, not terminating. */
export interface Endpoint {
  /** The first one alone: kube-proxy looks at no other. */
  readonly address: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly node: string;
  /** Name of its pod; empty where it is none's. */
  readonly pod: string;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
}

/** An Endpoints object, as far as EndpointSlices are made of it. */
export interface Endpoints {
  readonly namespace: string;
  readonly name: string;
  /** Addresses of its largest subset, ready or not. */
  readonly addresses: number;
  /** Why no EndpointSlice is made of it: a label or an annotation; empty where they are. */
  readonly notMirrored: string;
}

/** A pod. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Empty as long as the scheduler has found no node. */
  readonly node: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  readonly hostNetwork: boolean;
  readonly addresses: readonly string[];
  /** Why it is not Ready, in a word of the kubelet's or the scheduler's; empty where nobody says. */
  readonly reason: string;
  /** Readiness gates whose condition is not True. */
  readonly closedGates: readonly string[];
  /** Ports of its containers, those of sidecars at the end. */
  readonly ports: readonly ContainerPort[];
}

/** A port that a container declares. */
export interface ContainerPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** A NetworkPolicy, as far as it says what is let in. */
export interface Policy {
  readonly namespace: string;
  readonly name: string;
  readonly pods: SelectorFacts;
  /** What is let in; undefined where it says nothing of that. */
  readonly ingress: readonly IngressRule[] | undefined;
}

/** A rule of what is let in. */
export interface IngressRule {
  /** Whether it lets everybody in. */
  readonly fromAll: boolean;
  /** Which ports; empty for all. */
  readonly ports: readonly PolicyPort[];
}

/** A port of a NetworkPolicy. */
export interface PolicyPort {
  readonly protocol: string;
  /** Number or name; undefined for all. */
  readonly port: number | string | undefined;
  /** The last one of a range. */
  readonly endPort: number | undefined;
}

/** A DaemonSet of kube-proxy with its configuration. */
export interface Proxy {
  readonly name: string;
  /** Nodes that should have a pod of it, and that have one which serves. */
  readonly desired: number;
  readonly available: number;
  /** What `nodePortAddresses` of its configuration has; undefined where it could not be read. */
  readonly nodePortAddresses: readonly string[] | undefined;
}

/** What stands around the Services; whatever could not be read is undefined. */
export interface Around {
  readonly nodes: readonly NodeFacts[] | undefined;
  /** The Services' ranges. */
  readonly serviceCIDRs: readonly string[] | undefined;
  readonly proxies: readonly Proxy[] | undefined;
  readonly otherDaemonSets: readonly OtherDaemonSetFacts[] | undefined;
  readonly staticPods: readonly StaticPodFacts[] | undefined;
  readonly dataPlanes: readonly DataPlaneFacts[] | undefined;
}

/** Everything that is read; whatever could not be read is undefined, and named in {@link ServiceFacts.unread}. */
export interface ServiceFacts extends Around {
  readonly services: readonly Service[];
  readonly slices: readonly Slice[] | undefined;
  readonly endpoints: readonly Endpoints[] | undefined;
  readonly pods: readonly Pod[] | undefined;
  readonly policies: readonly Policy[] | undefined;
  /** What could not be read, in words, and why. */
  readonly unread: Readonly<Record<string, string>>;
}
