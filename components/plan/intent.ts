import type { TakeOver } from "../adoption/takeOver.ts";
import { Effective } from "../configuration/effective.ts";
import { parseYaml } from "../configuration/readYaml.ts";
import type { ClusterFacts, DaemonSetFacts, NodeFacts } from "../facts/facts.ts";
import { isRecord } from "../input/record.ts";
import { type Minor, minorOf } from "../kubeadm/minors.ts";
import { ClusterRoleChoice, type Settings } from "../kubeadm/settings.ts";
import { selects } from "../pools/placement.ts";
import { layoutAnnotation, type Wave } from "../pools/waves.ts";
import {
  configHashAnnotation,
  leavesPods,
  restartAnnotation,
  templateHashAnnotation,
} from "../restart/restart.ts";
import { driftOf, isOverwritten, liveOf } from "./drift.ts";
import type { ImmutableSettings } from "./immutable.ts";
import { switchOf } from "./modeSwitch.ts";
import { SnapshotIn } from "./snapshotIn.ts";
import { Task } from "./task.ts";

/** What the coming `up` does to the pods of a wave. */
export const Action = {
  /** Nothing. */
  none: "none",
  /** There is no kube-proxy yet: its pods are the first ones. */
  create: "create",
  /** Its DaemonSet takes over the pods of another one and replaces them. */
  takeOver: "takeOver",
  /** Its DaemonSet is replaced by a new token. */
  restart: "restart",
  /** Its pods are replaced in place. */
  change: "change",
  /** Somebody else has changed it: it is changed back in place. */
  repair: "repair",
  /** Nothing: its DaemonSet is another's, so that the update is refused. */
  foreign: "foreign",
  /** The DaemonSets could not be read. */
  unknown: "unknown",
} as const;
export type Action = (typeof Action)[keyof typeof Action];

/** What the coming `up` does to one wave. */
export interface WaveIntent {
  readonly wave: Wave;
  /** Its place among all waves, held or not. */
  readonly index: number;
  readonly action: Action;
  /** Its DaemonSet as it is. */
  readonly live: DaemonSetFacts | undefined;
  /** Whether the pods that are there outlive their DaemonSet. */
  readonly outlives: boolean;
  /** Whether no other one follows, held or not. */
  readonly isLast: boolean;
  /** Nodes that it selects; none where they could not be read. */
  readonly nodes: readonly NodeFacts[];
  /** The minor of its kube-proxy, by its image's tag where that has a version. */
  readonly minor: Minor | undefined;
  /** Its configuration, with the defaults of that minor. */
  readonly configuration: Effective;
}

/** What the coming `up` wants. */
export interface Intent {
  readonly settings: Settings;
  /** All that are not held, in their order; none when kube-proxy is to stop. */
  readonly waves: readonly WaveIntent[];
  /** What it does in the cluster, as far as rights differ. */
  readonly tasks: ReadonlySet<Task>;
  /** Whether an argument is a secret, so that no value of them is told. */
  readonly secret: boolean;
  /** Whether it is only a preview. */
  readonly preview: boolean;
}

/** What of the arguments decides what an `up` does. */
export interface Wish {
  readonly settings: Settings & ImmutableSettings;
  readonly waves: readonly Wave[];
  /** What is taken over from the cluster; absent when nothing is. */
  readonly takeOver?: TakeOver | undefined;
  /** Names of own objects that are taken back into the state. Default: none. */
  readonly reclaimed?: readonly string[];
  /** Names of pools that stay as they are. */
  readonly held: readonly string[];
  readonly running: boolean;
  readonly verify: boolean;
  readonly restartsNodes: boolean;
  /** Whether the image is brought onto the nodes before a change. Default false. */
  readonly prePull?: boolean;
  /** Where the snapshot before a change is kept. Default: in a folder. */
  readonly snapshotIn?: SnapshotIn | undefined;
  /** Whether an argument is a secret. Default false. */
  readonly secret?: boolean;
  /** Whether it is only a preview, which somebody else may run than the update. Default false. */
  readonly preview?: boolean;
}

/** Finds out what the coming `up` does. */
export function intentOf(wish: Wish, facts: ClusterFacts): Intent {
  const waves = wish.running
    ? wish.waves
        .map((wave, index) => ({
          ...waveIntent(wave, wish, facts),
          index,
          isLast: wave === wish.waves.at(-1),
        }))
        .filter(({ wave }) => !wish.held.includes(wave.pool ?? ""))
    : [];
  const { settings, secret = false, preview = false } = wish;
  return { settings, secret, preview, waves, tasks: new Set(tasksOf(wish, waves, facts)) };
}

