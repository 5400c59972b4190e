import { randomUUID } from "node:crypto";
import type { KubeConfig } from "@kubernetes/client-node";
import { deadlineIn } from "../deadline.ts";
import { type AdvisoryFound, advisoriesOf } from "./advisories.ts";
import { askNodes } from "./askNodes.ts";
import { diagnose, type Finding } from "./diagnosis.ts";
import { readFleetInTime } from "./fleet.ts";
import { listHelpers } from "../workload.ts";
import { metricsPortOf } from "./probe.ts";
import { readyPods, ServiceCheck } from "./serviceCheck.ts";
import { withTestServices } from "./testServiceRemoval.ts";
import type { Answered, Pod } from "./types.ts";

/** What {@link examine} looks at. */
export interface ExamineOptions {
  /** Name of the DaemonSet in `kube-system`. Default: `kube-proxy`. */
  readonly daemonSet?: string | undefined;
  /** Only these nodes, by name. Default: every node that the DaemonSet selects. */
  readonly nodes?: readonly string[] | undefined;
  /** Milliseconds after which what has not answered counts as silent. */
  readonly deadlineMs: number;
  /** Ends it early: the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
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
  /** Pods that a switch between modes has on these nodes, as `POD on NODE`: it goes on, or was left in the middle. */
  readonly helpers: readonly string[];
  /** What is known of the versions and systems that run there, be the node healthy or not. */
  readonly advisories: readonly AdvisoryFound[];
}

/**
 * Asks every node's kube-proxy once, and for a new Service there, and compares them with each other, see
 * {@link diagnose} and {@link ServiceCheck}.
 *
 * @param config - the cluster, see `loadCluster`
 * @throws Error when the cluster cannot be read: no such DaemonSet, no rights, no answer
 */
export async function examine(config: KubeConfig, options: ExamineOptions): Promise<Diagnosis> {
  const { deadlineMs, signal } = options;
  const deadline = deadlineIn(deadlineMs, signal);
  const daemonSet = options.daemonSet ?? "kube-proxy";
  const fleet = await readFleetInTime(config, { daemonSet, nodes: options.nodes }, deadline);
  const theirs = new Set(fleet.nodes.map(({ name }) => name));
  const helpers = (await listHelpers(config, deadline))
    .filter(({ spec }) => theirs.has(spec.nodeName ?? ""))
    .map(({ metadata, spec }) => `${metadata.name} on ${spec.nodeName ?? ""}`)
    .sort();
  const port = metricsPortOf(fleet.configuration);
  const answers = new Map<string, Answered>();
  const { configuration } = fleet;
  const id = randomUUID();
  const lifetimeMs = 2 * deadlineMs;
  let mayHaveSome = false;
  const openServices = async (pods: readonly Pod[]) => {
    mayHaveSome = true;
    const check = new ServiceCheck(config, { configuration, id, lifetimeMs });
    await check.include(pods, deadline);
    return check;
  };
  const onAnswer = ({ node }: Pod, answered: Answered) => answers.set(node, answered);
  const use = { id, mayHaveSome: () => mayHaveSome, isInHaste: () => deadline.aborted };
  await withTestServices(config, use, async () => {
    await askNodes(config, readyPods(fleet), { port, openServices, onAnswer }, deadline);
    signal?.throwIfAborted();
  });
  const nodes = diagnose(fleet, answers);
  const count = (wanted: Finding["verdict"]): number =>
    nodes.filter(({ verdict }) => verdict === wanted).length;
  const [healthy, outliers, excluded] = [count("healthy"), count("outlier"), count("excluded")];
  return {
    daemonSet,
    ok: outliers === 0 && healthy > 0,
    healthy,
    outliers,
    excluded,
    nodes,
    helpers,
    advisories: advisoriesOf(fleet, answers),
  };
}
