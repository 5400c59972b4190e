/** What the engine asks of whoever makes resources. */
import { setTimeout as sleep } from "node:timers/promises";

import type { Goal, Resource } from "./plan.ts";
import type { Path, Props } from "./values.ts";

/** A resource as its maker left it; outputs without envelopes. */
export interface Made {
  id: string;
  outputs: Props;
}

/** Makes resources of some types. Every method throws for what it does not know. */
export interface Provider {
  /** Paths that cannot be changed in place. */
  forceNew(goal: Goal): Path[];
  /** The resource as it is now; undefined when it is gone. Without it nothing can drift. */
  read?(resource: Goal, id: string): Promise<Props | undefined>;
  /** Why a resource as it was read is not ready: the next update waits for it. */
  unhealthy?(outputs: Props): string | undefined;
  /** Whether there is nothing to do although inputs differ; without it there is. */
  isSame?(old: Resource, inputs: Props): Promise<boolean>;
  /** Outputs as far as they are known beforehand. */
  preview(goal: Goal, old: Resource | undefined): Props | Promise<Props>;
  create(goal: Goal, signal: AbortSignal): Promise<Made>;
  update(goal: Goal, old: Resource, signal: AbortSignal): Promise<Made>;
  delete(old: Resource, signal: AbortSignal): Promise<void>;
}

/** The resource is there, and belongs in the state, but did not become ready. */
export class NotReady extends Error {
  readonly made: Made;

  constructor(message: string, made: Made) {
    super(message);
    this.made = made;
  }
}

/**
 * Asks every 100 ms until the answer is true.
 *
 * @returns False when `seconds` were not enough.
 */
export async function poll(
  seconds: number,
  signal: AbortSignal,
  check: () => Promise<boolean>,
): Promise<boolean> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await check())) {
    if (performance.now() > deadline) return false;
    await sleep(100);
    signal.throwIfAborted();
  }
  return true;
}
