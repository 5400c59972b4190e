/** Carries a run out: does what `rollout.ts` decides, with an engine and a screen. */
import type { EngineEvent } from "@pulumi/pulumi/automation/events.js";
import { isUnreachable, nothingYet, withEvent } from "./progress.ts";
import { type Action, type Decision, type Event, next, type Outcome, type Rollout } from "./rollout.ts";
import { alreadyLine, endLines, pauseLine, question, startLine, type Update, type View } from "./view.ts";

/** What updates, or previews, a stack. */
export interface Engine {
  /**
   * Does it.
   *
   * @param cancellation - ends it on its way, as well as Pulumi can
   * @returns what it failed of; undefined where all went well
   */
  run(
    stack: string,
    onEvent: (event: EngineEvent) => void,
    cancellation: AbortSignal,
  ): Promise<readonly string[] | undefined>;
}

/** Where the run is seen. */
export interface Screen {
  /** Says what stays there. */
  say(text: string): void;
  /** Shows how it stands. */
  show(view: View): void;
  /** Asks what is answered with yes or no. */
  ask(question: string): Promise<boolean>;
}

/** What {@link carryOut} works with. */
export interface Means {
  readonly engine: Engine;
  readonly screen: Screen;
  /** Aborted when nothing more is to be started. */
  readonly interruption: AbortSignal;
  /** Aborted when what runs is to be cancelled, too. */
  readonly cancellation: AbortSignal;
}

/**
 * Carries a run out, to its end or halt.
 *
 * @param begun - as `begin` has decided
 */
export async function carryOut(begun: Decision, means: Means): Promise<View> {
  const run = new Run(begun, means);
  return await run.end;
}

class Run {
  readonly #means: Means;
  readonly #updates = new Map<string, Update>();
  readonly #done = Promise.withResolvers<View>();
  #rollout: Rollout;
  #pause: NodeJS.Timeout | undefined;

  constructor({ rollout, actions }: Decision, means: Means) {
    this.#means = means;
    this.#rollout = rollout;
    const { interruption } = means;
    const interrupt = (): void => {
      this.#take({ type: "interrupted" });
    };
    interruption.addEventListener("abort", interrupt, { once: true });
    const before = alreadyLine(rollout);
    if (before !== "") means.screen.say(before);
    this.#act(actions);
    if (interruption.aborted) interrupt();
  }

  get end(): Promise<View> {
    return this.#done.promise;
  }

  get #view(): View {
    return { rollout: this.#rollout, updates: this.#updates };
  }

  #take(event: Event): void {
    const { rollout, actions } = next(this.#rollout, event, Date.now());
    this.#rollout = rollout;
    if (event.type === "ended") this.#means.screen.say(endLines(event.stack, this.#view));
    if (rollout.halt !== undefined) clearTimeout(this.#pause);
    this.#act(actions);
  }

  #act(actions: readonly Action[]): void {
    const { screen } = this.#means;
    for (const action of actions) {
      if (action.type === "start") void this.#update(action.stack);
      else if (action.type === "ask") void this.#ask();
      else if (action.type === "pause") {
        screen.say(pauseLine(action.wave, action.until));
        this.#wait(action.until);
      } else this.#done.resolve(this.#view);
    }
    screen.show(this.#view);
  }

  async #ask(): Promise<void> {
    const isYes = await this.#means.screen.ask(question(this.#view));
    this.#take({ type: isYes ? "passed" : "declined" });
  }

  /** A timer takes 24 days at most, and may be early. */
  #wait(until: number): void {
    const left = until - Date.now();
    if (left <= 0) this.#take({ type: "passed" });
    else {
      this.#pause = setTimeout(
        () => {
          this.#wait(until);
        },
        Math.min(left, longestTimer),
      );
    }
  }

  async #update(stack: string): Promise<void> {
    const { engine, screen, cancellation } = this.#means;
    const change = (to: Partial<Update>): Update => {
      const before = this.#updates.get(stack) ?? {
        began: Date.now(),
        ended: undefined,
        progress: nothingYet,
      };
      const update = { ...before, ...to };
      this.#updates.set(stack, update);
      return update;
    };
    change({});
    screen.say(startLine(stack, this.#view));
    const onEvent = (event: EngineEvent): void => {
      const { progress } = change({});
      change({ progress: withEvent(progress, event) });
      screen.show(this.#view);
    };
    const failure = await engine.run(stack, onEvent, cancellation);
    const ended = Date.now();
    const { progress } = change({ ended });
    // Where the engine has told nothing, what it printed is all there is.
    const errors = progress.errors.length > 0 ? progress.errors : (failure ?? []);
    change({ progress: { ...progress, errors } });
    const outcome: Outcome =
      failure === undefined
        ? "done"
        : cancellation.aborted
          ? "cancelled"
          : isUnreachable({ ...progress, errors })
            ? "unreachable"
            : "failed";
    this.#take({ type: "ended", stack, outcome, at: ended });
  }
}

/** In milliseconds: a timer's longest. */
const longestTimer = 2 ** 31 - 1;
