/** Pure: what a user gave, completed by what the cluster says. */
import type * as v from "valibot";
import { checkArgs } from "./args.ts";
import { clusterSettings } from "./facts/clusterSettings.ts";
import type { ClusterFacts } from "./facts/facts.ts";
import type { Problem } from "./input/problems.ts";
import { type ClusterKey, type ClusterSettings, isClusterKey } from "./kubeadm/clusterConfiguration.ts";
import type { Plain } from "./plan/plan.ts";
import { withRunningVersion } from "./plan/runningVersion.ts";
import { pauseAccepted } from "./stackValues.ts";

/** What a user gave, and where. */
export interface Given {
  /** All values, those of {@link own} among them. */
  readonly all: Plain & { readonly pause?: number };
  /** The values that are arguments of KubeProxy, not the choice of a cluster. */
  readonly own: Plain;
  /** Every key and what it accepts. */
  readonly shape: v.ObjectEntries;
  /** Where a user sets what the cluster does not say, for an error: `the stack's config`. */
  readonly where: string;
}

/** The arguments as far as they are the user's and the cluster's. */
export interface Complete {
  readonly plain: Plain;
  /** The cluster's own settings; undefined where nothing is known of it. */
  readonly cluster: ClusterSettings | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Has what the user leaves out come from the cluster, and finds every mistake in what both say.
 *
 * @param facts - of the cluster; undefined where it has not answered
 */
export function completeArgs({ all, own, shape, where }: Given, facts: ClusterFacts | undefined): Complete {
  const cluster = facts && withRunningVersion(clusterSettings(facts), facts, own.restart);
  const plain = { ...cluster?.settings, ...own };
  const problems = [
    ...(cluster?.problems ?? []),
    ...checkArgs(shape, { ...cluster?.settings, ...all }, facts).flatMap((problem) =>
      isClusterKey(problem.path) && !(problem.path in own) ? ofCluster(problem, cluster, where) : problem,
    ),
    ...checkPause(all.pause, own.pools),
  ];
  return { plain, cluster, problems };
}

/** A problem of a setting that the user leaves to the cluster. */
function ofCluster(
  { path, ...problem }: Problem,
  cluster: ClusterSettings | undefined,
  where: string,
): Problem[] {
  if (cluster === undefined) {
    // It may well say so.
    return [];
  }
  const source = cluster.sources[path as ClusterKey];
  const named = source === undefined ? "" : ` in ${source}`;
  const lack = source === undefined ? `; the cluster does not say, so set it in ${where}` : "";
  return [{ ...problem, path: `${path}${named}`, accepted: `${problem.accepted}${lack}` }];
}

function checkPause(pause: unknown, pools: unknown): Problem[] {
  const count = Array.isArray(pools) ? pools.length : 0;
  return typeof pause === "number" && pause > 0 && pause >= count
    ? [{ path: "pause", value: pause, accepted: pauseAccepted }]
    : [];
}

/**
 * A problem without its value when the value is a secret.
 *
 * @param isSecret - whether a key has a secret
 */
export function redact(problem: Problem, isSecret: (key: string) => boolean): Problem {
  const { path, value, accepted } = problem;
  const key = path.split(/[.[]/)[0] ?? path;
  return value !== undefined && isSecret(key)
    ? { path, accepted: `the secret value is not accepted; accepted: ${accepted}` }
    : problem;
}
