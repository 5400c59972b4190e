import type { ClusterFacts, DaemonSetFacts } from "./facts.ts";
import { layoutAnnotation, type Wave } from "./pools/waves.ts";
import { Action, type Intent, type WaveIntent } from "./preflight/intent.ts";
import { restartAnnotation, RestartStrategy, templateHashAnnotation } from "./restart.ts";
import { unavailableNodes } from "./timeouts.ts";

/** What the program intends with its waves. */
export interface Plan {
  /** How restarts take the pods down. */
  readonly strategy: RestartStrategy;
  /** All of them, in their order. */
  readonly waves: readonly Wave[];
  /** Names of pools that stay as they are. */
  readonly held: readonly string[];
  /** How long each wave is waited for, as Go durations. */
  readonly waits: readonly string[];
}

/** What the coming `up` does to the pods, in sentences. */
export interface Forecast {
  readonly lines: readonly string[];
  /** What a user may not expect. */
  readonly warnings: readonly string[];
}

/**
 * Says what the coming `up` does to kube-proxy's pods.
 *
 * Whether pods outlive their DaemonSet is decided by what the state has of it, which the cluster's own object shows.
 *
 * @param intent - what it does to each wave, see `intentOf`
 * @param plan - what the program intends with them
 * @param facts - of the cluster
 */
export function forecast(intent: Intent, plan: Plan, facts: ClusterFacts): Forecast {
  const each = intent.waves.map((wave) => forecastWave(wave, plan.strategy, plan.waits[wave.index]));
  const layouts = plan.waves.map(({ daemonSet: { metadata } }) => {
    return [metadata.name, metadata.annotations?.[layoutAnnotation]] as const;
  });
  const moved = inTheWay(new Map(layouts), facts).map(({ name }) => name);
  return {
    lines: [
      ...(moved.length === 0
        ? []
        : [`Pods of ${moved.join(", ")} change hands: each runs until its new DaemonSet replaces it.`]),
      ...each.flatMap(({ lines }) => lines),
      ...plan.held.map((pool) => `Pool ${pool} stays as it is: this update pauses before it.`),
    ],
    warnings: each.flatMap(({ warnings }) => warnings),
  };
}

/** Whether a DaemonSet in the cluster is what the program wants, pods included. */
export function isDone({ daemonSet: { metadata } }: Wave, facts: ClusterFacts): boolean {
  const live = facts.daemonSets.find(({ name }) => name === metadata.name);
  return [templateHashAnnotation, restartAnnotation, layoutAnnotation].every(
    (annotation) => live !== undefined && live.annotations[annotation] === metadata.annotations?.[annotation],
  );
}

/**
 * DaemonSets of this program in the cluster that are not among the wanted ones, so that their pods change hands.
 *
 * @param layouts - names of the wanted ones, each with its `layoutAnnotation`
 */
export function inTheWay(
  layouts: ReadonlyMap<string, string | undefined>,
  { daemonSets }: ClusterFacts,
): DaemonSetFacts[] {
  return daemonSets.filter(
    ({ name, annotations }) =>
      restartAnnotation in annotations &&
      (!layouts.has(name) || layouts.get(name) !== annotations[layoutAnnotation]),
  );
}

function forecastWave(
  { wave, action, nodes, live, outlives }: WaveIntent,
  strategy: RestartStrategy,
  wait: string | undefined,
): Forecast {
  const { metadata, spec } = wave.daemonSet;
  const what = `DaemonSet ${metadata.name}`;
  const bound = spec.updateStrategy.rollingUpdate?.maxUnavailable;
  const limit = wait === undefined ? "" : `; waits up to ${wait}`;
  const atATime = `at most ${unavailableNodes(bound, nodes.length)} of ${count(nodes.length, "node")} at a time`;
  const result = (line: string, warnings: string[] = []): Forecast => ({
    lines: [`${what} ${line}${limit}.`],
    warnings,
  });
  switch (action) {
    case Action.create:
      return result(`is created for ${count(nodes.length, "node")}`);
    case Action.takeOver:
      return result(`takes over and replaces the pods of its nodes, ${atATime}`);
    case Action.restart: {
      const way = outlives
        ? atATime
        : `all ${count(live?.desired ?? 0, "pod")} deleted at once, then made anew`;
      return result(`is restarted, ${way}`, strategyWarnings(what, strategy, outlives));
    }
    case Action.change:
      return result(`is changed in place, ${atATime}`);
    default:
      return { lines: [], warnings: [] };
  }
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

function strategyWarnings(what: string, strategy: RestartStrategy, outlives: boolean): string[] {
  if (strategy === RestartStrategy.Rolling && !outlives) {
    return [
      `restartStrategy is Rolling, but ${what} was made without it, and a deletion goes by that: this restart takes ` +
        "all its pods down at once. To roll, run `pulumi up` with the old token first, then with the new one.",
    ];
  }
  return strategy === RestartStrategy.Recreate && outlives
    ? [
        `restartStrategy is Recreate, but ${what} was made under Rolling, and a deletion goes by that: this restart ` +
          "still rolls, the next one recreates.",
      ]
    : [];
}
