/** Whether there was ever more than one kube-proxy on a node, and whether there is exactly one in the end. */
import { KubeConfig, Watch } from "@kubernetes/client-node";
import { restartAnnotation } from "../../../components/restart.ts";
import type { Lab } from "../../../lab/index.ts";
import { isServing, type LivePod } from "../scenario.ts";

const pods = "/api/v1/namespaces/kube-system/pods";
const labelSelector = "k8s-app=kube-proxy";

/** A Pod as far as it is looked at here. */
export interface WatchedPod {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly phase?: string };
}

/** What has happened to a Pod, in the words of a watch. */
export type Change = "ADDED" | "MODIFIED" | "DELETED";

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
}

/** Watches a lab's kube-proxies at its API server. No change is missed: a watch that ends is taken up where it was. */
export class PodWatch {
  readonly #running = new RunningPods();
  readonly #stopping = new AbortController();
  readonly #watch: Watch;
  #resourceVersion: string | undefined;
  #following: Promise<void> | undefined;

  private constructor(lab: Lab) {
    const config = new KubeConfig();
    config.loadFromFile(lab.kubeconfig);
    this.#watch = new Watch(config);
  }

  static start(lab: Lab): PodWatch {
    const watch = new PodWatch(lab);
    watch.#following = watch.#follow();
    return watch;
  }

  /** See {@link RunningPods.violations}. */
  get violations(): readonly string[] {
    return this.#running.violations;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
  }

  async #follow(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#followOnce();
    }
  }

  async #followOnce(): Promise<void> {
    const { promise: ended, resolve: end } = Promise.withResolvers<undefined>();
    const query = { labelSelector, resourceVersion: this.#resourceVersion, allowWatchBookmarks: true };
    const see = (change: string, object: WatchedPod): void => {
      if (change === "ERROR") this.#running.violations.push(`the watch was lost: ${JSON.stringify(object)}`);
      else if (change !== "BOOKMARK") this.#running.see(change as Change, object);
      this.#resourceVersion = change === "ERROR" ? undefined : object.metadata.resourceVersion;
    };
    const request = await this.#watch.watch(pods, query, see, () => {
      end(undefined);
    });
    const abort = (): void => {
      request.abort();
    };
    this.#stopping.signal.addEventListener("abort", abort, { once: true });
    await ended;
    this.#stopping.signal.removeEventListener("abort", abort);
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
