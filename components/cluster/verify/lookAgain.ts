import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { listed, ProblemsError } from "../../input/problems.ts";
import { failuresAllowed } from "../../pools/budget.ts";
import { budgetIn, fallenSince, readBaselines } from "./baseline.ts";
import { readFleetInTime } from "./fleet.ts";
import { isMissing } from "./prepare.ts";
import type { Baseline } from "./types.ts";

/** How long a wave counts as one of the same change, in milliseconds: nodes die for other reasons, too. */
const sameChangeMs = 24 * 3_600_000;

/** Longest wait for nodes to be well again, in milliseconds, such as for a pod that is between two others. */
const patienceMs = 30_000;

const pauseMs = 1000;

/**
 * Looks once more at the nodes of the waves before, when the next wave is about to begin: one may have died of its new
 * kube-proxy after its proof.
 *
 * @param text - with the baselines that were taken before the earlier waves, and how many of their nodes may fail; a
 *   baseline that is older than a day is of another change
 * @throws ProblemsError naming every DaemonSet whose nodes are not well
 */
export async function lookAgain(config: KubeConfig, text: string, waitMs = patienceMs): Promise<void> {
  const recent = readBaselines(text).filter(({ at }) => Date.now() - Date.parse(at) < sameChangeMs);
  const deadline = Date.now() + waitMs;
  for (;;) {
    const problems = (
      await Promise.all(recent.map((one) => problemOf(config, one, budgetIn(text, one.daemonSet))))
    ).flat();
    if (problems.length === 0) return;
    if (Date.now() > deadline) {
      throw new ProblemsError("the waves before; this one was not begun", problems);
    }
    await sleep(pauseMs);
  }
}

async function problemOf(config: KubeConfig, baseline: Baseline, maxFailed: string | undefined) {
  const { daemonSet } = baseline;
  const choice = { daemonSet, nodes: undefined };
  const fleet = await readFleetInTime(config, choice, AbortSignal.timeout(patienceMs)).catch(
    (error: unknown) => {
      // It has made room for other pools since.
      if (isMissing(error)) return undefined;
      throw error;
    },
  );
  const fallen = fallenSince(baseline, fleet?.nodes ?? []);
  if (fallen.length <= failuresAllowed(maxFailed, fleet?.nodes.length ?? 0)) return [];
  const told = fallen.map(({ node, reasons: [reason] }) => `${node} (${reason ?? ""})`);
  return [
    {
      path: `DaemonSet kube-system/${daemonSet}`,
      accepted:
        `was changed at ${baseline.at} and proved, but not all of its nodes are well any more: ${listed(told)}. ` +
        "Find out why before more nodes get this kube-proxy; what is well again, or gone from the cluster " +
        "(kubectl delete node), lets the next pulumi up go on",
    },
  ];
}
