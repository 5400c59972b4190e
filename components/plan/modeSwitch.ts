/** Pure: when a change is a switch between kube-proxy's modes, what it takes, and what is said of it. */
import type { ClusterFacts } from "../facts/facts.ts";
import type { Problem } from "../input/problems.ts";
import { configHash } from "../kubeadm/manifests.ts";
import type { Wave } from "../pools/waves.ts";
import { configHashAnnotation } from "../restart/restart.ts";
import { liveOf, mountedOf, runningOf } from "./drift.ts";
import {
  describeDrain,
  drainOf,
  isKept,
  keepsIpvs,
  leavingOf,
  lostSettings,
  OnDeadline,
  othersOfWave,
} from "./leaving.ts";
import { othersProblems } from "./others.ts";
import { modeOf, wantedMode } from "./modes.ts";

/** A switch from one mode to another. */
export interface ModeSwitch {
  readonly from: string;
  readonly to: string;
  /** Whether the pods run in the new mode already, and ipvs, which was kept beside it, is to go. */
  readonly isKept?: boolean;
}

/**
 * The switch between modes that a wave is, be it that it has begun already.
 *
 * @returns undefined where it is none, also where there is no kube-proxy yet
 */
export function switchOf(wave: Wave, facts: ClusterFacts): ModeSwitch | undefined {
  const { daemonSets, helpers } = facts;
  const live = runningOf(wave, facts)?.data["config.conf"];
  const to = wantedMode(wave);
  const set = liveOf(wave, facts);
  if (daemonSets.length === 0 || live === undefined) {
    return undefined;
  }
  const from = modeOf(live);
  if (from === to && isKept(set) && !leavesKept(wave)) {
    return { from: "ipvs", to, isKept: true };
  }
  // Whoever has changed the ConfigMap alone has switched nothing.
  const isDone = set?.annotations[configHashAnnotation] === configHash(wave.configMap.data);
  if (isDone) {
    return undefined;
  }
  if (from !== to) {
    return { from, to };
  }
  const helper = helpers.find(({ mode }) => mode === to);
  return helper && { from: helper.beside ?? helpedFrom(to)[0] ?? "", to };
}

/** Whether a wave's pods are to keep ipvs. */
function leavesKept({ daemonSet }: Wave): boolean {
  return keepsIpvs(daemonSet.spec.template);
}

/** Whose rules those of a mode can be made beside, by a kube-proxy that cannot see what would remove them. */
const besides: ReadonlyMap<string, readonly string[]> = new Map([
  ["iptables", ["nftables"]],
  ["nftables", ["iptables", "ipvs"]],
]);

/** Modes beside which a helper can make the rules of this one, the likeliest first; none where it can not. */
export function helpedFrom(mode: string): readonly string[] {
  return besides.get(mode) ?? [];
}

/** Which minor's kube-proxy is the first to remove the rules of nftables when it runs in another mode, and the reverse. */
const cleansSince = 29;

/**
 * Which minor's kube-proxy is the first to leave ipvs alone where it does not see `modprobe`.
 *
 * Source: kubernetes/kubernetes#131243.
 */
export const leavesIpvsSince = 34;

/** When ipvs ends. Source: KEP-5495. */
const ends = "ipvs is deprecated, off by default in 1.40 and gone in 1.43";

/**
 * Why a switch needs a confirmation, as a sentence's end; undefined where it loses nothing.
 *
 * @param minor - the Kubernetes minor of the new kube-proxy
 */
export function whyConfirm({ from, to }: ModeSwitch, minor: number): string | undefined {
  if (to === "ipvs") {
    return from === "iptables"
      ? `${ends}. No connection is lost on the way, but the chains of iptables stay until a node restarts`
      : `${ends}. No helper can make its rules beside others: new connections fail until the new kube-proxy has synced, ` +
          "and those that are open break";
  }
  if (from === "ipvs" && to === "nftables") {
    return minor < leavesIpvsSince
      ? `kube-proxy of 1.${minor} removes ipvs as soon as it starts in mode nftables, helpers too: new connections fail ` +
          "until it has synced, and those that are open break. Go by mode iptables, which loses none, or update to " +
          `1.${leavesIpvsSince} first`
      : undefined;
  }
  return minor < cleansSince && from !== "ipvs"
    ? `kube-proxy of 1.${minor} removes no rules of ${from}: they stay, and nobody changes them any more, until a node restarts`
    : undefined;
}

