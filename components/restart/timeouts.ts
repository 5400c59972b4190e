import { parseGoDuration } from "../configuration/goDuration.ts";

/** How long `pulumi up` waits, as Go durations. */
export interface Timeouts {
  /** For one node's kube-proxy to be replaced; with the number of nodes it makes the defaults below. Default 1m. */
  pod?: string;
  /** For all pods of a new DaemonSet, also after a restart. Default: from the number of nodes, else 10m. */
  create?: string;
  /** For all pods after an in-place change. Default: as create, or from the number of nodes. */
  update?: string;
  /** For the DaemonSet and its pods to be gone. Default 10m. */
  delete?: string;
  /** For every node's kube-proxy to be verified, 1s to 1h. Default 5m. */
  verify?: string;
}

/** What a deadline of the proof may be, for an error. */
export const acceptedDeadline = "1s to 1h, such as 90s or 5m";

/** A deadline of the proof in milliseconds; undefined for what is none, see {@link acceptedDeadline}. */
export function deadlineOf(text: string): number | undefined {
  const milliseconds = Number(parseGoDuration(text) ?? 0n) / 1e6;
  return milliseconds >= 1000 && milliseconds <= 3_600_000 ? milliseconds : undefined;
}

/** How long to wait for all pods of a wave, as Go durations. */
export interface Wait {
  /** When its DaemonSet is made, also anew. */
  readonly create: string;
  /** When it is changed in place. */
  readonly update: string;
}

/** Time in seconds for the scheduler and the controllers, whatever the number of nodes. */
const baseSeconds = 120;

/**
 * Requests a second that the controller manager sends for a controller, unless `--kube-api-qps` says otherwise.
 *
 * Source: pkg/controller/apis/config/v1alpha1 `SetDefaults_KubeControllerManagerConfiguration`.
 */
export const controllerRate = 20;

/** Requests of the DaemonSet controller for a node: its pod is adopted and deleted, and a new one is made. */
const requestsOfNode = 3;

/**
 * How long a restart hands pods over before the first one is replaced, in seconds, at the controller manager's default
 * rate: the garbage collector, which has twice that rate, takes the owner from each pod, and the DaemonSet controller
 * gives each a new one.
 *
 * Source: cmd/kube-controller-manager/app/core.go `newGarbageCollectorController`, and
 * pkg/controller/controller_ref_manager.go `ClaimPods`.
 */
export function handoverSeconds(pods: number): number {
  return pods / (2 * controllerRate) + pods / controllerRate;
}

/**
 * How many nodes a rollout may leave without a running kube-proxy at a time.
 *
 * @param bound - `maxUnavailable`; the API's default is 1
 *
 * Source: pkg/controller/daemon/util `UnavailableCount`, which rounds up.
 */
export function unavailableNodes(bound: number | string | undefined, nodes: number): number {
  const text = String(bound ?? 1);
  const count = text.endsWith("%") ? Math.ceil((nodes * Number.parseInt(text)) / 100) : Number(text);
  return Math.max(1, count);
}

/**
 * How long to wait for a rollout, as a Go duration: for each step of as many nodes as may be unavailable, for what the
 * controller manager's rate lets it do for all nodes, and some time for the scheduler and the controllers.
 *
 * @param nodes - how many nodes there are; undefined when nobody could be asked
 * @param bound - `maxUnavailable`
 * @param pod - for one pod, as a Go duration
 */
export function rolloutTimeout(
  nodes: number | undefined,
  bound: number | string | undefined,
  pod = "1m",
): string {
  if (nodes === undefined) {
    return "10m";
  }
  const steps = Math.ceil(nodes / unavailableNodes(bound, nodes));
  // What is less than a minute is in the base.
  const controllerSeconds = 60 * Math.floor((nodes * requestsOfNode) / controllerRate / 60);
  const podSeconds = (steps * Number(parseGoDuration(pod) ?? 0n)) / 1e9;
  const seconds = Math.ceil(baseSeconds + controllerSeconds + podSeconds);
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}
