/** A run over a fleet that is played in no time: what `rollout.ts` decides, with no process and no clock. */
import type { Fleet } from "../../fleet/file.ts";
import { type Action, begin, type Event, next, type Outcome, type Rollout } from "../../fleet/rollout.ts";

/** How a run is played. */
export interface Play {
  /** How a stack's update ends; default: done. */
  readonly outcome?: (stack: string) => Outcome;
  /** How long it takes, in milliseconds; default: 1000. */
  readonly duration?: (stack: string) => number;
  /** The answer to questions; default: true. */
  readonly answer?: boolean;
  /** Interrupts when so many stacks have been started. */
  readonly interruptAfter?: number;
  readonly already?: ReadonlyMap<string, number>;
  readonly isTrial?: boolean;
  /** When the run begins. */
  readonly from?: number;
}

/** What was seen of a run. */
export interface Played {
  readonly rollout: Rollout;
  /** `start NAME`, `ask WAVE`, `pause WAVE UNTIL`, `end`, in their order. */
  readonly log: string[];
  /** Stacks in the order in which they were started. */
  readonly started: string[];
  /** The most that ran at the same time, by wave. */
  readonly atOnce: ReadonlyMap<string, number>;
  /** When it ended. */
  readonly ended: number;
}

/** Plays a run to its end. */
export function play(fleet: Pick<Fleet, "waves" | "unreachable">, options: Play = {}): Played {
  const { outcome = () => "done", duration = () => 1000, answer = true, from = 0 } = options;
  const queue: { at: number; event: Event }[] = [];
  const [log, started]: [string[], string[]] = [[], []];
  const atOnce = new Map<string, number>();
  let now = from;
  let { rollout, actions } = begin(fleet, options.already ?? new Map(), {
    isTrial: options.isTrial ?? false,
    now,
  });
  const act = (action: Action): void => {
    const words = Object.values(action).join(" ");
    log.push(words);
    if (action.type === "start") {
      const { stack } = action;
      started.push(stack);
      const at = now + duration(stack);
      queue.push({ at, event: { type: "ended", stack, outcome: outcome(stack), at } });
      if (started.length === options.interruptAfter)
        queue.unshift({ at: now, event: { type: "interrupted" } });
    } else if (action.type === "ask") {
      queue.push({ at: now, event: { type: answer ? "passed" : "declined" } });
    } else if (action.type === "pause") queue.push({ at: action.until, event: { type: "passed" } });
  };
  while (!log.includes("end")) {
    actions.forEach(act);
    const wave = rollout.fleet.waves[rollout.wave]?.name ?? "";
    const running = [...rollout.standings.values()].filter((standing) => standing === "running").length;
    atOnce.set(wave, Math.max(atOnce.get(wave) ?? 0, running));
    queue.sort((a, b) => a.at - b.at);
    const first = queue.shift();
    if (log.includes("end")) break;
    if (first === undefined) throw new Error(`nothing happens any more after: ${log.join(", ")}`);
    now = first.at;
    ({ rollout, actions } = next(rollout, first.event, now));
  }
  return { rollout, log, started, atOnce, ended: now };
}
