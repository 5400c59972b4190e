import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { forEachConcurrently } from "./concurrency.ts";
import { parseConfiguration, readFleetInTime } from "./fleet.ts";
import { judgeAnswers, judgeFromCluster, reportOf, standardOf, type Standard } from "./judge.ts";
import { metricsPortOf, probe, probeConcurrency } from "./probe.ts";
import type { Expectation, Fleet, NodeResult, Report } from "./types.ts";

/** Pause between two rounds, in milliseconds. */
const pauseMs = 1000;

/** How long {@link verify} tries. */
export interface VerifyOptions {
  /** Milliseconds after which what has not passed has failed. */
  readonly deadlineMs: number;
  /** Ends it early: the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Proves that kube-proxy runs on every node as it is meant to: the pod's revision and restart token, the start of its
 * process, its first sync of rules, no failures, its mode and the configuration it has loaded.
 *
 * It asks again and again until every node has passed or the deadline has; a node that has passed is not asked again.
 * NotReady nodes are listed and left out: nobody can answer there.
 *
 * @param config - the cluster, see `loadCluster`
 * @throws Error when the first look at the cluster fails (no such DaemonSet, no rights, no answer), or when
 *   `expectation.configuration` is no YAML object
 */
export async function verify(
  config: KubeConfig,
  expectation: Expectation,
  { deadlineMs, signal }: VerifyOptions,
): Promise<Report> {
  const began = Date.now();
  const deadline = AbortSignal.timeout(deadlineMs);
  const stop = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
  const declared =
    expectation.configuration === undefined
      ? undefined
      : parseConfiguration(expectation.configuration, "the declared configuration");
  const daemonSet = expectation.daemonSet ?? "kube-proxy";

  const latest = new Map<string, NodeResult>();
  let revision: string | undefined;
  let report: Report | undefined;
  for (;;) {
    const fleet = await readFleetInTime(config, { daemonSet, nodes: expectation.nodes }, stop)
      // A short absence of the API server must not undo what was proved; a wrong choice of cluster shows at once.
      .catch((error: unknown) => {
        if (report === undefined) throw error;
      });
    signal?.throwIfAborted();
    if (fleet !== undefined) {
      // Somebody has changed the DaemonSet meanwhile: what was proved is of the past.
      if (fleet.revision !== revision) latest.clear();
      revision = fleet.revision;
      const results = await askAll(config, fleet, standardOf(expectation, declared, fleet), latest, stop);
      report = reportOf(daemonSet, results, Date.now() - began);
    }
    if (report?.failed === 0) return report;
    await sleep(pauseMs, undefined, { signal: stop }).catch(() => undefined);
    signal?.throwIfAborted();
    if (deadline.aborted && report) return { ...report, seconds: (Date.now() - began) / 1000 };
  }
}

/** One round; keeps the result of each node in `latest`. */
async function askAll(
  config: KubeConfig,
  fleet: Fleet,
  standard: Standard,
  latest: Map<string, NodeResult>,
  stop: AbortSignal,
): Promise<NodeResult[]> {
  const port = metricsPortOf(standard.configuration);
  await forEachConcurrently(fleet.nodes, probeConcurrency, async (node) => {
    const known = judgeFromCluster(node, standard);
    const before = latest.get(node.name);
    const pod = node.pods[0]?.name ?? "";
    if (known !== undefined) {
      latest.set(node.name, known);
    } else if (before?.verdict !== "verified" || before.pod !== pod) {
      const probed = await probe(config, { pod, port }, stop);
      // An answer that the deadline has cut off says less than the one before.
      if (!stop.aborted || before === undefined) latest.set(node.name, judgeAnswers(node, probed, standard));
    }
  });
  return fleet.nodes.flatMap(({ name }) => latest.get(name) ?? []);
}
