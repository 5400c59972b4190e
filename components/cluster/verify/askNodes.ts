import type { KubeConfig } from "@kubernetes/client-node";
import { forEachConcurrently } from "./concurrency.ts";
import { probe, probeConcurrency } from "./probe.ts";
import type { ServiceCheck } from "./serviceCheck.ts";
import type { Answered, Pod, Probed } from "./types.ts";

/** What {@link askNodes} does with what it learns. */
export interface Questions {
  /** See `metricsPortOf`. */
  readonly port: number;
  /** Gives the check of Services, which may make them now. */
  readonly openServices: () => Promise<ServiceCheck>;
  /** Takes what a node answered, as soon as it has. */
  readonly onAnswer: (pod: Pod, answered: Answered) => void;
}

/**
 * Asks kube-proxies for their metrics, mode and configuration, then for Services at their nodes. In this order: a new
 * Service makes kube-proxy sync, and the metrics are to show its syncs without that.
 *
 * Afterwards their failures are asked for once more. A kube-proxy whose rules somebody has removed finds that out, and
 * puts them back, when it syncs; all that remains to be seen then is that a sync has failed.
 */
export async function askNodes(
  config: KubeConfig,
  pods: readonly Pod[],
  { port, openServices, onAnswer }: Questions,
  signal: AbortSignal,
): Promise<void> {
  if (pods.length === 0) return;
  const first = new Map<Pod, Probed>();
  await forEachConcurrently(pods, probeConcurrency, async (pod) => {
    first.set(pod, await probe(config, { pod: pod.name, port }, signal));
  });
  const services = await openServices();
  await forEachConcurrently(pods, probeConcurrency, async (pod) => {
    const before = first.get(pod) ?? "it was not asked";
    const service = await services.ask(pod, signal);
    if (typeof before === "string" || service.verdict !== "answers") {
      onAnswer(pod, { probed: before, service });
      return;
    }
    const after = await probe(config, { pod: pod.name, port }, signal);
    onAnswer(pod, {
      probed: typeof after === "string" ? after : { ...before, failures: after.failures },
      service,
    });
  });
}
