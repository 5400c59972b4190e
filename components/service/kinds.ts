import { Blame, type Reason, Severity } from "./weights.ts";

/** What all findings of a kind have in common. */
export interface Kind {
  readonly reason: Reason;
  readonly blame: Blame;
  /** How much it weighs; a single finding may weigh less. */
  readonly severity: Severity;
  /** What it means, as the end of a sentence. */
  readonly means: string;
  /** Whether kube-proxy has no part in such a Service, which is no fault by itself. */
  readonly hasNoPart?: true;
}

const { excluded, possible, kubeProxy } = Blame;
const { stops, some, may, remark } = Severity;
const noEndpoint = "the Service has no endpoint that is ready";

const row = (reason: Reason, blame: Blame, severity: Severity, means: string) => ({
  reason,
  blame,
  severity,
  means,
});
const service = (severity: Severity, means: string) => row("service", excluded, severity, means);
const noPart = (means: string) => ({ ...service(remark, means), hasNoPart: true as const });
const pods = (severity: Severity, means: string) => row("pods", excluded, severity, means);
const slices = (severity: Severity, means: string) => row("slices", excluded, severity, means);
const policy = (severity: Severity, means: string) => row("policy", excluded, severity, means);
const exposure = (severity: Severity, means: string) => row("exposure", excluded, severity, means);
const cluster = (severity: Severity, means: string) => row("cluster", excluded, severity, means);

