import { isRecord } from "../../configuration/values.ts";

/** How far a DaemonSet's rollout is. */
export interface Rollout {
  readonly isDone: boolean;
  /** Numbers of pods, for people. */
  readonly text: string;
}

/**
 * How far a DaemonSet's rollout is: done when the controller has seen the latest change and every pod is up to date and
 * available. With `updateStrategy: OnDelete` the controller replaces no pod, so that only availability counts.
 *
 * @param daemonSet - a DaemonSet as the API server gives it; undefined when it is gone
 *
 * Source: kubectl's `DaemonSetStatusViewer`.
 */
export function rolloutOf(daemonSet: unknown): Rollout {
  const { metadata, spec, status } = record(daemonSet);
  const wanted = count(status, "desiredNumberScheduled");
  const updated = count(status, "updatedNumberScheduled");
  const available = count(status, "numberAvailable");
  const isSeen = isRecord(status) && count(status, "observedGeneration") >= count(metadata, "generation");
  const waitsForUpdate = record(record(spec)["updateStrategy"])["type"] !== "OnDelete";
  return {
    isDone: isSeen && (updated >= wanted || !waitsForUpdate) && available >= wanted,
    text: `of ${wanted} pods ${updated} are up to date and ${available} available`,
  };
}

function count(of: unknown, field: string): number {
  return Number(record(of)[field] ?? 0);
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
