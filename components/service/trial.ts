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
  /**
   * `fine`: its kube-proxy does its work. `faulty`: it does not, so that it may be the reason. `unknown`: nothing of that is
   * known.
   */
  readonly verdict: "fine" | "faulty" | "unknown";
  /** What there is to say of it, one sentence; empty where there is nothing. */
  readonly reason: string;
}

/** What came of asking an endpoint by itself, past every kube-proxy. */
export interface EndpointReport {
  /** Its pod. */
  readonly namespace: string;
  readonly pod: string;
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
export type EndpointToTry = Pick<EndpointReport, "namespace" | "pod" | "port">;

/** At most so many endpoints are asked: what all have in common shows, and nobody is kept busy. */
export const mostEndpoints = 10;

/** The endpoints of a Service that can be asked for by themselves: those of pods, over TCP. */
export function endpointsToTry(one: Case): EndpointToTry[] {
  const all = usedEndpoints(one).flatMap(({ pod, slice }) =>
    pod === ""
      ? []
      : slice.ports
          .filter(({ protocol, port }) => protocol === "TCP" && port > 0)
          .map(({ port }) => ({ namespace: slice.namespace, pod, port })),
  );
  // A pod has an endpoint in each family.
  return [...new Map(all.map((one) => [`${one.pod}:${one.port}`, one])).values()].slice(0, mostEndpoints);
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
