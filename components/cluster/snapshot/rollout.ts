import { isRecord } from "../../input/record.ts";

/** How far a DaemonSet's rollout is. */
export interface Rollout {
  readonly isDone: boolean;
  /** Numbers of pods, for people. */
  readonly text: string;
}

/**
 * How far a DaemonSet's rollout is: done when the controller has seen the latest change and every pod is up to date and
 * available, but for those on nodes that do not answer. With `updateStrategy: OnDelete` the controller replaces no pod,
 * so that only availability counts.
 *
 * @param daemonSet - a DaemonSet as the API server gives it; undefined when it is gone
 * @param silent - how many of its nodes are not Ready
 *
 * Source: kubectl's `DaemonSetStatusViewer`, which waits for those nodes, too.
 */
export function rolloutOf(daemonSet: unknown, silent = 0): Rollout {
  const { metadata, spec, status } = record(daemonSet);
  const wanted = count(status, "desiredNumberScheduled");
  const needed = wanted - silent;
  const updated = count(status, "updatedNumberScheduled");
  const available = count(status, "numberAvailable");
  const isSeen = isRecord(status) && count(status, "observedGeneration") >= count(metadata, "generation");
  const waitsForUpdate = record(record(spec)["updateStrategy"])["type"] !== "OnDelete";
  return {
    isDone: isSeen && (updated >= needed || !waitsForUpdate) && available >= needed,
    text: `of ${wanted} pods ${updated} are up to date and ${available} available${notReady(silent)}`,
  };
}

function notReady(silent: number): string {
  return silent === 0 ? "" : `; nodes that are not Ready: ${silent}`;
}

function count(of: unknown, field: string): number {
  return Number(record(of)[field] ?? 0);
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
