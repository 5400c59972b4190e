import type { KubeConfig } from "@kubernetes/client-node";
import { forEachConcurrently } from "../concurrency.ts";
import { syncReasons, type Observation } from "./observation.ts";
import { probe, probeConcurrency } from "./probe.ts";
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
  const observed: { pod: Pod; before: Observation }[] = [];
  await forEachConcurrently(pods, probeConcurrency, async (pod) => {
    const before = await probe(config, { pod: pod.name, port }, signal);
    if (typeof before === "string") onAnswer(pod, { probed: before, service: null });
    else observed.push({ pod, before });
  });
  if (observed.length === 0) return;
  const services = await openServices(observed.map(({ pod }) => pod));
  await forEachConcurrently(observed, probeConcurrency, async ({ pod, before }) => {
    const service = await services.ask(pod, signal);
    const after = await probe(config, { pod: pod.name, port }, signal);
    onAnswer(pod, { probed: signal.aborted ? before : merged(before, after), service });
  });
}

function merged(before: Observation, after: Probed): Probed {
  const isAlone = typeof after === "string" || syncReasons(before).length > 0;
  return isAlone ? after : { ...before, failures: after.failures };
}
