import { loadCluster } from "../components/cluster/client.ts";
import type { Lab } from "../lab/index.ts";
import { type Change, followPods } from "../tests/cluster/followPods.ts";

/** A Pod as far as it is looked at here. */
export interface HandedPod {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly ownerReferences?: readonly { readonly controller?: boolean }[];
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** How long pods changed hands, in milliseconds. */
export interface Duration {
  /** From the first pod without an owner to the last one. */
  readonly orphaning: number;
  /** From the first pod that is adopted to the last one. */
  readonly adopting: number;
  /** From the first pod without an owner to the last one that is adopted: so long another controller could adopt one. */
  readonly all: number;
}

/** Follows kube-proxy's pods while they are taken from one DaemonSet and given to the next, by what a watch tells of them. */
export class Handover {
  readonly #orphaned: number[] = [];
  readonly #adopted: number[] = [];
  readonly #orphans = new Set<string>();
  readonly #readySince = new Map<string, number>();

  /** @param at - when, in milliseconds of any clock */
  see(change: Change, { metadata, spec: { nodeName = "" }, status }: HandedPod, at: number): void {
    const { uid, ownerReferences = [] } = metadata;
    const isOwned = ownerReferences.some(({ controller }) => controller === true);
    if (change === "DELETED") {
      this.#orphans.delete(uid);
      this.#readySince.delete(nodeName);
      return;
    }
    if (isOwned && this.#orphans.delete(uid)) this.#adopted.push(at);
    if (!isOwned && !this.#orphans.has(uid)) {
      this.#orphans.add(uid);
      this.#orphaned.push(at);
    }
    const isReady = status.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;
    if (isReady && !this.#readySince.has(nodeName)) this.#readySince.set(nodeName, at);
  }

  /** Whether a pod has lost its owner since the beginning. */
  get hasBegun(): boolean {
    return this.#orphaned.length > 0;
  }

  /** Since when a node has a Ready kube-proxy; undefined when it has none. */
  readySince(node: string): number | undefined {
    return this.#readySince.get(node);
  }

  /** How long it took; not a number when no pod has changed hands. */
  get duration(): Duration {
    const [orphaned, adopted] = [this.#orphaned, this.#adopted];
    const [begin = NaN, end = NaN] = [orphaned[0], adopted.at(-1)];
    return {
      orphaning: (orphaned.at(-1) ?? NaN) - begin,
      adopting: end - (adopted[0] ?? NaN),
      all: end - begin,
    };
  }
}

/** Runs `work` while a lab's kube-proxies are followed, by the clock of `performance.now`. */
export async function followHandover<T>(
  { kubeconfig }: Lab,
  work: (handover: Handover) => Promise<T>,
): Promise<T> {
  const handover = new Handover();
  const lost: string[] = [];
  const stop = await followPods<HandedPod>(loadCluster({ kubeconfig }, {}), {
    see: (change, pod) => {
      handover.see(change, pod, performance.now());
    },
    lose: (why) => lost.push(why),
  });
  try {
    const result = await work(handover);
    if (lost.length > 0) throw new Error(`the watch was lost: ${lost.join("; ")}`);
    return result;
  } finally {
    await stop();
  }
}
