import type { ClusterFacts, DaemonSetFacts } from "../facts/facts.ts";
import { listed, type Problem } from "../input/problems.ts";
import { isKubeadms } from "../kubeadm/overwriting.ts";
import { parseVersion } from "../kubeadm/version.ts";
import { layoutAnnotation, type Wave } from "../pools/waves.ts";
import { ownerAnnotation, reclaimCommand, restartAnnotation, RestartStrategy } from "../restart/restart.ts";
import { controllerRate, handoverSeconds, unavailableNodes, type Wait } from "../restart/timeouts.ts";
import { changesOf } from "./changes.ts";
import { addedTo, driftOf, isDeclared, isOfPods, isOverwritten, liveOf, mountedOf } from "./drift.ts";
import { lossOf, mountOf } from "./immutable.ts";
import { Action, type Intent, type WaveIntent } from "./intent.ts";
import {
  confirmationProblem,
  describeSwitch,
  leavingProblems,
  remarksOf,
  switchOf,
  whyConfirm,
} from "./modeSwitch.ts";

/** What the program intends with its waves. */
export interface Plan {
  /** How restarts take the pods down. */
  readonly strategy: RestartStrategy;
  /** All of them, in their order. */
  readonly waves: readonly Wave[];
  /** Names of pools that stay as they are. */
  readonly held: readonly string[];
  /** How long each wave is waited for. */
  readonly waits: readonly Wait[];
  /** The switch between modes that the user has confirmed. */
  readonly confirmed?: string | undefined;
}

/** What the coming `up` does to the pods, in sentences. */
export interface Forecast {
  readonly lines: readonly string[];
  /** What a user may not expect. */
  readonly warnings: readonly string[];
  /** What has to be confirmed first. */
  readonly problems: readonly Problem[];
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
  const each = intent.waves.flatMap((wave) => [
    forecastSwitch(wave, intent, plan, facts),
    forecastWave(wave, intent, plan, facts),
  ]);
  const layouts = plan.waves.map(({ daemonSet: { metadata } }) => {
    return [metadata.name, metadata.annotations?.[layoutAnnotation]] as const;
  });
  const moved = inTheWay(new Map(layouts), facts).map(({ name }) => name);
  return {
    lines: [
      ...(moved.length === 0
        ? []
        : [`Pods of ${moved.join(", ")} change hands: each runs until its new DaemonSet replaces it.`]),
      ...abandoned(plan.waves, facts),
      ...each.flatMap(({ lines }) => lines),
      ...plan.held.map((pool) => `Pool ${pool} stays as it is: this update pauses before it.`),
    ],
    warnings: each.flatMap(({ warnings }) => warnings),
    problems: [...strangers(plan.waves, facts), ...each.flatMap(({ problems }) => problems)],
  };
}

/** Whether a DaemonSet in the cluster is what the program wants, pods included. */
export function isDone(wave: Wave, facts: ClusterFacts): boolean {
  const live = liveOf(wave, facts);
  return (
    live !== undefined &&
    isDeclared(wave, live) &&
    driftOf(wave, facts) === undefined &&
    lossOf(wave, live, facts) === undefined
  );
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
  { wave, index, action, nodes, live, outlives }: WaveIntent,
  { secret }: Intent,
  { strategy, waits }: Plan,
  facts: ClusterFacts,
): Forecast {
  const { metadata, spec } = wave.daemonSet;
  const what = `DaemonSet ${metadata.name}`;
  const bound = spec.updateStrategy.rollingUpdate?.maxUnavailable;
  const isInPlace = action === Action.change || action === Action.repair;
  const wait = waits[index]?.[isInPlace ? "update" : "create"];
  const limit = wait === undefined ? "" : `; waits up to ${wait}`;
  const atATime = `at most ${unavailableNodes(bound, nodes.length)} of ${count(nodes.length, "node")} at a time`;
  const { fields = [], configMap = false } = driftOf(wave, facts) ?? {};
  const dropped = live === undefined ? [] : addedTo(wave, live).filter((field) => !fields.includes(field));
  const changes = [
    ...(live === undefined || secret ? [] : changesOf(wave, live, mountedOf(wave, facts))),
    ...dropped.map((field) => `without ${field}, which ${writerOf(live)} has added`),
  ];
  const loss = lossOf(wave, live, facts);
  const lost = loss === undefined ? [] : [lossWarning(wave, loss)];
  const result = (line: string, warnings: string[] = [], handover: string[] = []): Forecast => ({
    lines: [
      `${what} ${line}${limit}.`,
      ...handover,
      ...(changes.length === 0 ? [] : [`${what} changes: ${changes.join("; ")}.`]),
    ],
    warnings: [...lost, ...warnings],
    problems: [],
  });
  const nothing = (warnings: string[] = [], problems: Problem[] = []): Forecast => ({
    lines: [],
    warnings: [...lost, ...warnings],
    problems,
  });
  switch (action) {
    case Action.create:
      return result(`is created for ${count(nodes.length, "node")}`);
    case Action.takeOver:
      return result(`takes over and replaces the pods of its nodes, ${atATime}`, [], handed(what, nodes));
    case Action.repair: {
      const writer = writerOf(live);
      const how =
        live && isOverwritten(live) ? `overwritten by ${writer}` : `changed by ${writer} (${listed(fields)})`;
      const restartsPods = (live && isOverwritten(live)) || fields.some(isOfPods);
      return result(
        `was ${how}: it is changed back in place, ${restartsPods ? atATime : "and no pod restarts"}`,
      );
    }
    case Action.restart: {
      const way = outlives
        ? atATime
        : `all ${count(live?.desired ?? 0, "pod")} deleted at once, then made anew`;
      const warnings = strategyWarnings(what, strategy, outlives);
      return result(`is restarted, ${way}`, warnings, outlives ? handed(what, nodes) : []);
    }
    case Action.change:
      return result(`is changed in place, ${atATime}`);
    case Action.foreign:
      return nothing([], [foreignProblem(what)]);
    default:
      return nothing(configMap ? [configMapWarning(wave)] : []);
  }
}

