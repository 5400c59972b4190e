import type { KubeConfig } from "@kubernetes/client-node";
import { forEachConcurrently } from "./concurrency.ts";
import { diagnose, type Finding } from "./diagnosis.ts";
import { readFleetInTime } from "./fleet.ts";
import { metricsPortOf, probe, probeConcurrency } from "./probe.ts";
import type { Probed } from "./types.ts";

/** What {@link examine} looks at. */
export interface ExamineOptions {
  /** Name of the DaemonSet in `kube-system`. Default: `kube-proxy`. */
  readonly daemonSet?: string | undefined;
  /** Only these nodes, by name. Default: every node that the DaemonSet selects. */
  readonly nodes?: readonly string[] | undefined;
  /** Milliseconds after which what has not answered counts as silent. */
  readonly deadlineMs: number;
}

/** Result of {@link examine}. */
export interface Diagnosis {
  readonly daemonSet: string;
  /** Whether no node is an outlier, and at least one is healthy. */
  readonly ok: boolean;
  /** Numbers of nodes by verdict. */
  readonly healthy: number;
  readonly outliers: number;
  readonly excluded: number;
  /** Outliers first, then excluded nodes. */
  readonly nodes: readonly Finding[];
}

/**
 * Asks every node's kube-proxy once and compares them with each other, see {@link diagnose}.
 *
 * @param config - the cluster, see `loadCluster`
 * @throws Error when the cluster cannot be read: no such DaemonSet, no rights, no answer
 */
export async function examine(config: KubeConfig, options: ExamineOptions): Promise<Diagnosis> {
  const deadline = AbortSignal.timeout(options.deadlineMs);
  const daemonSet = options.daemonSet ?? "kube-proxy";
  const fleet = await readFleetInTime(config, { daemonSet, nodes: options.nodes }, deadline);
  const port = metricsPortOf(fleet.configuration);
  const probed = new Map<string, Probed>();
  await forEachConcurrently(fleet.nodes, probeConcurrency, async ({ name, notReady, pods }) => {
    const [pod] = pods;
    if (notReady === undefined && pod?.notReady === undefined && pod !== undefined) {
      probed.set(name, await probe(config, { pod: pod.name, port }, deadline));
    }
  });
  const nodes = diagnose(fleet, probed);
  const count = (wanted: Finding["verdict"]): number =>
    nodes.filter(({ verdict }) => verdict === wanted).length;
  const [healthy, outliers, excluded] = [count("healthy"), count("outlier"), count("excluded")];
  return { daemonSet, ok: outliers === 0 && healthy > 0, healthy, outliers, excluded, nodes };
}