function waveIntent(wave: Wave, wish: Wish, facts: ClusterFacts): Omit<WaveIntent, "index" | "isLast"> {
  const { settings } = wish;
  const { spec } = wave.daemonSet;
  const live = liveOf(wave, facts);
  const tag = /:(v\d+\.\d+)[^/]*$/.exec(spec.template.spec.containers[0].image)?.[1];
  const minor = minorOf(minorNumber(tag ?? settings.kubernetesVersion) ?? 0);
  const configuration: unknown = parseYaml(wave.configMap.data["config.conf"]);
  return {
    wave,
    action: actionOf(wave, live, facts, wish),
    live,
    outlives: live !== undefined && leavesPods(live.annotations),
    nodes: facts.nodes.filter((node) => isSelected(wave, node)),
    minor,
    configuration: new Effective(isRecord(configuration) ? configuration : {}, minor?.minor ?? 0),
  };
}

function actionOf(
  wave: Wave,
  live: DaemonSetFacts | undefined,
  facts: ClusterFacts,
  { takeOver, reclaimed = [] }: Wish,
): Action {
  const differs = (annotation: string) =>
    live?.annotations[annotation] !== wave.daemonSet.metadata.annotations?.[annotation];
  if (facts.unread?.["daemonSets"] !== undefined) {
    return Action.unknown;
  }
  if (facts.daemonSets.length === 0) {
    return Action.create;
  }
  if (live === undefined || differs(layoutAnnotation)) {
    return Action.takeOver;
  }
  const isMarked = restartAnnotation in live.annotations;
  if (!isMarked && takeOver !== undefined) {
    return takeOver.keepsPods ? Action.none : Action.change;
  }
  if (isOverwritten(live)) {
    return Action.repair;
  }
  if (!isMarked) {
    return Action.foreign;
  }
  if (differs(restartAnnotation)) {
    // What is imported cannot be replaced.
    return reclaimed.length > 0 ? Action.change : Action.restart;
  }
  if (differs(templateHashAnnotation)) {
    return Action.change;
  }
  return (driftOf(wave, facts)?.fields ?? []).length > 0 ? Action.repair : Action.none;
}

function tasksOf(wish: Wish, waves: readonly WaveIntent[], facts: ClusterFacts): Task[] {
  const does = (action: Action) => waves.some((wave) => wave.action === action);
  const own = wish.settings.clusterRole === ClusterRoleChoice.create;
  const isReconfigured = waves.some(
    ({ wave, live }) =>
      live !== undefined &&
      live.annotations[configHashAnnotation] !== wave.daemonSet.metadata.annotations?.[configHashAnnotation],
  );
  const isTouched = waves.some(({ action }) => action !== Action.none);
  const stops = !wish.running && facts.daemonSets.length > 0;
  return [
    Task.look,
    ...(does(Action.create) ? [Task.provision, own ? Task.ownRole : Task.bind] : []),
    ...(does(Action.takeOver) ? [Task.pools] : []),
    ...(does(Action.restart) ? [Task.restart] : []),
    ...(does(Action.change) || does(Action.repair) || isReconfigured ? [Task.change] : []),
    ...(wish.takeOver === undefined && !wish.reclaimed?.length ? [] : [Task.repair]),
    ...(waves.some(({ wave }) => switchOf(wave, facts) !== undefined) ? [Task.switchMode] : []),
    ...(wish.settings.immutableConfig || facts.immutableConfigs !== undefined ? [Task.immutable] : []),
    ...(wish.snapshotIn === SnapshotIn.cluster && (isTouched || stops) ? [Task.keepSnapshot] : []),
    ...(wish.restartsNodes ? [Task.restartNodes] : []),
    ...(wish.prePull === true && wish.running ? [Task.pull] : []),
    ...(wish.verify && isTouched ? [Task.verify] : []),
    ...(stops ? [Task.stop] : []),
  ];
}

/** Whether a wave's DaemonSet wants a pod on a node. */
export function isSelected({ daemonSet }: Wave, { name, labels, taints }: NodeFacts): boolean {
  return selects(daemonSet.spec.template.spec, { metadata: { name, labels }, spec: { taints } });
}

/** The number of a version's minor: 37 of `v1.37.2`. */
export function minorNumber(version: string): number | undefined {
  const minor = /^v?1\.(\d+)/.exec(version)?.[1];
  return minor === undefined ? undefined : Number(minor);
}