/** From how many seconds on it is worth a line that pods change hands. */
const longHandover = 10;

/** What is said of the time in which pods change hands, where it is long. */
function handed(what: string, nodes: readonly unknown[]): string[] {
  const seconds = Math.round(handoverSeconds(nodes.length));
  const time = seconds < 60 ? `${seconds} s` : count(Math.round(seconds / 60), "minute");
  return seconds < longHandover
    ? []
    : [
        `${what} first gets its ${nodes.length} pods from the old one, at the controller manager's default of ` +
          `${controllerRate} requests a second in about ${time}; a node that joins meanwhile gets its kube-proxy afterwards.`,
      ];
}

function foreignProblem(what: string): Problem {
  return {
    path: "adopt",
    accepted: `is required: ${what} is there, and not this stack's; \`pulumi config set adopt true\` takes it over as it runs`,
  };
}

/** Refuses DaemonSets that another stack has made: this one would stop them, or hand their pods over to its own. */
function strangers([wave]: readonly Wave[], { daemonSets }: ClusterFacts): Problem[] {
  const own = wave?.daemonSet.metadata.annotations?.[ownerAnnotation];
  return daemonSets.flatMap(({ name, annotations }) => {
    const owner = annotations[ownerAnnotation] ?? own;
    return own === undefined || owner === own || !(restartAnnotation in annotations)
      ? []
      : [
          {
            path: `DaemonSet kube-system/${name}`,
            value: `belongs to Pulumi stack ${owner ?? ""}`,
            accepted:
              `one of this stack, ${own}: use the other one, or have it give kube-proxy up first. If it is this stack ` +
              `under an older name, or its state was lost (docs/recover.md): ${reclaimCommand}`,
          },
        ];
  });
}

function lossWarning({ daemonSet }: Wave, loss: string): string {
  return (
    `ConfigMap ${mountOf(daemonSet) ?? ""}, which DaemonSet ${daemonSet.metadata.name} mounts, ${loss}: it is made again. ` +
    "No pod restarts for it, but one that has started since waits for it, or runs with what it found."
  );
}

function configMapWarning({ configMap: { metadata }, daemonSet }: Wave): string {
  if (mountOf(daemonSet) !== metadata.name) {
    return (
      `ConfigMap ${metadata.name} was changed by somebody else. It is changed back; no kube-proxy mounts it, but kubeadm ` +
      "reads it."
    );
  }
  return (
    `ConfigMap ${metadata.name} was changed by somebody else. It is changed back, but a kube-proxy that has started ` +
    "since runs with what it found: the verification names its node."
  );
}

/** Who has written a DaemonSet last, other than this program. */
function writerOf(live: DaemonSetFacts | undefined): string {
  return live?.managers.find((manager) => !/^(pulumi|kept)-/.test(manager)) ?? "somebody else";
}

/** What is said of helpers that no wave needs. */
function abandoned(waves: readonly Wave[], facts: ClusterFacts): string[] {
  const { length } = facts.helpers;
  return length === 0 || waves.some((wave) => switchOf(wave, facts) !== undefined)
    ? []
    : [`A switch between modes was given up: ${count(length, "helper")} and their rules are removed.`];
}

/** What a wave says of a switch between modes. */
function forecastSwitch(
  { wave, live, action, outlives }: WaveIntent,
  { settings: { kubernetesVersion }, secret }: Intent,
  { confirmed }: Plan,
  facts: ClusterFacts,
): Forecast {
  const change = switchOf(wave, facts);
  const remarks = remarksOf(wave, change, facts);
  if (change === undefined) {
    return { lines: [], warnings: remarks, problems: [] };
  }
  const { name } = wave.daemonSet.metadata;
  const minor = parseVersion(kubernetesVersion)?.minor.minor ?? 0;
  const why = whyConfirm(change, minor);
  const problems = leavingProblems(change, wave, {
    isOwn: live !== undefined && restartAnnotation in live.annotations,
    takesDown: action === Action.restart && !outlives,
  });
  const what = secret ? "the old mode to the new one" : `mode ${change.from} to ${change.to}`;
  const told = secret ? [] : remarks;
  return why === undefined
    ? { lines: [describeSwitch(change, wave, secret), ...told], warnings: [], problems }
    : {
        lines: told,
        warnings: [`${name} switches from ${what}: ${why}.`],
        problems: [...problems, ...confirmationProblem(change, minor, confirmed)],
      };
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
