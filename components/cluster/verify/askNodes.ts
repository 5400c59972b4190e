import type { KubeConfig } from "@kubernetes/client-node";
import { forEachConcurrently } from "../concurrency.ts";
import { syncReasons, type Observation } from "./observation.ts";
import { Line, probeConcurrency } from "./probe.ts";
import type { ServiceCheck } from "./serviceCheck.ts";
import type { Answered, Pod, Probed } from "./types.ts";

/** What {@link askNodes} does with what it learns. */
export interface Questions {
  /** See `metricsPortOf`. */
  readonly port: number;
  /** Gives the check of Services, which includes these kube-proxies, that have answered. */
  readonly openServices: (pods: readonly Pod[]) => Promise<ServiceCheck>;
  /** Takes what a node answered, as soon as it has. */
  readonly onAnswer: (pod: Pod, answered: Answered) => void;
}

/** Lines that are kept while Services are made: each is a connection of the API server, and one of a kubelet. */
const mostKept = 1000;

/**
 * Asks kube-proxies for their metrics, mode and configuration; then, where they have answered, for Services at their
 * nodes; and then for their metrics again. A new Service makes kube-proxy sync. One whose rules somebody has removed
 * finds that out by it and puts them back, and all that remains to be seen is that a sync has failed. When it had synced
 * before, without that, only the first metrics tell.
 */
export async function askNodes(
  config: KubeConfig,
  pods: readonly Pod[],
  { port, openServices, onAnswer }: Questions,
  signal: AbortSignal,
): Promise<void> {
  const observed: { pod: Pod; line: Line; before: Observation }[] = [];
  try {
    await forEachConcurrently(pods, probeConcurrency, async (pod) => {
      const line = new Line(config, { pod: pod.name, port }, signal);
      const before = await line.ask();
      if (typeof before === "string") onAnswer(pod, { probed: before, service: null });
      else observed.push({ pod, line, before });
      if (typeof before === "string" || observed.length > mostKept) line.close();
    });
    if (observed.length === 0) return;
    const services = await openServices(observed.map(({ pod }) => pod));
    await forEachConcurrently(observed, probeConcurrency, async ({ pod, line, before }) => {
      const service = await services.ask(pod, signal);
      const after = await afterServices(line, before);
      line.close();
      onAnswer(pod, { probed: signal.aborted ? before : after, service });
    });
  } finally {
    for (const { line } of observed) line.close();
  }
}

/** Of one that had synced before only its failures count by now; of any other, and of another process, all does. */
async function afterServices(line: Line, before: Observation): Promise<Probed> {
  if (syncReasons(before).length > 0) return await line.ask();
  const metrics = await line.askMetrics();
  if (typeof metrics === "string") return metrics;
  return metrics.processStart === before.processStart
    ? { ...before, failures: metrics.failures }
    : await line.ask();
}
