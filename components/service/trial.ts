/** Pure: what was tried beside reading objects: each node's kube-proxy, and each endpoint by itself. */
import { formatSeconds } from "../input/seconds.ts";
import { type Case, count, isTaken, usedEndpoints } from "./case.ts";

/** What is known of one node's kube-proxy: by its own word, and by a Service that was made for it, and removed. */
export interface NodeReport {
  readonly node: string;
  /** Seconds since its latest sync; null when it gave no answer, has never synced, or was not asked. */
  readonly lastSyncSeconds: number | null;
  /** Whether a new Service answers there. */
  readonly newService: "answers" | "fails" | "unasked";
  /** Seconds from the making of the new one until it answered; null where it did not. */
  readonly seconds: number | null;
  /** How many endpoints are reached by its rules, of those that take connections by themselves; null where none was asked. */
  readonly reached: { readonly endpoints: number; readonly of: number } | null;
  /**
   * `fine`: its kube-proxy does its work. `faulty`: it does not, so that it may be the reason. `elsewhere`: it does, and yet
   * endpoints are not reached from there. `unknown`: nothing of that is known.
   */
  readonly verdict: "fine" | "faulty" | "elsewhere" | "unknown";
  /** What there is to say of it, one sentence; empty where there is nothing. */
  readonly reason: string;
}

/** What came of asking an endpoint by itself, past every kube-proxy. */
export interface EndpointReport {
  /** Its pod. */
  readonly namespace: string;
  readonly pod: string;
  /** The pod's, and its node. */
  readonly address: string;
  readonly node: string;
  readonly port: number;
  /**
   * `answers`: it takes connections. `refuses`: nothing listens there, or on the loopback interface alone. `silent`: nobody
   * said anything, which may be the network between the API server and the pod. `denied`: it was not allowed to ask.
   */
  readonly outcome: "answers" | "refuses" | "silent" | "denied";
  /** Why, for people; empty for `answers`. */
  readonly reason: string;
}

/** What was tried; what is undefined was not. */
export interface Trial {
  readonly nodes?: readonly NodeReport[] | undefined;
  readonly endpoints?: readonly EndpointReport[] | undefined;
  /** Why the nodes, or the endpoints, were not asked, by their name. */
  readonly untried?: Readonly<Record<string, string>>;
}

/** An endpoint to ask. */
export type EndpointToTry = Omit<EndpointReport, "outcome" | "reason">;

/** What to try of a Service. */
export interface ToTry {
  readonly endpoints: readonly EndpointToTry[];
  /** Its own NodePort, which tries its own rules; undefined without one that every node answers. */
  readonly nodePort: number | undefined;
  /** When its endpoints last changed, in milliseconds since 1970; undefined where nobody says. */
  readonly changedAt: number | undefined;
}

/** What {@link withReached} judges by. */
export interface Counts {
  /** Endpoints by node, of those that take connections by themselves; nothing of nodes that were not asked. */
  readonly endpoints: ReadonlyMap<string, number>;
  /** How many these are. */
  readonly of: number;
  /** 1 or 0 by node: whether the Service's own NodePort answers there; undefined where it was not asked. */
  readonly own: ReadonlyMap<string, number> | undefined;
}

/** At most so many endpoints are asked: what all have in common shows, and nobody is kept busy. */
export const mostEndpoints = 10;

/** What can be tried of a Service: see {@link ToTry}. */
export function tryOf(one: Case): ToTry {
  const { ports, externalLocal } = one.service;
  const own = ports.find(({ protocol, nodePort }) => protocol === "TCP" && nodePort > 0);
  const nodePort = externalLocal ? undefined : own?.nodePort;
  return { endpoints: endpointsToTry(one), nodePort, changedAt: lastChangeOf(one) };
}

/** The endpoints of a Service that can be asked for by themselves: those of pods, over TCP, of its first family. */
function endpointsToTry(one: Case): EndpointToTry[] {
  const [family = "IPv4"] = one.service.families;
  const all = usedEndpoints(one).flatMap(({ pod, address, node, slice }) =>
    pod === "" || slice.addressType !== family
      ? []
      : slice.ports
          .filter(({ protocol, port }) => protocol === "TCP" && port > 0)
          .map(({ port }) => ({ namespace: slice.namespace, pod, address, node, port })),
  );
  return all.slice(0, mostEndpoints);
}

