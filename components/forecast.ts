import { selects } from "./cluster/verify/selection.ts";
import type { TakeOver } from "./adoption/takeOver.ts";
import { changesOf } from "./changes.ts";
import { configMapOf, driftOf, isDeclared, isOverwritten, liveOf } from "./drift.ts";
import type { ClusterFacts, DaemonSetFacts, NodeFacts } from "./facts.ts";
import { isKubeadms } from "./kubeadm/overwriting.ts";
import { parseVersion } from "./kubeadm/version.ts";
import { confirmationProblem, switchOf, whyConfirm } from "./modes.ts";
import { layoutAnnotation, type Wave } from "./pools/waves.ts";
import { listed, type Problem } from "./problems.ts";
import {
  deletionPolicyAnnotation,
  restartAnnotation,
  RestartStrategy,
  templateHashAnnotation,
} from "./restart.ts";
import { unavailableNodes } from "./timeouts.ts";

/** What the program intends with its waves. */
export interface Plan {
  /** How restarts take the pods down. */
  readonly strategy: RestartStrategy;
  /** Names of pools that stay as they are. */
  readonly held: readonly string[];
  /** How long each wave is waited for, as Go durations. */
  readonly waits: readonly string[];
  /** What is taken over from the cluster. */
  readonly takeOver?: TakeOver | undefined;
  /** Whether something of it is a secret, so that no value is told. */
  readonly secret?: boolean;
  /** Whose kube-proxy it is. */
  readonly kubernetesVersion: string;
  /** The switch between modes that the user has confirmed. */
  readonly confirmed?: string | undefined;
}

/** What the coming `up` does to the pods, in sentences. */
export interface Forecast {
  readonly lines: readonly string[];
  /** What a user may not expect. */
  readonly warnings: readonly string[];
  /** What has to be mended first. */
  readonly problems: readonly Problem[];
}

/**
 * Says what the coming `up` does to kube-proxy's pods.
 *
 * Whether pods outlive their DaemonSet is decided by what the state has of it, which the cluster's own object shows.
 *
 * @param waves - as the program wants them, see `withRestart`
 * @param plan - what the program intends with them
 * @param facts - of the cluster
 */
export function forecast(waves: readonly Wave[], plan: Plan, facts: ClusterFacts): Forecast {
  const each = waves.flatMap((wave, index) =>
    plan.held.includes(wave.pool ?? "")
      ? []
      : [forecastSwitch(wave, plan, facts), forecastWave(wave, plan, facts, plan.waits[index])],
  );
  const layouts = waves.map(({ daemonSet: { metadata } }) => {
    return [metadata.name, metadata.annotations?.[layoutAnnotation]] as const;
  });
  const moved = inTheWay(new Map(layouts), facts).map(({ name }) => name);
  return {
    lines: [
      ...(moved.length === 0
        ? []
        : [`Pods of ${moved.join(", ")} change hands: each runs until its new DaemonSet replaces it.`]),
      ...abandoned(waves, facts),
      ...each.flatMap(({ lines }) => lines),
      ...plan.held.map((pool) => `Pool ${pool} stays as it is: this update pauses before it.`),
    ],
    warnings: each.flatMap(({ warnings }) => warnings),
    problems: [...emptyPools(waves, facts), ...each.flatMap(({ problems }) => problems)],
  };
}

/** Whether a DaemonSet in the cluster is what the program wants, pods included. */
export function isDone(wave: Wave, facts: ClusterFacts): boolean {
  const live = liveOf(wave, facts);
  return live !== undefined && isDeclared(wave, live) && driftOf(wave, facts) === undefined;
}

/**
 * DaemonSets in the cluster that are not among the wanted ones, so that their pods change hands: this program's, and the
 * one that kubeadm makes beside those of pools.
 *
 * @param layouts - names of the wanted ones, each with its `layoutAnnotation`
 */
export function inTheWay(
  layouts: ReadonlyMap<string, string | undefined>,
  { daemonSets }: ClusterFacts,
): DaemonSetFacts[] {
  const hasPools = daemonSets.some(({ annotations }) => layoutAnnotation in annotations);
  return daemonSets.filter(({ name, annotations, managers }) =>
    restartAnnotation in annotations
      ? !layouts.has(name) || layouts.get(name) !== annotations[layoutAnnotation]
      : hasPools && !layouts.has(name) && isKubeadms(name, managers),
  );
}

