import type { ClusterFacts } from "../facts/facts.ts";
import { Action, type Intent } from "../plan/intent.ts";

/** How much a finding weighs. */
export const Severity = {
  /** Refuses the preview and the update. */
  error: "error",
  warning: "warning",
} as const;
export type Severity = (typeof Severity)[keyof typeof Severity];

/** Something that a check has found. */
export interface Finding {
  /** What it is about, such as `Node node-7`. */
  readonly object: string;
  /** What is wrong with it, as part of a sentence. */
  readonly wrong: string;
  /** What to do, as part of a sentence. */
  readonly remedy: string;
  /** Where it weighs less than the check's findings do in general. */
  readonly severity?: Severity;
}

/** Looks at a cluster before an `up`. */
export interface Check {
  /** Stable: users turn it off by this name. */
  readonly name: string;
  /** Names of the facts without which it cannot be done. */
  readonly needs: readonly (keyof ClusterFacts)[];
  readonly severity: (intent: Intent) => Severity;
  /** Whether its findings tell values of arguments, one of which may be a secret. Default false. */
  readonly tellsValues?: boolean;
  readonly find: (facts: ClusterFacts, intent: Intent) => readonly Finding[];
}

/** Severity of what is wrong in any case. */
export const always = (): Severity => Severity.error;

/** Severity of what a user may want so. */
export const never = (): Severity => Severity.warning;

/** Severity of what keeps new pods from running: as long as none is made, it is only about to go wrong. */
export const whenPodsStart = ({ waves }: Intent): Severity =>
  waves.some(({ action }) => action !== Action.none) ? Severity.error : Severity.warning;

/** Severity of what comes with a change: a restart, which an incident may need at once, makes it no worse than it was. */
export const whenChanged = ({ waves }: Intent): Severity =>
  waves.some(({ action }) => !asItWas.includes(action)) ? Severity.error : Severity.warning;

const asItWas: readonly Action[] = [Action.none, Action.restart, Action.repair];
