import { type LiveObject, liveName, podAnnotationsOf } from "../adoption/live.ts";
import { type TakeOver, takeOverOf } from "../adoption/takeOver.ts";
import { clusterSettings } from "../facts/clusterSettings.ts";
import type { ClusterFacts } from "../facts/facts.ts";
import { kubeProxyObjects } from "../kubeadm/manifests.ts";
import type { ConfigMap, KubeProxyObjects } from "../kubeadm/objects.ts";
import type { Settings, UpdateStrategy } from "../kubeadm/settings.ts";
import { maxFailedOf } from "../pools/budget.ts";
import { type Pool, requirementsOf } from "../pools/pool.ts";
import { selectionsWith } from "../pools/selections.ts";
import { daemonSetName, layoutAnnotation, layoutsOf, type Wave, wavesOf } from "../pools/waves.ts";
import {
  initialToken,
  isUnclaimed,
  leavesPods,
  ownerAnnotation,
  type Restart,
  restartAnnotation,
  RestartStrategy,
  rollingBounds,
  staysAdopted,
  tracedRestart,
  withRestart,
} from "../restart/restart.ts";
import { rolloutTimeout, type Timeouts, type Wait } from "../restart/timeouts.ts";
import { whoRuns } from "../restart/trace.ts";
import { liveOf, withRepair } from "./drift.ts";
import { inTheWay, isDone } from "./forecast.ts";
import { configured, immutablesOf, type ImmutableSettings, pinned } from "./immutable.ts";
import { type LeavingIpvs, withLeaving } from "./leaving.ts";
import { withoutDead } from "./leftOut.ts";

/** The arguments that make objects, with plain values. */
export type Plain = Settings &
  ImmutableSettings &
  Pick<Scope, "pools" | "restartStrategy"> & {
    running?: boolean;
    restart?: string;
    confirmModeSwitch?: string;
    modeSwitch?: LeavingIpvs;
    maxFailed?: string;
  };

/** The arguments that decide which resources there are and how long the engine waits for them: no outputs. */
export interface Scope {
  pools?: Pool[];
  restartStrategy?: RestartStrategy;
  updateStrategy?: UpdateStrategy;
  timeouts?: Timeouts;
  /** Names of the last pools, which stay as they are. */
  hold?: string[];
  facts?: ClusterFacts;
}

/** The stack that makes the objects. */
export interface Stack {
  /** `organization/project/stack`; undefined where there is none. */
  readonly owner?: string;
  /** Whether it takes over what is there. Default false. */
  readonly adopt?: boolean;
  /** Who restarts, and when. Default: who runs this, now. */
  readonly trace?: Pick<Restart, "by" | "at">;
  /** Names of pools that stay as they are. Default: none. */
  readonly held?: readonly string[];
}

/** The objects that the arguments make. */
export interface Plan {
  readonly objects: KubeProxyObjects;
  /** What is taken over from the cluster; absent when nothing is. */
  readonly takeOver?: TakeOver;
  /** Names of this stack's own objects that are taken back into a state which has lost them. */
  readonly reclaimed: readonly string[];
  /** The DaemonSets, in the order in which they are restarted. */
  readonly waves: readonly [Wave, ...Wave[]];
  /** The immutable ConfigMaps that there are afterwards, see `immutablesOf`. */
  readonly immutables: readonly ConfigMap[];
}

/**
 * Makes objects of arguments in which `checkArgs` finds no problem.
 *
 * @param facts - of the cluster, when it answered: what others have changed there is a reason for a snapshot and a proof
 */