/** Everything that can be found without asking a node: the one list of it, see docs/service.md. */
export const kinds = {
  // The Service itself.
  "no-namespace": service(stops, "there is no such namespace"),
  "no-service": service(stops, "there is no such Service"),
  "external-name": noPart(
    "it has no part in a Service of type ExternalName, which is a name in DNS and nothing else",
  ),
  "external-name-address": service(stops, "the externalName is an address, and DNS answers with names alone"),
  headless: noPart("it has no part in a headless Service: DNS gives its pods' own addresses"),
  "headless-target-port": service(some, "a headless Service translates no port"),
  "other-service-proxy": service(stops, "the Service is another proxy's, and kube-proxy leaves it alone"),
  "headless-label": service(
    may,
    "the Service has a label by which some releases of kube-proxy leave it alone",
  ),
  terminating: service(remark, "the Service is about to be deleted"),
  "app-protocol": service(remark, "the appProtocol does not fit the protocol"),

  // Its pods.
  "selector-matches-nothing": pods(stops, noEndpoint),
  "pods-ended": pods(stops, noEndpoint),
  "pods-unscheduled": pods(stops, noEndpoint),
  "pods-image": pods(stops, noEndpoint),
  "pods-crash": pods(stops, noEndpoint),
  "pods-gates": pods(stops, noEndpoint),
  "pods-on-dead-nodes": pods(stops, noEndpoint),
  "pods-not-ready": pods(stops, noEndpoint),
  "pods-terminating": pods(stops, "all of its endpoints are about to end, and none serves any more"),
  "pods-draining": pods(remark, "all of its endpoints are about to end, and are used as long as they serve"),
  "some-pods-not-ready": pods(remark, "some of its pods are not Ready"),
  "publishes-not-ready": pods(some, "it leads to pods that are not Ready, as it was told to"),
  "ready-on-dead-node": pods(some, "some endpoints are on nodes that are NotReady"),

  // Its ports.
  "target-port-name": pods(stops, "no container declares the port that it leads to"),
  "target-port-protocol-name": pods(stops, "the port that it leads to is declared for another protocol"),
  "target-port-name-differs": pods(some, "some of its pods do not declare the port that it leads to"),
  "target-port-undeclared": pods(may, "its pods declare other ports than the one it leads to"),
  "target-port-protocol": pods(may, "its pods declare the port that it leads to for another protocol"),
  "duplicate-port-name": pods(may, "several containers declare the name of the port that it leads to"),

  // Its EndpointSlices.
  "no-slices": slices(stops, "the Service has no selector and no EndpointSlice"),
  "not-mirrored": slices(
    stops,
    "no EndpointSlice is made of its Endpoints, at which kube-proxy does not look",
  ),
  "endpoints-cut": slices(some, "EndpointSlices have no more than 1,000 addresses of its Endpoints"),
  "slices-missing": slices(stops, "its pods are Ready, and there is no EndpointSlice of them"),
  "slices-behind": slices(some, "its EndpointSlices lack pods that are Ready"),
  "slice-readiness": slices(some, "its EndpointSlices say otherwise than its pods whether they are Ready"),
  "slice-strange-pod": slices(some, "its EndpointSlices have addresses that no pod has"),
  "slice-foreign": slices(may, "it leads to endpoints beside its pods"),
  "slice-not-ready": slices(stops, "none of the endpoints in its EndpointSlices is ready"),
  "slice-headless-label": slices(stops, "kube-proxy leaves its EndpointSlices out"),
  "slice-no-ports": slices(stops, "its EndpointSlices have no ports"),
  "slice-port-name": slices(stops, "the ports of its EndpointSlices have other names than its own"),
  "slice-port-protocol": slices(
    stops,
    "the ports of its EndpointSlices are of another protocol than its own",
  ),
  "slice-port-number": slices(stops, "its EndpointSlices lead to another port than it says"),
  "slice-fqdn": slices(stops, "its EndpointSlices have names, and kube-proxy takes addresses alone"),
  "slice-family": slices(stops, "its EndpointSlices are of another family than it is"),
  "family-without-endpoints": slices(stops, "it has no endpoint of its own family"),

  // Which endpoints are used from where.
  "internal-local": exposure(some, "some nodes have no endpoint of their own, and it leads to no other"),
  "external-local": exposure(some, "from outside it answers at those nodes alone that have an endpoint"),
  "hints-without-zone": exposure(remark, "some zones have no endpoint of their own and use all of them"),
  "hints-incomplete": exposure(remark, "zones are not kept to, as long as an endpoint has no hint"),
  "session-affinity": exposure(remark, "each client keeps to one endpoint, and sees that one alone"),
  "single-family": exposure(remark, "it prefers two families and has one"),

  // From outside.
  "balancer-pending": exposure(some, "no load balancer has given it an address yet"),
  "balancer-proxies": exposure(
    remark,
    "within the cluster its load balancer's address leads to the load balancer",
  ),
  "source-ranges": exposure(
    remark,
    "kube-proxy drops what comes to the load balancer's address from elsewhere",
  ),
  "no-health-check-port": exposure(some, "its load balancer cannot ask which nodes have an endpoint"),
  "external-ip": exposure(
    may,
    "its external addresses are no node's, so that the network has to lead them there",
  ),
  "node-port-addresses": row(
    "proxy",
    kubeProxy,
    may,
    "kube-proxy answers NodePorts at other addresses than the nodes tell",
  ),

  // NetworkPolicies.
  "policy-nothing": policy(may, "NetworkPolicies let nobody in to its endpoints"),
  "policy-port": policy(may, "NetworkPolicies let nobody in at the port that it leads to"),
  "policy-some": policy(may, "NetworkPolicies let nobody in to some of its endpoints"),
  "policy-peers": policy(remark, "NetworkPolicies let in some and nobody else"),

  // The cluster.
  "cluster-ip-outside": cluster(may, "its address is outside of the Services' ranges"),
  "address-outside": cluster(may, "its pods have addresses outside of their nodes' ranges"),
  "no-kube-proxy": row(
    "proxy",
    kubeProxy,
    stops,
    "no kube-proxy runs, and nothing that is known to do its work",
  ),
  "kube-proxy-not-ready": row("proxy", kubeProxy, some, "kube-proxy is not Ready on some nodes"),
  "other-proxy": {
    ...row("proxy", excluded, remark, "there is none, and something else does its work"),
    hasNoPart: true as const,
  },
  "two-proxies": row("proxy", possible, may, "something else does kube-proxy's work beside it"),
  "service-range-has-nodes": cluster(may, "nodes have addresses of the Services' ranges"),
  "service-range-has-pods": cluster(may, "pods have addresses of the Services' ranges"),
  "pod-range-has-nodes": cluster(may, "nodes have addresses of the pods' ranges"),
} as const satisfies Readonly<Record<string, Kind>>;

/** The name of a kind. */
export type KindName = keyof typeof kinds;
