/** Pure: what the next `pulumi up` does. */
import { listed } from "../input/problems.ts";
import type { Outcome, Skipped, WaveReport } from "./types.ts";

/**
 * What the next `pulumi up` does, one sentence each.
 *
 * Source: docs/recover.md. The engine goes on where it was: what has ended it leaves as it is, a rollout that it gave up
 * is waited for again, and a wave is touched only when the one before is proved.
 */
export function nextSteps(
  outcome: Outcome,
  waves: readonly Pick<WaveReport, "daemonSet" | "state">[],
  skipped: readonly Skipped[],
): string[] {
  if (outcome === "succeeded") {
    const held = skipped.filter(({ what }) => what.startsWith("pool "));
    return held.length === 0
      ? []
      : [`With a smaller pause it goes on with ${listed(held.map(({ what }) => what))}.`];
  }
  const named = (...states: readonly WaveReport["state"][]) =>
    waves.filter(({ state }) => states.includes(state)).map(({ daemonSet }) => daemonSet);
  const [ended, halted, waiting] = [
    named("unchanged", "proved", "done"),
    named("running", "failed"),
    named("waiting"),
  ];
  const first = outcome === "running" ? "As long as it is under way, another one is refused. " : "";
  return [
    ...(halted.length === 0
      ? []
      : [
          `${first}It goes on with DaemonSet ${listed(halted)} as it stands: pods that are new and ready stay, the others ` +
            "are waited for, and every node is proved.",
        ]),
    ...(waiting.length === 0
      ? []
      : [
          halted.length === 0
            ? `It begins with DaemonSet ${listed(waiting)}, of which nothing was changed.`
            : `Only when that is proved does it touch DaemonSet ${listed(waiting)}.`,
        ]),
    ...(ended.length === 0 ? [] : [`It leaves DaemonSet ${listed(ended)} as it is.`]),
  ];
}
