/** Pure: the numbers of a report, which its page, its summary and the list of reports show. */
import type { NodeCourse, UpdateReport } from "./types.ts";

/** Seconds for which a node had no running kube-proxy; null where one of both moments is not known. */
export function gapOf({ stopped, ready }: NodeCourse): number | null {
  return stopped === null || ready === null ? null : Math.max(0, ready - stopped);
}

/** Seconds for which a node's rules followed no change: from the end of the old process to the new one's first sync. */
export function staleOf({ stopped, synced }: NodeCourse): number | null {
  return stopped === null || synced === null ? null : Math.max(0, synced - stopped);
}

/** How numbers are distributed. */
export interface Distribution {
  readonly count: number;
  readonly median: number;
  /** 99 of 100 are not above it. */
  readonly p99: number;
  readonly longest: number;
}

/** The distribution of numbers; null of none. */
export function distributionOf(values: readonly number[]): Distribution | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { count: sorted.length, median: at(0.5), p99: at(0.99), longest: at(1) };
}

/** The numbers of a whole report. */
export interface Figures {
  /** How long it took, in seconds; null as long as it has not ended. */
  readonly seconds: number | null;
  /** Nodes whose pod has changed. */
  readonly nodes: number;
  /** Of {@link gapOf}, and of {@link staleOf}. */
  readonly gaps: Distribution | null;
  readonly stale: Distribution | null;
  /** Nodes by what their proof says. */
  readonly verified: number;
  readonly failed: number;
  readonly excluded: number;
}

/** The numbers of a report. */
export function figuresOf({ began, ended, waves }: UpdateReport): Figures {
  const nodes = waves.flatMap((wave) => wave.nodes);
  const known = (of: (node: NodeCourse) => number | null) =>
    distributionOf(nodes.flatMap((node) => of(node) ?? []));
  const sum = (key: "verified" | "failed" | "excluded") =>
    waves.reduce((total, { proof }) => total + (proof?.[key] ?? 0), 0);
  return {
    seconds: ended === null ? null : (Date.parse(ended) - Date.parse(began)) / 1000,
    nodes: nodes.length,
    gaps: known(gapOf),
    stale: known(staleOf),
    ...{ verified: sum("verified"), failed: sum("failed"), excluded: sum("excluded") },
  };
}

/** The nodes that were longest without a kube-proxy, the longest first; those that still have none before them. */
export function slowest(nodes: readonly NodeCourse[], most: number): NodeCourse[] {
  const weight = (node: NodeCourse) => gapOf(node) ?? (node.stopped === null ? -1 : Infinity);
  return nodes.toSorted((a, b) => weight(b) - weight(a) || (a.node < b.node ? -1 : 1)).slice(0, most);
}
