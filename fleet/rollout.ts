/**
 * Decides what a run over a fleet does next. Pure: events in, actions out; no process, no clock.
 *
 * Whoever carries a run out calls {@link begin}, does each of the actions, and calls {@link next} with each event that comes of
 * them, until there is the action `end`.
 */
import { failuresAllowed } from "../components/pools/budget.ts";
import { type Fleet, stacksOf } from "./file.ts";

/** How a stack's update has ended; `unreachable`: its cluster did not answer, and nothing was changed. */
export type Outcome = "done" | "failed" | "unreachable" | "cancelled";

/** How it stands with a stack; `already`: an earlier run has done it. */
export type Standing = "waiting" | "running" | "already" | Outcome;

/** Why a run starts nothing more. */
export interface Halt {
  /**
   * `failed`: more have failed than the wave allows; `unreachable`: a cluster does not answer, and the rule is to halt;
   * `unproved`: a wave has ended with no cluster done; `declined`: the answer to the question was no; `interrupted`: somebody
   * ends the run.
   */
  readonly reason: "failed" | "unreachable" | "unproved" | "declined" | "interrupted";
  /** Name of the wave at which it was. */
  readonly wave: string;
}

/** Something that has happened. Moments are in milliseconds since 1970. */
export type Event =
  | { readonly type: "ended"; readonly stack: string; readonly outcome: Outcome; readonly at: number }
  /** The pause is over, or the answer was yes. */
  | { readonly type: "passed" }
  | { readonly type: "declined" }
  | { readonly type: "interrupted" };

/** Something to do. */
export type Action =
  | { readonly type: "start"; readonly stack: string }
  /** Wait until then before the wave, and say `passed`. */
  | { readonly type: "pause"; readonly wave: string; readonly until: number }
  /** Ask whether to go on with the wave, and say `passed` or `declined`. */
  | { readonly type: "ask"; readonly wave: string }
  /** Nothing runs, and nothing will. */
  | { readonly type: "end" };

/** A run over a fleet, as it stands. */
export interface Rollout {
  readonly fleet: Pick<Fleet, "waves" | "unreachable">;
  /** Whether all stacks are taken without a pause, whatever fails: for what changes nothing. */
  readonly isTrial: boolean;
  readonly standings: ReadonlyMap<string, Standing>;
  /** When those that are done have ended. */
  readonly ends: ReadonlyMap<string, number>;
  /** Index of the wave that is under way. */
  readonly wave: number;
  /** Whether the wave may start stacks: not before what comes after the wave before it. */
  readonly gate: "open" | "shut" | "waited for";
  readonly halt: Halt | undefined;
}

/** What to do, and how the run stands then. */
export interface Decision {
  readonly rollout: Rollout;
  readonly actions: readonly Action[];
}

/**
 * Begins a run.
 *
 * @param already - the stacks that an earlier run has done, with when that was
 */
export function begin(
  fleet: Rollout["fleet"],
  already: ReadonlyMap<string, number>,
  { isTrial, now }: { readonly isTrial: boolean; readonly now: number },
): Decision {
  const standings = new Map<string, Standing>(
    stacksOf(fleet).map((stack) => [stack, already.has(stack) ? "already" : "waiting"]),
  );
  return decide({ fleet, isTrial, standings, ends: already, wave: 0, gate: "open", halt: undefined }, now);
}

/** Takes an event. */
export function next(rollout: Rollout, event: Event, now: number): Decision {
  return decide(take(rollout, event), now);
}

/** How many stacks stand so, of one wave or of all. */
export function countOf(
  { standings, fleet }: Rollout,
  wanted: readonly Standing[],
  stacks: readonly string[] = stacksOf(fleet),
): number {
  return stacks.filter((stack) => wanted.includes(standings.get(stack) ?? "waiting")).length;
}

/** Those of whom nothing is left to do. */
export const finished: readonly Standing[] = ["already", "done"];

