import { shellWord } from "../input/printable.ts";
import type { Endpoint, Endpoints, Pod, Policy, Service, ServicePort, Slice } from "./facts.ts";
import type { Finding } from "./finding.ts";
import type { Lookup } from "./lookup.ts";

/** One Service with what belongs to it. */
export interface Case {
  readonly service: Service;
  readonly slices: readonly Slice[];
  readonly endpoints: Endpoints | undefined;
  /** Those that its selector matches. */
  readonly pods: readonly Pod[];
  /** Those of {@link pods} that have not ended: of others no endpoint is made. */
  readonly livePods: readonly Pod[];
  readonly policies: readonly Policy[];
  readonly lookup: Lookup;
}

/** Parts of what is read, by which a finder says what it cannot do without. */
export type Part = "slices" | "endpoints" | "pods" | "policies" | "nodes" | "serviceCIDRs" | "proxies";

/** Looks for findings of some kinds. */
export interface Finder {
  /** Without one of these nothing can be said. */
  readonly needs: readonly Part[];
  readonly find: (one: Case) => readonly Finding[];
}

/** Collects what belongs to a Service. */
export function caseOf(service: Service, lookup: Lookup): Case {
  const pods = hasSelector(service) ? lookup.podsOf(service) : [];
  return {
    service,
    slices: lookup.slicesOf(service),
    endpoints: lookup.endpointsOf(service),
    pods,
    livePods: pods.filter(({ phase }) => !hasEnded(phase)),
    policies: lookup.policiesOf(service),
    lookup,
  };
}

/** Whether a pod in such a phase has ended for good. Source: `isPodTerminal` in k8s.io/endpointslice/util. */
export function hasEnded(phase: string): boolean {
  return phase === "Failed" || phase === "Succeeded";
}

/** Whether its endpoints come from pods. */
export function hasSelector({ selector }: Service): boolean {
  return Object.keys(selector).length > 0;
}

/** Whether a Service is headless, or has no address at all, so that kube-proxy skips it. */
export function isHeadless({ type, clusterIPs }: Service): boolean {
  return type !== "ExternalName" && (clusterIPs[0] ?? "None") === "None";
}

/** A Service in words. */
export function nameOf({ namespace, name }: Pick<Service, "namespace" | "name">): string {
  return `Service ${namespace}/${name}`;
}

/** Number and name of a port in words. */
export function portNamed({ name, port }: ServicePort): string {
  return name === "" ? `port ${port}` : `port ${name}`;
}

/** The family of an address, as the API names it. */
export function familyOf(address: string): "IPv4" | "IPv6" {
  return address.includes(":") ? "IPv6" : "IPv4";
}

/**
 * Whether kube-proxy takes a slice for a Service's: of a family that the Service has, and without the label by which it
 * leaves slices out.
 *
 * Source: pkg/proxy/endpointschangetracker.go and cmd/kube-proxy/app/server.go.
 */
export function isTaken(slice: Slice, { families }: Service): boolean {
  return families.includes(slice.addressType) && !slice.hasHeadlessLabel;
}

/** An endpoint with the slice that it is from. */
export interface Placed extends Endpoint {
  readonly slice: Slice;
}

/**
 * The endpoints to which kube-proxy leads from anywhere: the ready ones, and where there is none, those that are about to
 * end and serve. Each address once.
 *
 * Source: `CategorizeEndpoints` in pkg/proxy/topology.go; KEP-1669 (ProxyTerminatingEndpoints), on since 1.26.
 */
export function usedEndpoints({ service, slices }: Pick<Case, "service" | "slices">): readonly Placed[] {
  const placed = slices
    .filter((slice) => isTaken(slice, service) && servesAPort(slice, service))
    .flatMap((slice) => slice.endpoints.map((endpoint) => ({ ...endpoint, slice })));
  const ready = placed.filter((endpoint) => endpoint.ready);
  const used = ready.length > 0 ? ready : placed.filter(isDraining);
  return [...new Map(used.map((endpoint) => [endpoint.address, endpoint])).values()];
}

/** Whether an endpoint is about to end and still serves. */
export function isDraining({ serving, terminating }: Endpoint): boolean {
  return serving && terminating;
}

/**
 * Whether a slice has a port for one of the Service's: by name and protocol.
 *
 * Source: `endpointInfoByServicePort` in pkg/proxy/endpointslicecache.go.
 */
function servesAPort({ ports }: Slice, service: Service): boolean {
  return ports.some(
    ({ name, protocol, port }) =>
      port !== 0 && service.ports.some((own) => own.name === name && own.protocol === protocol),
  );
}

/** A kubectl command in the Service's namespace. */
export function kubectl({ namespace }: Pick<Service, "namespace">, args: string): string {
  return `kubectl -n ${shellWord(namespace)} ${args}`;
}

/** The selector as kubectl takes it. */
export function selectorOf({ selector }: Service): string {
  return Object.entries(selector)
    .map((pair) => pair.join("="))
    .join(",");
}

/** A number of things: `1 pod`, `3 pods`. */
export function count(number: number, singular: string): string {
  return `${number} ${singular}${number === 1 ? "" : "s"}`;
}
