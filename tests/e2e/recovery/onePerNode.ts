/** Whether there was ever more than one kube-proxy on a node, and whether there is exactly one in the end. */
import { loadCluster } from "../../../components/cluster/client.ts";
import { restartAnnotation } from "../../../components/restart/restart.ts";
import type { Lab } from "../../../lab/index.ts";
import { type Change, followPods } from "../../cluster/followPods.ts";
import { isServing, type LivePod } from "../scenario.ts";

/** A Pod as far as it is looked at here. */
export interface WatchedPod {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly phase?: string };
}

/** Follows which Pods run, by what a watch tells of them, and keeps what must not have been. */
export class RunningPods {
  /** A line for each time that a second Pod ran on a node. */
  readonly violations: string[] = [];
  readonly #nodeOf = new Map<string, string>();

  /** A Pod that is about to end runs until it is gone. */
  see(change: Change, { metadata: { name }, spec: { nodeName }, status: { phase } }: WatchedPod): void {
    if (change === "DELETED" || phase !== "Running" || nodeName === undefined) {
      this.#nodeOf.delete(name);
      return;
    }
    if (this.#nodeOf.has(name)) return;
    const others = [...this.#nodeOf].filter(([, node]) => node === nodeName).map(([other]) => other);
    if (others.length > 0) this.violations.push(`${name} ran on ${nodeName} beside ${others.join(" and ")}`);
    this.#nodeOf.set(name, nodeName);
  }

  /** Of what was seen until now nobody knows whether it still is. */
  forget(): void {
    this.#nodeOf.clear();
  }
}

/** Watches a lab's kube-proxies at its API server. */
export class PodWatch {
  readonly #running: RunningPods;
  /** Ends it. */
  readonly stop: () => Promise<void>;

  private constructor(running: RunningPods, stop: () => Promise<void>) {
    this.#running = running;
    this.stop = stop;
  }

  static async start({ kubeconfig }: Lab): Promise<PodWatch> {
    const running = new RunningPods();
    const stop = await followPods<WatchedPod>(loadCluster({ kubeconfig }, {}), {
      see: (change, pod) => {
        running.see(change, pod);
      },
      // An API server that is too busy ends a watch, and may have forgotten where it was.
      lose: (why) => {
        console.log(`The watch of kube-proxy's pods was lost, and begins anew: ${why}`);
        running.forget();
      },
    });
    return new PodWatch(running, stop);
  }

  /** See {@link RunningPods.violations}. */
  get violations(): readonly string[] {
    return this.#running.violations;
  }
}

/**
 * What is wrong once an `up` has ended well: every node is to have one kube-proxy, which serves and is of the token's
 * restart.
 *
 * @param nodes - their names
 */
export function shortcomings(pods: readonly LivePod[], nodes: readonly string[], token: string): string[] {
  const byNode = Map.groupBy(pods, ({ spec }) => spec.nodeName);
  return nodes.flatMap((node) => {
    const [pod, ...others] = byNode.get(node) ?? [];
    if (pod === undefined) return [`${node} has no kube-proxy`];
    if (others.length > 0) return [`${node} has ${others.length + 1} kube-proxies`];
    const restart = pod.metadata.annotations?.[restartAnnotation] ?? "";
    return [
      ...(isServing(pod) ? [] : [`${node}'s kube-proxy does not serve`]),
      ...(restart === token ? [] : [`${node}'s kube-proxy is of restart "${restart}", not "${token}"`]),
    ];
  });
}
