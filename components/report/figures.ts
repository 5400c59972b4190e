/** The numbers of a report, as its page, the comparison with earlier ones, lists and summaries tell them. */
import type { NodeCourse, UpdateReport, WaveReport } from "./types.ts";

/** How some durations are spread, in seconds. */
export interface Spread {
  /** How many there are. */
  readonly count: number;
  /** Of an even number the higher one of the two in the middle. */
  readonly median: number;
  /** 99 % are no longer: the nearest rank, so that it is one that was measured. */
  readonly p99: number;
  readonly longest: number;
}

/** The numbers of one wave; see {@link Figures}. */
export interface WaveFigures {
  /** Name of its pool; that of its DaemonSet where there are no pools. */
  readonly name: string;
  /** How long it took, or has taken; null where it did not begin. */
  readonly seconds: number | null;
  readonly nodes: number;
  readonly without: Spread | null;
  readonly unsynced: Spread | null;
}

/** The numbers of a report. */
export interface Figures {
  /** How long the update took; until the report was written where it has not ended. */
  readonly seconds: number;
  /** Nodes that it names in its waves. */
  readonly nodes: number;
  /** Those of them whose new pod became ready. */
  readonly replaced: number;
  /** Those whose old pod is gone and whose new one is not ready. */
  readonly bare: number;
  /** How many nodes at most had no kube-proxy at the same time. */
  readonly atOnce: number;
  /** How long nodes had no kube-proxy; null where none was seen to have had none. */
  readonly without: Spread | null;
  /** How long nodes had none that had synced its rules. */
  readonly unsynced: Spread | null;
  /** Of the proofs of all waves. */
  readonly verified: number;
  readonly failed: number;
  readonly excluded: number;
  readonly waves: readonly WaveFigures[];
}

/** A node with how long it went without, for the list of the slowest. */
export interface SlowNode {
  readonly wave: WaveReport;
  readonly course: NodeCourse;
  readonly without: number | null;
  readonly unsynced: number | null;
}

/**
 * How long a node had no kube-proxy: from when its old pod's process was gone until the new one was ready.
 *
 * @returns seconds, 0 where the new one was ready before; null where it had no old pod, or an end was not seen
 */
export function withoutOf(course: NodeCourse): number | null {
  return between(course.stopped, course.ready);
}

/** How long a node had no kube-proxy that had synced its rules; as {@link withoutOf} with the first sync for its end. */
export function unsyncedOf(course: NodeCourse): number | null {
  return between(course.stopped, course.synced);
}

/** Whether a node had no kube-proxy when the report was written. */
export function isBare(course: NodeCourse): boolean {
  return course.stopped !== null && course.ready === null;
}

/** What a wave is called: its pool, or its DaemonSet where there are no pools. */
export function nameOf({ pool, daemonSet }: WaveReport): string {
  return pool ?? daemonSet;
}

/** Seconds from the beginning of an update to its end, or to when the report was written. */
export function secondsOf({ began, ended, written }: UpdateReport): number {
  return Math.max(0, (Date.parse(ended ?? written) - Date.parse(began)) / 1000);
}

/**
 * How some durations are spread.
 *
 * @returns null where there are none
 */
export function spreadOf(durations: readonly (number | null)[]): Spread | null {
  const sorted = durations.filter((each) => each !== null).sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? 0;
  if (sorted.length === 0) return null;
  return {
    count: sorted.length,
    median: at(Math.floor(sorted.length / 2)),
    p99: at(Math.ceil(sorted.length * 0.99) - 1),
    longest: at(sorted.length - 1),
  };
}

/** The numbers of a report. */
export function figuresOf(report: UpdateReport): Figures {
  const seconds = secondsOf(report);
  const courses = report.waves.flatMap(({ nodes }) => nodes);
  const proofs = report.waves.flatMap(({ proof }) => proof ?? []);
  const total = (key: "verified" | "failed" | "excluded") =>
    proofs.reduce((sum, proof) => sum + proof[key], 0);
  return {
    seconds,
    nodes: courses.length,
    replaced: courses.filter(({ ready }) => ready !== null).length,
    bare: courses.filter(isBare).length,
    atOnce: atOnceOf(courses),
    without: spreadOf(courses.map(withoutOf)),
    unsynced: spreadOf(courses.map(unsyncedOf)),
    verified: total("verified"),
    failed: total("failed"),
    excluded: total("excluded"),
    waves: report.waves.map((wave) => ({
      name: nameOf(wave),
      seconds: wave.began === null ? null : (wave.ended ?? seconds) - wave.began,
      nodes: wave.nodes.length,
      without: spreadOf(wave.nodes.map(withoutOf)),
      unsynced: spreadOf(wave.nodes.map(unsyncedOf)),
    })),
  };
}

/** The nodes that went longest without, those first that still do: at most `count`, by name where it was as long. */
export function slowestOf(report: UpdateReport, count: number): SlowNode[] {
  const all = report.waves.flatMap((wave) =>
    wave.nodes.map((course) => ({
      wave,
      course,
      without: withoutOf(course),
      unsynced: unsyncedOf(course),
    })),
  );
  const weight = ({ course, without, unsynced }: SlowNode) =>
    isBare(course) ? Infinity : Math.max(without ?? -1, unsynced ?? -1);
  return all
    .map((node) => ({ node, weight: weight(node) }))
    .filter((each) => each.weight >= 0)
    .sort((a, b) =>
      a.weight === b.weight
        ? a.node.course.node.localeCompare(b.node.course.node, "en")
        : b.weight - a.weight,
    )
    .slice(0, count)
    .map(({ node }) => node);
}

/** How many at most were without at the same time; one that begins when another ends is not beside it. */
function atOnceOf(courses: readonly NodeCourse[]): number {
  const steps = courses
    .filter(({ stopped, ready }) => stopped !== null && (ready === null || ready > stopped))
    .flatMap(({ stopped, ready }) => [
      { at: stopped ?? 0, step: 1 },
      { at: ready ?? Infinity, step: -1 },
    ])
    .sort((a, b) => (a.at === b.at ? a.step - b.step : a.at - b.at));
  let [now, most] = [0, 0];
  for (const { step } of steps) most = Math.max(most, (now += step));
  return most;
}

function between(from: number | null, to: number | null): number | null {
  return from === null || to === null ? null : Math.max(0, to - from);
}