/** Whether every cluster is done. */
export function isComplete(rollout: Rollout): boolean {
  return countOf(rollout, finished) === rollout.standings.size;
}

function take(rollout: Rollout, event: Event): Rollout {
  switch (event.type) {
    case "passed":
      return { ...rollout, gate: "open" };
    case "declined":
    case "interrupted":
      return halted(rollout, event.type);
    case "ended": {
      const { stack, outcome, at } = event;
      const standings = new Map(rollout.standings).set(stack, outcome);
      const ends = outcome === "done" ? new Map(rollout.ends).set(stack, at) : rollout.ends;
      return judged({ ...rollout, standings, ends }, outcome);
    }
  }
}

/** Halts where an outcome is one too many. */
function judged(rollout: Rollout, outcome: Outcome): Rollout {
  const { stacks, maxFailed } = waveOf(rollout);
  if (rollout.isTrial) return rollout;
  if (outcome === "unreachable" && rollout.fleet.unreachable === "halt") return halted(rollout, outcome);
  const failed = countOf(rollout, ["failed"], stacks);
  return outcome === "failed" && failed > failuresAllowed(maxFailed, stacks.length)
    ? halted(rollout, outcome)
    : rollout;
}

/** The first reason is the one that is told. */
function halted(rollout: Rollout, reason: Halt["reason"]): Rollout {
  return { ...rollout, halt: rollout.halt ?? { reason, wave: waveOf(rollout).name } };
}

function decide(rollout: Rollout, now: number): Decision {
  const { stacks, concurrency } = waveOf(rollout);
  const running = countOf(rollout, ["running"]);
  if (rollout.halt !== undefined) return { rollout, actions: running === 0 ? [{ type: "end" }] : [] };
  const waiting = stacks.filter((stack) => rollout.standings.get(stack) === "waiting");
  if (waiting.length === 0) return running > 0 ? { rollout, actions: [] } : decideAfterWave(rollout, now);
  if (rollout.gate === "shut") return decideAtGate(rollout, now);
  if (rollout.gate === "waited for") return { rollout, actions: [] };
  const chosen = waiting.slice(0, Math.max(0, concurrency - running));
  const standings = new Map(rollout.standings);
  for (const stack of chosen) standings.set(stack, "running");
  return {
    rollout: { ...rollout, standings },
    actions: chosen.map((stack) => ({ type: "start", stack })),
  };
}

function decideAfterWave(rollout: Rollout, now: number): Decision {
  const { fleet, wave, isTrial } = rollout;
  const isProved = isTrial || countOf(rollout, finished, waveOf(rollout).stacks) > 0;
  if (!isProved) return decide(halted(rollout, "unproved"), now);
  if (wave === fleet.waves.length - 1) return { rollout, actions: [{ type: "end" }] };
  return decide({ ...rollout, wave: wave + 1, gate: isTrial ? "open" : "shut" }, now);
}

/** Before a wave of which an earlier run has done a part, there is nothing to wait for any more. */
function decideAtGate(rollout: Rollout, now: number): Decision {
  const { fleet, ends } = rollout;
  const { name: wave, stacks } = waveOf(rollout);
  const before = fleet.waves.slice(0, rollout.wave);
  const pause = before.at(-1)?.pause ?? 0;
  const held: Rollout = { ...rollout, gate: "waited for" };
  if (countOf(rollout, finished, stacks) === 0) {
    if (pause === "ask") return { rollout: held, actions: [{ type: "ask", wave }] };
    const until =
      Math.max(...before.flatMap((one) => one.stacks).map((stack) => ends.get(stack) ?? 0)) + pause;
    if (until > now) return { rollout: held, actions: [{ type: "pause", wave, until }] };
  }
  return decide({ ...rollout, gate: "open" }, now);
}

/** The wave that is under way. */
export function waveOf({ fleet, wave }: Rollout): Fleet["waves"][number] {
  const found = fleet.waves[wave];
  if (found === undefined) throw new RangeError(`wave ${wave} of ${fleet.waves.length}`);
  return found;
}
