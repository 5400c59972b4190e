/** Pure: which DaemonSets are in the way of the wanted ones, and what becomes of their pods. */
import type { NodeFacts } from "../facts/facts.ts";
import { type Problem, ProblemsError } from "../input/problems.ts";
import { isKubeadms } from "../kubeadm/overwriting.ts";
import { type Placement, selects } from "../pools/placement.ts";
import { layoutAnnotation, poolLabel } from "../pools/waves.ts";
import { type DaemonSet, isOurs, managersOf, nameOf, type Pod } from "./workload.ts";

/** A DaemonSet that is about to be made, or is there already. */
export interface WantedDaemonSet {
  /** Its name. */
  readonly daemonSet: string;
  /** Name of its pool; absent without pools. */
  readonly pool?: string;
  /** Its {@link layoutAnnotation}; absent without pools. */
  readonly layout?: string;
  /** Which nodes its pods go to. */
  readonly placement: Placement;
}

/**
 * The DaemonSets that are not among the wanted ones as they are: this program's, and the one that kubeadm makes beside
 * those of pools.
 *
 * @throws ProblemsError for those that somebody else made. One that has the name of a wanted one is Pulumi's to report,
 *   unless it would adopt what the others leave
 */
export function obstaclesAmong(
  daemonSets: readonly DaemonSet[],
  wanted: readonly WantedDaemonSet[],
): DaemonSet[] {
  const isWanted = (one: DaemonSet): boolean =>
    wanted.some(
      ({ daemonSet, layout }) =>
        daemonSet === nameOf(one) && layout === one.metadata.annotations?.[layoutAnnotation],
    );
  const names = new Set(wanted.map(({ daemonSet }) => daemonSet));
  const hasPools = daemonSets.some(({ metadata }) => metadata.annotations?.[layoutAnnotation] !== undefined);
  const isBesidePools = (one: DaemonSet): boolean =>
    hasPools && !names.has(nameOf(one)) && isKubeadms(nameOf(one), managersOf(one.metadata));
  const obstacles = daemonSets.filter((one) => (isOurs(one) ? !isWanted(one) : isBesidePools(one)));
  const foreign = daemonSets.filter(
    (one) => !isOurs(one) && !obstacles.includes(one) && (obstacles.length > 0 || !names.has(nameOf(one))),
  );
  if (foreign.length > 0) {
    throw new ProblemsError("the cluster's kube-proxies; nothing was changed", foreign.map(foreignProblem));
  }
  return obstacles;
}

function foreignProblem(daemonSet: DaemonSet): Problem {
  return {
    path: `DaemonSet kube-system/${nameOf(daemonSet)}`,
    accepted:
      "is in the way, and this program has not made it: take it over first (docs/adopt.md), or delete it if its " +
      "nodes may be without a kube-proxy until the new DaemonSets are there",
  };
}

/** What becomes of a pod that belongs to no DaemonSet. */
export const Fate = {
  /** The DaemonSet of its node adopts it as it is; or it is about to end anyway. */
  left: "left",
  /** The DaemonSet of its node adopts it by the pool's label. */
  labelled: "labelled",
  /** It is deleted, since no DaemonSet is for its node, or it has none. */
  deleted: "deleted",
} as const;
export type Fate = (typeof Fate)[keyof typeof Fate];

/** A pod that belongs to no DaemonSet, and what becomes of it. */
export interface Orphan {
  readonly pod: Pod;
  readonly fate: Fate;
  /** The pool of its node, where there is one. */
  readonly pool: string | undefined;
}

/**
 * Decides what becomes of a pod that belongs to no DaemonSet.
 *
 * @param node - where it is; undefined when it is nowhere, or on a node that is there no more
 */
export function orphanOf(pod: Pod, node: NodeFacts | undefined, wanted: readonly WantedDaemonSet[]): Orphan {
  const next = node && wanted.find(({ placement }) => selects(placement, placeOf(node)));
  return { pod, fate: fateOf(pod, next), pool: next?.pool };
}

function fateOf({ metadata }: Pod, next: WantedDaemonSet | undefined): Fate {
  if (metadata.deletionTimestamp !== undefined) {
    // Where there are pools, its node gets no other one before it is gone, see the pods' podAntiAffinity.
    return Fate.left;
  }
  if (next === undefined) {
    return Fate.deleted;
  }
  return next.pool === undefined || next.pool === metadata.labels?.[poolLabel] ? Fate.left : Fate.labelled;
}

/** A node as a placement looks at it. */
export function placeOf({ name, labels, taints }: NodeFacts) {
  return { metadata: { name, labels }, spec: { taints } };
}
