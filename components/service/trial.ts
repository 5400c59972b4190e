/** Pure: what was tried beside reading objects: each node's kube-proxy, and each endpoint by itself. */
import { type Case, count, usedEndpoints } from "./case.ts";

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

/** At most so many endpoints are asked: what all have in common shows, and nobody is kept busy. */
export const mostEndpoints = 10;

/** The endpoints of a Service that can be asked for by themselves: those of pods, over TCP, of its first family. */
export function endpointsToTry(one: Case): EndpointToTry[] {
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
 * What was reached by the rules of nodes, beside what is known of their kube-proxies.
 *
 * @param counts - of endpoints by node, of those that take connections by themselves; nothing of nodes that were not asked
 * @param of - how many these are
 */
export function withReached(
  nodes: readonly NodeReport[],
  counts: ReadonlyMap<string, number>,
  of: number,
): NodeReport[] {
  // Where none is reached from anywhere, what leads there from outside of the cluster may be the reason.
  const isTold = [...counts.values()].some((endpoints) => endpoints > 0);
  return nodes.map((report) => {
    const endpoints = counts.get(report.node);
    if (endpoints === undefined || !isTold) return report;
    const reached = { endpoints, of };
    return endpoints < of && report.verdict === "fine"
      ? {
          ...report,
          reached,
          verdict: "elsewhere",
          reason: "its rules lead to all of them: see to the network between it and the pods",
        }
      : { ...report, reached };
  });
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
      ? `none of the ${count(endpoints.length, "endpoint")} that were asked by themselves takes a connection at port ${ports}`
      : `${refusing.length} of ${count(endpoints.length, "endpoint")} that were asked by themselves take no connection at port ${ports}`;
  return `${which}, such as pod ${first.namespace}/${first.pod}`;
}