/**
 * The problem of a switch that was not confirmed.
 *
 * @param confirmation - what the user has confirmed, such as `iptables to ipvs`
 */
export function confirmationProblem(
  change: ModeSwitch,
  minor: number,
  confirmation: string | undefined,
): Problem[] {
  const why = whyConfirm(change, minor);
  const wanted = `${change.from} to ${change.to}`;
  return why === undefined || confirmation === wanted
    ? []
    : [
        {
          path: "configuration.mode",
          value: change.to,
          accepted: `${change.from}, which runs now; or set confirmModeSwitch to ${JSON.stringify(wanted)}: ${why}`,
        },
      ];
}

/**
 * What a switch that needs no confirmation does, in one sentence for each step.
 *
 * @param secret - whether the modes are not to be told
 */
export function describeSwitch(change: ModeSwitch, wave: Wave, secret: boolean): string {
  const { name, annotations } = wave.daemonSet.metadata;
  const { from, to } = secret ? { from: "the old mode", to: "the new one" } : change;
  const leaving = drainOf(leavingOf(annotations));
  const drain = `Drain: ${describeDrain(leaving)}.`;
  const helpers =
    `Prepare: before anything is changed, a helper on each node makes the rules of ${to} beside those of ${from}, and is ` +
    "verified.";
  const helped = "the DaemonSet, as below; each helper ends with the kube-proxy that it stands beside.";
  const cleared = `Clear: what is left of ${from} is removed from every node.`;
  if (change.isKept === true) {
    return (
      `${name} clears ipvs, which was kept beside ${to}, in two steps. ${drain} Clear: the DaemonSet, as below; each new ` +
      "kube-proxy removes ipvs."
    );
  }
  const what = `${name} switches from ${secret ? "" : "mode "}${from} to ${to}`;
  if (change.from !== "ipvs") {
    return `${what}, in three steps. ${helpers} Switch: ${helped} ${cleared}`;
  }
  const kept =
    "Keep: ipvs stays, and goes on with the connections that it has, until an update without modeSwitch clears it. A " +
    "Service that is deleted until then goes on answering, by its old endpoints.";
  const isKeeping = leaving.onDeadline === OnDeadline.keep;
  if (change.to === "iptables") {
    return (
      `${what}, in ${isKeeping ? "two" : "three"} steps. Switch: the DaemonSet, as below; ipvs goes on with the ` +
      `connections that it has. ${isKeeping ? kept : `${drain} ${cleared}`}`
    );
  }
  return (
    `${what}, in four steps. ${helpers} New connections go by ${to} from then on. ${drain} Switch: ${helped} ` +
    (isKeeping ? kept : cleared)
  );
}

/**
 * What keeps ipvs from being left in this update.
 *
 * @param isOwn - whether the DaemonSet is this stack's already
 * @param takesDown - whether a restart takes all of its pods down at once
 */
export function leavingProblems(
  { from, isKept: wasKept = false }: ModeSwitch,
  wave: Wave,
  { isOwn, takesDown }: { readonly isOwn: boolean; readonly takesDown: boolean },
): Problem[] {
  if (from === "ipvs" && !isOwn) {
    return [
      {
        path: "configuration.mode",
        accepted:
          "ipvs, as it runs, in the update that takes kube-proxy over: only what the state knows is switched in steps. Change it in the next one",
      },
    ];
  }
  const { onDeadline, image } = leavingOf(wave.daemonSet.metadata.annotations);
  const isCleared = from === "ipvs" && onDeadline !== OnDeadline.keep;
  return [
    ...(isCleared ? othersProblems(othersOfWave(wave), image) : []),
    ...(wasKept && takesDown
      ? [
          {
            path: "restart",
            accepted:
              "the old one in the update that clears ipvs: no node would have a kube-proxy for as long as it drains",
          },
        ]
      : []),
  ];
}

/** What is said of ipvs that is kept, and of settings that mean nothing without it. */
export function remarksOf(wave: Wave, change: ModeSwitch | undefined, facts: ClusterFacts): string[] {
  if (change === undefined) {
    return isKept(liveOf(wave, facts)) && leavesKept(wave)
      ? [
          `${wave.daemonSet.metadata.name} keeps ipvs beside mode ${wantedMode(wave)}: a Service that is deleted goes on answering. ` +
            "Take modeSwitch out of the config to clear it.",
        ]
      : [];
  }
  return change.from === "ipvs" && change.isKept !== true
    ? lostSettings(mountedOf(wave, facts)?.data["config.conf"] ?? "", othersOfWave(wave))
    : [];
}