/**
 * When the endpoints of a Service last changed, by the EndpointSlices that kube-proxy looks at.
 *
 * @returns milliseconds since 1970; undefined where none says
 */
function lastChangeOf({ service, slices }: Pick<Case, "service" | "slices">): number | undefined {
  const [family = "IPv4"] = service.families;
  const times = slices.flatMap((slice) =>
    isTaken(slice, service) && slice.addressType === family ? (slice.changedAt ?? []) : [],
  );
  return times.length === 0 ? undefined : Math.max(...times);
}

/** How far clocks may be apart, and how long a sync may take, in seconds. */
const tolerance = 60;

/**
 * Accuses the kube-proxies that have not synced since the Service's endpoints changed. One at which a new Service answers has
 * heard of later changes than that.
 *
 * @param ago - seconds since the change
 */
export function withChange(nodes: readonly NodeReport[], ago: number): NodeReport[] {
  return nodes.map((report) => {
    const { lastSyncSeconds, newService, reason } = report;
    if (newService === "answers" || ago < 0 || (lastSyncSeconds ?? 0) <= ago + tolerance) return report;
    const behind = `it has not programmed changes for ${formatSeconds(lastSyncSeconds)}: the Service's endpoints changed ${formatSeconds(ago)} ago`;
    return { ...report, verdict: "faulty", reason: reason === "" ? behind : `${behind}; ${reason}` };
  });
}

/** What was reached by the rules of nodes, beside what is known of their kube-proxies. */
export function withReached(nodes: readonly NodeReport[], { endpoints, of, own }: Counts): NodeReport[] {
  const isTold = someAnswered(endpoints);
  const isOwnTold = own !== undefined && someAnswered(own);
  return nodes.map((report) => {
    const count = endpoints.get(report.node);
    if (count === undefined || !isTold) return report;
    const reached = { ...report, reached: { endpoints: count, of } };
    if (report.verdict !== "fine") return reached;
    if (count < of) {
      return {
        ...reached,
        verdict: "elsewhere",
        reason: "its rules lead to all of them: see to the network between it and the pods",
      };
    }
    return isOwnTold && own.get(report.node) === 0
      ? {
          ...reached,
          verdict: "faulty",
          reason: "the Service's own NodePort does not answer there, whereas a new one to its endpoints does",
        }
      : reached;
  });
}

/** Where nobody has answered from anywhere, what leads there from outside of the cluster may be the reason. */
function someAnswered(counts: ReadonlyMap<string, number>): boolean {
  return [...counts.values()].some((count) => count > 0);
}

/** What the endpoints by themselves say; undefined where all that could be asked take connections. */
export function faultOfEndpoints(endpoints: readonly EndpointReport[]): string | undefined {
  const asked = endpoints.filter(({ outcome }) => outcome === "answers" || outcome === "refuses");
  const refusing = asked.filter(({ outcome }) => outcome === "refuses");
  const [first] = refusing;
  if (first === undefined) return undefined;
  const ports = [...new Set(refusing.map(({ port }) => port))].join(", ");
  const which =
    refusing.length === asked.length && endpoints.length === asked.length
      ? `${endpoints.length === 1 ? "its only endpoint, asked by itself, takes no" : `none of the ${endpoints.length} endpoints that were asked by themselves takes a`} connection at port ${ports}`
      : `${refusing.length} of ${count(endpoints.length, "endpoint")} that were asked by themselves take no connection at port ${ports}`;
  return `${which}, such as pod ${first.namespace}/${first.pod}`;
}

/**
 * The endpoints that gave no answer, whereas others of the same Service did: these the API server may reach. Where none
 * answers, the way there may be closed to it.
 */
export function silentAmong(endpoints: readonly EndpointReport[]): EndpointReport[] {
  return endpoints.some(({ outcome }) => outcome === "answers")
    ? endpoints.filter(({ outcome }) => outcome === "silent")
    : [];
}