export function planOf(
  plain: Plain,
  facts?: ClusterFacts,
  { owner, adopt = false, trace = whoAndWhen(), held = [] }: Stack = {},
): Plan {
  const {
    pools = [],
    restart: token = initialToken,
    restartStrategy: strategy = RestartStrategy.Rolling,
  } = plain;
  const bounds = strategy === RestartStrategy.Rolling ? { updateStrategy: rollingBounds } : {};
  const settings = { ...bounds, ...plain };
  const restart: Restart = { token, strategy, ...trace, owner };
  const found = adopt ? objectsToTakeOver(facts, owner) : [];
  const cluster = facts === undefined ? {} : clusterSettings(facts).settings;
  const compared = takeOverOf(found, { settings: plain, cluster, owner });
  const restarted = token === tokenInForce(facts) ? compared : restarting(compared, byToken);
  const takeOver = plain.immutableConfig ? restarting(restarted, byMount) : restarted;
  const [first, ...others] = wavesOf(settings, pools);
  // How fast a rollout goes is for the first one to say: the DaemonSet itself stays as it is, too.
  const [asItWas] = wavesOf(plain, pools);
  const pods = podAnnotationsOf(objectsOf(facts).find(isDaemonSet));
  const made = (rendered: Wave): Wave => {
    const wave = configured(rendered, plain, facts);
    const { annotations = {} } = (facts && liveOf(wave, facts)) ?? {};
    // A stack that has lost its state takes over pods that it has marked itself.
    const isTaken = found.length > 0 && takeOver.keepsPods && !(restartAnnotation in pods);
    const traced = tracedRestart(restart, annotations);
    const marked =
      isTaken || staysAdopted(wave, token, annotations)
        ? withRestart(asItWas, traced, pods)
        : withRestart(withLeaving(wave, plain.modeSwitch), traced);
    if (facts === undefined) return marked;
    // What is taken over stays as it is.
    const repaired = withRepair(marked, facts);
    return found.length > 0 ? repaired : withoutDead(repaired, facts, maxFailedOf(wave.pool, plain));
  };
  const objects = kubeProxyObjects(settings);
  const waves: [Wave, ...Wave[]] = [made(first), ...others.map(made)];
  return {
    objects: { ...objects, configMap: pinned(objects.configMap, plain, facts) },
    waves,
    immutables: immutablesOf(waves, plain, facts, held),
    ...(found.length > 0 && { takeOver }),
    reclaimed: adopt ? objectsToReclaim({ ...plain, ...(facts && { facts }) }, owner).map(liveName) : [],
  };
}

function whoAndWhen(): Pick<Restart, "by" | "at"> {
  return { by: whoRuns(process.env), at: new Date().toISOString() };
}

/**
 * The token of the last restart of a DaemonSet that somebody has written anew since: one that is to be taken over with
 * another one is restarted by that, since nobody would know later that it was not.
 */
function tokenInForce(facts: ClusterFacts | undefined): string {
  return facts?.daemonSets.find(({ name }) => name === daemonSetName(undefined))?.restarted ?? initialToken;
}

const byToken = "restart: the pods, in place, for the new token";
const byMount = "immutableConfig: the pods, in place, which mount another ConfigMap";

function restarting(takeOver: TakeOver, why: string): TakeOver {
  return { ...takeOver, changes: [...takeOver.changes, why], keepsPods: false };
}

/** kube-proxy's objects by kubeadm's names, as far as the cluster has them. */
export function objectsOf(facts: ClusterFacts | undefined): readonly LiveObject[] {
  return JSON.parse(facts?.objects ?? "[]") as LiveObject[];
}

const isDaemonSet = ({ kind }: LiveObject) => kind === "DaemonSet";

/**
 * Live objects that are taken over: kube-proxy's, as long as there is a DaemonSet and it is not this stack's. Afterwards the
 * state has them, and an object that is imported cannot be replaced.
 */
export function objectsToTakeOver(
  facts: ClusterFacts | undefined,
  owner: string | undefined,
): readonly LiveObject[] {
  const isOurs = facts?.daemonSets.some(({ annotations }) => isOwn(annotations, owner)) ?? false;
  // kubeadm makes no ClusterRole.
  const objects = objectsOf(facts).filter(({ kind }) => kind !== "ClusterRole");
  return isOurs || !objects.some(isDaemonSet) ? [] : objects;
}

/**
 * Live objects that are taken back into the state of a stack which has lost them: those of a DaemonSet of this program of
 * which somebody has said, by taking its `ownerAnnotation` away, that it is no other stack's. What the state still has it
 * keeps. DaemonSets that have to make room first are none of them.
 */
