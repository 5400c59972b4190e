/** Pure: when a change is a switch between kube-proxy's modes. */
import { parseYaml } from "../configuration/readYaml.ts";
import type { ClusterFacts } from "../facts/facts.ts";
import type { Problem } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { configHash } from "../kubeadm/manifests.ts";
import type { Wave } from "../pools/waves.ts";
import { configHashAnnotation } from "../restart/restart.ts";

/** Label of a pod that helps in a switch: the mode whose rules it makes, or `clearing` for one that removes others. */
export const helperLabel = "kube-proxy/helper";

/** What {@link helperLabel} is on a pod that removes rules. */
export const clearingValue = "clearing";

/** A switch from one mode to another. */
export interface ModeSwitch {
  readonly from: string;
  readonly to: string;
}

/** The mode that kube-proxy on Linux runs in with this `config.conf`. */
export function modeOf(configuration: string): string {
  const { mode } = recordOf(configuration);
  return typeof mode === "string" && mode !== "" ? mode : "iptables";
}

/** A `config.conf` as an object; an empty one where it is none. */
export function recordOf(configuration: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = parseYaml(configuration);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** The mode that a wave's pods are to run in. */
export function wantedMode({ configMap }: Wave): string {
  return modeOf(configMap.data["config.conf"]);
}

/**
 * The switch between modes that a wave is, be it that it has begun already.
 *
 * @returns undefined where it is none, also where there is no kube-proxy yet
 */
export function switchOf(wave: Wave, facts: ClusterFacts): ModeSwitch | undefined {
  const { daemonSets, configMaps, helpers } = facts;
  const own = configMaps.find(({ name }) => name === wave.configMap.metadata.name);
  // Before it is a pool of its own, it has the configuration of all.
  const live = (own ?? configMaps.find(({ name }) => name === "kube-proxy"))?.data["config.conf"];
  const to = wantedMode(wave);
  const set = daemonSets.find(({ name }) => name === wave.daemonSet.metadata.name);
  // Whoever has changed the ConfigMap alone has switched nothing.
  const isDone = set?.annotations[configHashAnnotation] === configHash(wave.configMap.data);
  if (daemonSets.length === 0 || live === undefined || isDone) {
    return undefined;
  }
  const from = modeOf(live);
  if (from !== to) {
    return { from, to };
  }
  return helpers.some(({ mode }) => mode === to) ? { from: counterpart(to) ?? "", to } : undefined;
}

const counterparts: ReadonlyMap<string, string> = new Map([
  ["iptables", "nftables"],
  ["nftables", "iptables"],
]);

/** The mode whose rules can stand beside those of another one; undefined where there is none. */
export function counterpart(mode: string): string | undefined {
  return counterparts.get(mode);
}

/** Which minor's kube-proxy is the first to remove the rules of nftables when it runs in another mode, and the reverse. */
const cleansSince = 29;

/**
 * Why a switch needs a confirmation, as a sentence's end; undefined where it loses nothing.
 *
 * @param minor - the Kubernetes minor of the new kube-proxy
 */
export function whyConfirm({ from, to }: ModeSwitch, minor: number): string | undefined {
  if (counterpart(from) !== to) {
    return (
      "no helper can make rules of ipvs beside others. New connections fail until the new kube-proxy has synced, and " +
      "kube-proxy removes no rules in a switch between iptables and ipvs: restart each node afterwards, pool by pool"
    );
  }
  return minor < cleansSince
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
