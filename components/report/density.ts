/** Pure: many nodes at once: at each moment how many have which kube-proxy. */
import type { NodeCourse } from "./types.ts";

/** What nodes have at one moment, in their numbers. */
export interface Moment {
  /** Seconds since the update began. */
  readonly at: number;
  readonly old: number;
  /** Without a kube-proxy. */
  readonly none: number;
  /** A new one that is not known to have synced. */
  readonly unsynced: number;
  readonly synced: number;
}

/**
 * What nodes have at so many moments of a time, evenly.
 *
 * @param from - in seconds, as all here
 */
export function momentsOf(
  nodes: readonly NodeCourse[],
  [from, to]: readonly [number, number],
  count: number,
): Moment[] {
  return Array.from({ length: count + 1 }, (_, index) => {
    const at = from + ((to - from) * index) / count;
    const reached = (moment: number | null): boolean => moment !== null && moment <= at;
    const tally = { old: 0, none: 0, unsynced: 0, synced: 0 };
    for (const { oldPod, stopped, ready, synced } of nodes) {
      if (reached(synced) && reached(ready)) tally.synced += 1;
      else if (reached(ready)) tally.unsynced += 1;
      else if (reached(stopped) || oldPod === null) tally.none += 1;
      else tally.old += 1;
    }
    return { at, ...tally };
  });
}

/** Numbers sorted into equal steps from 0: how many are in each. */
export function histogramOf(values: readonly number[], step: number): number[] {
  const bins: number[] = [];
  for (const value of values) {
    const bin = Math.floor(value / step);
    while (bins.length <= bin) bins.push(0);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return bins;
}