export function objectsToReclaim(
  { facts, pools = [] }: Pick<Scope, "facts" | "pools">,
  owner: string | undefined,
): readonly LiveObject[] {
  const isMeant = facts?.daemonSets.some(({ annotations }) => isUnclaimed(annotations)) ?? false;
  if (facts === undefined || owner === undefined || !isMeant) return [];
  const layouts = layoutsOf(pools);
  const moved = inTheWay(layouts, facts);
  const named = (kind: string, { name }: { readonly name: string }) => {
    return { kind, metadata: { namespace: "kube-system", name } };
  };
  return [
    ...objectsOf(facts).filter((object) => !isDaemonSet(object)),
    // A pool's has the name of its DaemonSet.
    ...facts.configMaps
      .filter(({ name }) => pools.length > 0 && layouts.has(name))
      .map((one) => named("ConfigMap", one)),
    ...(facts.immutableConfigs ?? []).map((one) => named("ConfigMap", one)),
    ...facts.daemonSets
      .filter((one) => restartAnnotation in one.annotations && !moved.includes(one))
      .map((one) => named("DaemonSet", one)),
  ];
}

/** Whether a DaemonSet is this stack's, by its annotations; those of the first days do not name their stack. */
function isOwn(annotations: Readonly<Record<string, string>>, owner: string | undefined): boolean {
  return restartAnnotation in annotations && (annotations[ownerAnnotation] ?? owner) === owner;
}

/**
 * Names of the pools that an update leaves as they are, since it pauses before them: it does, as long as one of the
 * first ones has still to be changed. So the next update, which finds those done, goes on.
 *
 * @param pause - after how many pools; 0 for none
 */
export function heldPools(plain: Plain, pause: number, facts: ClusterFacts): string[] {
  if (pause === 0) return [];
  const { waves } = planOf(plain, facts);
  const isAhead = waves.slice(0, pause).some((wave) => !isDone(wave, facts));
  return isAhead ? waves.slice(pause).flatMap(({ pool }) => pool ?? []) : [];
}

/**
 * Names of the pools that have a DaemonSet after an update: one that is held and has none yet gets none. Without pools
 * that is one DaemonSet without a name of a pool.
 */
export function poolNames({ pools = [], hold = [], facts }: Scope): (string | undefined)[] {
  return pools.length === 0
    ? [undefined]
    : pools.map(({ name }) => name).filter((name) => !hold.includes(name) || isLaidOut(name, pools, facts));
}

/** Whether a pool has a DaemonSet in the cluster, made when the pools were these. */
function isLaidOut(pool: string, pools: readonly Pool[], facts: ClusterFacts | undefined): boolean {
  const [name, layouts] = [daemonSetName(pool), layoutsOf(pools)];
  const live = facts?.daemonSets.find((daemonSet) => daemonSet.name === name);
  return live?.annotations[layoutAnnotation] === layouts.get(name);
}

/** UIDs of the DaemonSets that have to make room first, see `layoutCommand`. */
export function obstaclesOf({ pools = [], facts }: Scope): string[] {
  return facts === undefined ? [] : inTheWay(layoutsOf(pools), facts).map(({ uid }) => uid);
}

/**
 * How long to wait for each wave's rollout. It goes by arguments that are no outputs: the engine takes a timeout only as
 * a plain value.
 */
export function waitsOf(args: Scope): Wait[] {
  const { facts, pools = [], timeouts = {}, updateStrategy } = args;
  const rolls = args.restartStrategy !== RestartStrategy.Recreate;
  const bounds = updateStrategy ?? (rolls ? rollingBounds : undefined);
  const replacesPods = rolls || findsPods(args);
  const all: readonly Pool[] = pools.length === 0 ? [{ name: "all nodes" }] : pools;
  return all.map((pool) => {
    const selection = { name: pool.name, requirements: requirementsOf(pool) };
    const nodes = facts?.nodes.filter(({ labels }) => selectionsWith(labels, [selection]).length > 0);
    const wait = (bound: number | string | undefined) => rolloutTimeout(nodes?.length, bound, timeouts.pod);
    const update = wait(pool.maxUnavailable ?? bounds?.rollingUpdate?.maxUnavailable);
    // Where no pods are left they all start at once, but the controllers and the registry take their turns.
    const create = replacesPods ? update : wait(rollingBounds.rollingUpdate.maxUnavailable);
    return { create: timeouts.create ?? create, update: timeouts.update ?? timeouts.create ?? update };
  });
}

/** Whether new DaemonSets under Recreate find pods: of one that was made under Rolling, or that hands them over. */
function findsPods(args: Scope): boolean {
  const live = args.facts?.daemonSets ?? [];
  return live.some(({ annotations }) => leavesPods(annotations)) || obstaclesOf(args).length > 0;
}
