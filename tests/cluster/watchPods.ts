import type { KubeConfig } from "@kubernetes/client-node";
import { followPods } from "./followPods.ts";

/** A pod at one moment, as far as the tests look. */
interface Seen {
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    labels: Record<string, string>;
    deletionTimestamp?: string;
    ownerReferences?: { name: string }[];
  };
  spec: { nodeName?: string };
  status: { conditions?: { type: string; status: string }[] };
}

/** Everything that happened to kube-proxy's pods since the watch began. */
export class PodWatch {
  /** Moments at which a node had two kube-proxies, one of them may have been about to end. */
  readonly pairs: string[] = [];
  /** Names of the DaemonSets that each pod belonged to, by the pod's UID, in their order; "" for none. */
  readonly owners = new Map<string, string[]>();
  /** UIDs of the pods whose deletion was asked for. */
  readonly deleted = new Set<string>();
  /** Most nodes that had been served and were not, at one moment. */
  mostUnserved = 0;
  readonly #pods = new Map<string, Seen>();
  readonly #served = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #end: () => Promise<void> = () => Promise.resolve();

  private constructor() {
    // Made by `start`.
  }

  /** Begins with the pods as they are. Has to be stopped. */
  static async start(config: KubeConfig): Promise<PodWatch> {
    const pods = new PodWatch();
    pods.#end = await followPods<Seen>(config, {
      see: (change, pod) => {
        pods.#see(change, pod);
      },
      lose: (why) => pods.pairs.push(`the watch was lost: ${why}`),
    });
    return pods;
  }

  async stop(): Promise<void> {
    await this.#end();
  }

  /** The pods as they are, by UID. */
  get pods(): ReadonlyMap<string, Seen> {
    return this.#pods;
  }

  /** Waits for a moment at which a condition holds, without missing any. */
  async until(what: string, condition: (pods: this) => boolean, seconds = 60): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!condition(this)) return;
        this.#listeners.delete(look);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(look);
        reject(new Error(`after ${seconds} s still not: ${what}`));
      }, seconds * 1000);
      this.#listeners.add(look);
      look();
    });
  }

  #see(type: string, pod: Seen): void {
    const { uid, deletionTimestamp, ownerReferences } = pod.metadata;
    if (deletionTimestamp !== undefined) this.deleted.add(uid);
    if (type === "DELETED") this.#pods.delete(uid);
    else this.#pods.set(uid, pod);
    const owner = ownerReferences?.[0]?.name ?? "";
    const owners = this.owners.get(uid) ?? [];
    if (owners.at(-1) !== owner) this.owners.set(uid, [...owners, owner]);
    this.#count(pod.spec.nodeName);
    for (const listener of this.#listeners) listener();
  }

  #count(node: string | undefined): void {
    if (node === undefined) return;
    const here = [...this.#pods.values()].filter(({ spec }) => spec.nodeName === node);
    if (here.length > 1) this.pairs.push(`${node}: ${here.map(({ metadata }) => metadata.name).join()}`);
    const serving = new Set([...this.#pods.values()].filter(isServing).map(({ spec }) => spec.nodeName));
    if (serving.has(node)) this.#served.add(node);
    this.mostUnserved = Math.max(this.mostUnserved, this.#served.size - serving.size);
  }
}

function isServing({ metadata, status }: Seen): boolean {
  const ready = status.conditions?.find(({ type }) => type === "Ready")?.status;
  return ready === "True" && metadata.deletionTimestamp === undefined;
}
