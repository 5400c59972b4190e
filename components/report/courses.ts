/** Pure: what happened on each node, as it is seen pod by pod. */
import type { NodeCourse } from "./types.ts";

/** A pod of kube-proxy at one moment. */
export interface PodSeen {
  readonly uid: string;
  readonly name: string;
  readonly node: string;
  /** Name and UID of its DaemonSet; undefined as long as it has none. */
  readonly owner: { readonly name: string; readonly uid: string } | undefined;
  /** Whether it was told to go. */
  readonly isEnding: boolean;
  /** Whether its process is gone for good. */
  readonly hasStopped: boolean;
  readonly isReady: boolean;
  /** Why its container does not start, such as `ImagePullBackOff`; undefined where it does, or nobody says. */
  readonly waiting: string | undefined;
}

/** A pod with its moments, in seconds. */
interface Life {
  readonly pod: PodSeen;
  readonly isOld: boolean;
  readonly created: number | null;
  deleted: number | null;
  stopped: number | null;
  ready: number | null;
  synced: number | null;
  isExact: boolean;
}

/** The lives of all pods of kube-proxy since an update began. Moments are in seconds since then. */
export class Courses {
  readonly #lives = new Map<string, Life>();

  /** @param existing - the pods that were there when the update began */
  constructor(existing: readonly PodSeen[]) {
    for (const pod of existing) this.#lives.set(pod.uid, lifeOf(pod, { isOld: true, created: null }));
  }

  /**
   * Takes a pod as it is now.
   *
   * @returns whether it is a new one, and has become ready by this
   */
  see(pod: PodSeen, at: number): boolean {
    const before = this.#lives.get(pod.uid) ?? lifeOf(pod, { isOld: false, created: at });
    // Orphans have no DaemonSet for a while; whose they were is known from before.
    const life = { ...before, pod: { ...pod, owner: pod.owner ?? before.pod.owner } };
    life.deleted ??= pod.isEnding ? at : null;
    life.stopped ??= pod.hasStopped ? at : null;
    life.ready ??= pod.isReady && !life.isOld ? at : null;
    this.#lives.set(pod.uid, life);
    return before.ready === null && life.ready !== null;
  }

  /** A pod is gone. */
  gone(uid: string, at: number): void {
    const life = this.#lives.get(uid);
    if (life === undefined) return;
    life.deleted ??= at;
    life.stopped ??= at;
  }

  /**
   * A pod's process has synced its rules for the first time.
   *
   * @param isExact - whether it was at that moment, and not only seen then
   */
  synced(uid: string, at: number, isExact: boolean): void {
    const life = this.#lives.get(uid);
    if (life === undefined) return;
    // Clocks of nodes differ from this one.
    life.synced = Math.max(at, life.created ?? 0);
    life.isExact = isExact;
  }

  /** Whether a pod is there that the update has made, and it belongs to a DaemonSet of this name. */
  has(uid: string): boolean {
    const life = this.#lives.get(uid);
    return life !== undefined && life.stopped === null;
  }

  /** The nodes of a DaemonSet where a pod came or went, by name. */
  of(daemonSet: string): NodeCourse[] {
    const byNode = Map.groupBy(
      [...this.#lives.values()].filter(({ pod }) => pod.owner?.name === daemonSet),
      ({ pod }) => pod.node,
    );
    return [...byNode]
      .flatMap(([node, lives]) => courseOf(node, lives))
      .sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  /** Why nodes of a DaemonSet are without a ready pod, in one sentence; null where none is. */
  lacking(daemonSet: string): string | null {
    const lacking = [...this.#lives.values()]
      .filter(({ pod, isOld, ready, stopped }) => {
        return pod.owner?.name === daemonSet && !isOld && ready === null && stopped === null;
      })
      .map(({ pod }) => `${pod.node}${pod.waiting === undefined ? "" : ` (${pod.waiting})`}`)
      .sort();
    const more = lacking.length > 5 ? `, and ${lacking.length - 5} more` : "";
    return lacking.length === 0 ? null : `without a ready new pod: ${lacking.slice(0, 5).join(", ")}${more}`;
  }
}

function lifeOf(pod: PodSeen, { isOld, created }: Pick<Life, "isOld" | "created">): Life {
  const unseen = { deleted: null, stopped: null, ready: null, synced: null, isExact: false };
  return { pod, isOld, created, ...unseen };
}

/** Of several new pods, as where one failed and was replaced, the last one counts, and the first one that went. */
function courseOf(node: string, lives: readonly Life[]): NodeCourse[] {
  const old =
    lives.find(({ isOld, deleted }) => isOld && deleted !== null) ?? lives.find(({ isOld }) => isOld);
  const made = lives.findLast(({ isOld }) => !isOld);
  if (made === undefined && (old?.deleted ?? null) === null) return [];
  return [
    {
      node,
      oldPod: old?.pod.name ?? null,
      newPod: made?.pod.name ?? null,
      deleted: old?.deleted ?? null,
      stopped: old?.stopped ?? null,
      created: made?.created ?? null,
      ready: made?.ready ?? null,
      synced: made?.synced ?? null,
      isExact: made?.isExact ?? false,
    },
  ];
}