function forecastWave(
  wave: Wave,
  { strategy, takeOver, secret = false }: Plan,
  facts: ClusterFacts,
  wait: string | undefined,
): Forecast {
  const { metadata, spec } = wave.daemonSet;
  const what = `DaemonSet ${metadata.name}`;
  const nodes = facts.nodes.filter((node) => selectedBy(wave, node));
  const bound = spec.updateStrategy.rollingUpdate?.maxUnavailable;
  const limit = wait === undefined ? "" : `; waits up to ${wait}`;
  const atATime = `at most ${unavailableNodes(bound, nodes.length)} of ${count(nodes.length, "node")} at a time`;
  const live = liveOf(wave, facts);
  const drift = driftOf(wave, facts);
  const wanted = metadata.annotations ?? {};
  const differs = (annotation: string) => live?.annotations[annotation] !== wanted[annotation];
  const outlives = live?.annotations[deletionPolicyAnnotation] === "orphan";
  const changes = live === undefined || secret ? [] : changesOf(wave, live, configMapOf(wave, facts));
  const result = (line: string, warnings: string[] = []): Forecast => ({
    lines: [
      `${what} ${line}${limit}.`,
      ...(changes.length === 0 ? [] : [`${what} changes: ${changes.join("; ")}.`]),
    ],
    warnings,
    problems: whyBlocked(wave, nodes),
  });
  if (facts.daemonSets.length === 0) {
    return { ...result(`is created for ${count(nodes.length, "node")}`), problems: [] };
  }
  if (live === undefined || differs(layoutAnnotation)) {
    return result(`takes over and replaces the pods of its nodes, ${atATime}`);
  }
  const pace = `it is changed back in place, ${atATime}`;
  if (!(restartAnnotation in live.annotations) && takeOver !== undefined) {
    return takeOver.keepsPods ? nothing : result(`is changed in place, ${atATime}`);
  }
  if (isOverwritten(live)) {
    return result(`was overwritten by ${writerOf(live)}: ${pace}`);
  }
  if (!(restartAnnotation in live.annotations)) {
    return { ...nothing, warnings: [foreignWarning(what)] };
  }
  if (differs(restartAnnotation)) {
    const way = outlives ? atATime : `all ${count(live.desired, "pod")} deleted at once, then made anew`;
    return result(`is restarted, ${way}`, strategyWarnings(what, strategy, outlives));
  }
  if (differs(templateHashAnnotation)) {
    return result(`is changed in place, ${atATime}`);
  }
  const { fields = [], configMap = false } = drift ?? {};
  if (fields.length > 0) {
    return result(`was changed by ${writerOf(live)} (${listed(fields)}): ${pace}`);
  }
  return { ...nothing, warnings: configMap ? [configMapWarning(wave)] : [] };
}

const nothing: Forecast = { lines: [], warnings: [], problems: [] };

function foreignWarning(what: string): string {
  return (
    `${what} is not this program's: the update ends with \`already exists\`. \`pulumi config set adopt true\` takes it over ` +
    "as it runs."
  );
}

function configMapWarning({ configMap: { metadata } }: Wave): string {
  return (
    `ConfigMap ${metadata.name} was changed by somebody else. It is changed back, but a kube-proxy that has started ` +
    "since runs with what it found: the verification names its node."
  );
}

/** Who has written a DaemonSet last, other than this program. */
function writerOf({ managers }: DaemonSetFacts): string {
  return managers.find((manager) => !manager.startsWith("pulumi-")) ?? "somebody else";
}

/** What is said of helpers that no wave needs. */
function abandoned(waves: readonly Wave[], facts: ClusterFacts): string[] {
  const { length } = facts.helpers;
  return length === 0 || waves.some((wave) => switchOf(wave, facts) !== undefined)
    ? []
    : [`A switch between modes was given up: ${count(length, "helper")} and their rules are removed.`];
}

/** What a wave says of a switch between modes. */
function forecastSwitch(wave: Wave, plan: Plan, facts: ClusterFacts): Forecast {
  const { kubernetesVersion, confirmed, secret = false } = plan;
  const change = switchOf(wave, facts);
  if (change === undefined) {
    return { lines: [], warnings: [], problems: [] };
  }
  const { from, to } = secret ? { from: "the old mode", to: "the new one" } : change;
  const minor = parseVersion(kubernetesVersion)?.minor.minor ?? 0;
  const why = whyConfirm(change, minor);
  const what = `${wave.daemonSet.metadata.name} switches from ${secret ? "" : "mode "}${from} to ${to}`;
  return why === undefined
    ? {
        lines: [
          `${what}, in three steps. Prepare: before anything is changed, a helper on each node makes the rules of ${to} ` +
            `beside those of ${from}, and is verified. Switch: the DaemonSet, as below; each helper ends with the ` +
            `kube-proxy that it stands beside. Clear: what is left of ${from} is removed from every node.`,
        ],
        warnings: [],
        problems: [],
      }
    : { lines: [], warnings: [`${what}: ${why}.`], problems: confirmationProblem(change, minor, confirmed) };
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

function selectedBy({ daemonSet }: Wave, { name, labels, taints }: NodeFacts): boolean {
  return selects(daemonSet.spec.template.spec, { metadata: { name, labels }, spec: { taints } });
}

/**
 * Nodes whose kubelet is gone: a pod there never ends, so that a deletion in the foreground waits for ever; it counts as
 * unavailable, so that with as many of them as `maxUnavailable` no other pod is replaced; and it never is ready, so that
 * the rollout is never done.
 */
function whyBlocked({ pool, daemonSet }: Wave, nodes: readonly NodeFacts[]): Problem[] {
  const dead = nodes.filter(({ ready }) => ready === "Unknown").map(({ name }) => name);
  if (dead.length === 0) {
    return [];
  }
  const bound = daemonSet.spec.updateStrategy.rollingUpdate?.maxUnavailable ?? 1;
  const halts = dead.length >= unavailableNodes(bound, nodes.length);
  return [
    {
      path: pool === undefined ? "the cluster's nodes" : `nodes of pool ${pool}`,
      accepted:
        `the kubelet of ${listed(dead)} does not answer: the rollout would never end` +
        (halts ? `, and with maxUnavailable ${bound} no pod at all would be replaced` : "") +
        "; repair these nodes, or take them out of the cluster with kubectl delete node",
    },
  ];
}

/** A pool without a node: the wave would prove nothing, and the next one follow at once. The last one may wait for nodes. */
function emptyPools(waves: readonly Wave[], { nodes }: ClusterFacts): Problem[] {
  return waves.slice(0, -1).flatMap((wave, index) =>
    nodes.length === 0 || nodes.some((node) => selectedBy(wave, node))
      ? []
      : [
          {
            path: `pools[${index}]`,
            value: wave.pool,
            accepted: "a pool that has a node now: a wave without one proves nothing to the next",
          },
        ],
  );
}
