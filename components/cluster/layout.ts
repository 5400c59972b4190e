import type { KubeConfig } from "@kubernetes/client-node";
import { poolLabel } from "../pools/waves.ts";
import { forEachConcurrently } from "./concurrency.ts";
import { refuseAdopters } from "./controllers.ts";
import { readNodes } from "./facts.ts";
import { Fate, obstaclesAmong, type Orphan, orphanOf, type WantedDaemonSet } from "./handover.ts";
import { waitUntil } from "./wait.ts";
import {
  concurrency,
  controllerOf,
  type DaemonSet,
  deleteAndOrphan,
  deletePod,
  labelPod,
  listDaemonSets,
  listOrphans,
  listPods,
  nameOf,
  type Pod,
} from "./workload.ts";

/** Options of {@link makeRoom}. */
export interface LayoutOptions {
  /** Longest wait for each of the two steps, in milliseconds. */
  readonly timeoutMs: number;
  /** Takes a line for what was changed; none when nothing was. */
  readonly log: (line: string) => void;
}

/**
 * Makes room for the wanted DaemonSets where the cluster has others of this program: pools that were added, renamed, cut
 * anew or dropped. Pulumi would delete those only at the end, beside the new ones.
 *
 * They are deleted and their pods stay, each with the label by which the new DaemonSet of its node adopts it, to replace
 * it in its rolling update. Where everything is as wanted nothing is changed; after an interruption the next run
 * finishes what is left.
 *
 * @param config - the cluster, see `loadCluster`
 * @throws ProblemsError naming each DaemonSet in the way that somebody else made, before anything is changed; for what
 *   does not end in time; for what the API server refuses
 */
export async function makeRoom(
  config: KubeConfig,
  wanted: readonly WantedDaemonSet[],
  options: LayoutOptions,
): Promise<void> {
  await releasePods(config, wanted, options);
  await handOver(config, wanted, options);
}

/** Deletes the DaemonSets in the way, until none is left and no pod belongs to one that is gone. */
async function releasePods(
  config: KubeConfig,
  wanted: readonly WantedDaemonSet[],
  { timeoutMs, log }: LayoutOptions,
): Promise<void> {
  const released = new Set<string>();
  await waitUntil(timeoutMs, async () => {
    const daemonSets = await listDaemonSets(config);
    const obstacles = obstaclesAmong(daemonSets, wanted);
    const toRelease = obstacles.filter(({ metadata }) => !released.has(metadata.uid));
    if (toRelease.length > 0) {
      const names = new Set([...wanted.map(({ daemonSet }) => daemonSet), ...obstacles.map(nameOf)]);
      await refuseAdopters(config, (one) => names.has(nameOf(one)));
    }
    for (const obstacle of toRelease) {
      await deleteAndOrphan(config, obstacle);
      released.add(obstacle.metadata.uid);
      log(`DaemonSet ${nameOf(obstacle)}: deleted; its pods go on`);
    }
    if (obstacles.length > 0) {
      return `DaemonSets that are deleted but not gone: ${obstacles.map(nameOf).join(", ")}`;
    }
    // A pod that the old DaemonSet made last may have missed that it was let go: the garbage collector deletes it. On a
    // node that does not answer it stays as it is, and nothing runs beside it.
    const [pods, nodes] = await Promise.all([listPods(config), readNodes(config)]);
    const silent = new Set(nodes.filter(({ ready }) => ready !== "True").map(({ name }) => name));
    const stale = pods.filter(
      (pod) => belongsToNone(pod, daemonSets) && !silent.has(pod.spec.nodeName ?? ""),
    );
    return stale.length === 0 ? undefined : `pods of deleted DaemonSets: ${stale.map(nameOf).join(", ")}`;
  });
}

function belongsToNone(pod: Pod, daemonSets: readonly DaemonSet[]): boolean {
  const owner = controllerOf(pod);
  return owner?.kind === "DaemonSet" && !daemonSets.some(({ metadata }) => metadata.uid === owner.uid);
}

/** Does what the {@link Fate} of each pod without a DaemonSet is, until there is nothing left to do. */
async function handOver(
  config: KubeConfig,
  wanted: readonly WantedDaemonSet[],
  { timeoutMs, log }: LayoutOptions,
): Promise<void> {
  await waitUntil(timeoutMs, async () => {
    const [pods, nodes] = await Promise.all([listOrphans(config), readNodes(config)]);
    const byName = new Map(nodes.map((node) => [node.name, node]));
    const open = pods
      .map((pod) => orphanOf(pod, byName.get(pod.spec.nodeName ?? ""), wanted))
      .filter(({ fate }) => fate !== Fate.left);
    await forEachConcurrently(open, concurrency, async ({ pod, fate, pool }) => {
      if (fate === Fate.deleted) {
        await deletePod(config, pod);
        log(`Pod ${nameOf(pod)}: deleted; no DaemonSet is for its node ${pod.spec.nodeName ?? "(none yet)"}`);
      } else if (fate === Fate.labelled && pool !== undefined) {
        await labelPod(config, pod, { [poolLabel]: pool });
      }
    });
    logLabels(open, wanted, log);
    return open.length === 0
      ? undefined
      : `pods between two DaemonSets: ${open.map(({ pod }) => nameOf(pod)).join(", ")}`;
  });
}

function logLabels(
  orphans: readonly Orphan[],
  wanted: readonly WantedDaemonSet[],
  log: (line: string) => void,
): void {
  for (const { pool } of wanted) {
    const labelled = orphans.filter((orphan) => orphan.fate === Fate.labelled && orphan.pool === pool);
    if (labelled.length > 0) {
      log(`Pool ${pool ?? ""}: ${labelled.length} pods handed over`);
    }
  }
}
