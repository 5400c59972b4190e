/** Pure: how ipvs is left: what is asked of the user, what keeps it beside another mode, and what is said of both. */
import { parseGoDuration } from "../configuration/goDuration.ts";
import type { DaemonSetFacts } from "../facts/facts.ts";
import { isRecord } from "../input/record.ts";
import type { Wave } from "../pools/waves.ts";
import { recordOf, wantedMode } from "./modes.ts";
import { othersAnnotation, othersOf, othersValue } from "./others.ts";

/** What becomes of connections that ipvs still carries at the deadline. */
export const OnDeadline = {
  /** The update ends before a kube-proxy is touched, or, in a switch to iptables, before ipvs is. */
  stop: "stop",
  /** They are named, and cut. */
  cut: "cut",
  /** ipvs stays beside the new mode, and goes on with them, until a later update clears it. */
  keep: "keep",
} as const;
export type OnDeadline = (typeof OnDeadline)[keyof typeof OnDeadline];

/** How ipvs is left. */
export interface LeavingIpvs {
  /** How long an update waits until ipvs carries no connection, a Go duration up to 24h. Default 30m; 0s with `keep`. */
  drain?: string;
  /** What becomes of those that it still carries then: `stop` (default), `cut` or `keep`. */
  onDeadline?: OnDeadline;
  /**
   * An image with `sh` and iproute2's `ip`: by it connections that a node itself opens to Services outlive ipvs. With
   * `ipvsadm`, too, virtual servers of others stay where kube-proxy's are cleared, see `ipvs.excludeCIDRs`. Default:
   * kube-proxy's own, which has neither: they are counted, and hang when ipvs is cleared.
   */
  image?: string;
}

/** {@link LeavingIpvs} with its defaults. */
export interface Drain {
  readonly drain: string;
  readonly timeoutMs: number;
  readonly onDeadline: OnDeadline;
}

/** Annotation of a DaemonSet with its {@link LeavingIpvs} in JSON, for what clears when Pulumi knows only the old one. */
export const leavingAnnotation = "kube-proxy/mode-switch";

/** What a drain may be, for an error. */
export const acceptedDrain = "a Go duration from 0s to 24h with a unit, such as 30m";

const longestDrain = 24n * 3600n * 1_000_000_000n;

/** Whether a text is as {@link acceptedDrain} says. */
export function isDrain(text: string): boolean {
  const duration = parseGoDuration(text);
  return duration !== undefined && duration >= 0n && duration <= longestDrain;
}

/** The setting with its defaults. */
export function drainOf({ onDeadline = OnDeadline.stop, drain }: LeavingIpvs = {}): Drain {
  const text = drain ?? (onDeadline === OnDeadline.keep ? "0s" : "30m");
  return { drain: text, timeoutMs: Number(parseGoDuration(text) ?? 0n) / 1e6, onDeadline };
}

/** The setting that a DaemonSet was made with; none where it has none, or somebody has written something else there. */
export function leavingOf(annotations: Readonly<Record<string, string>> | undefined): LeavingIpvs {
  try {
    const value: unknown = JSON.parse(annotations?.[leavingAnnotation] ?? "{}");
    if (!isRecord(value)) return {};
    const { drain, onDeadline, image } = value;
    const known = Object.values(OnDeadline).find((one) => one === onDeadline);
    return {
      ...(typeof drain === "string" && isDrain(drain) && { drain }),
      ...(known !== undefined && { onDeadline: known }),
      ...(typeof image === "string" && { image }),
    };
  } catch {
    return {};
  }
}

/** Where the kernel's modules are. Without them `modprobe ip_vs` fails, and kube-proxy takes ipvs for not there. */
const modules = "/lib/modules";

function isModules({ mountPath }: { readonly mountPath: string }): boolean {
  return mountPath === modules;
}

/** A container with its mounts. */
interface Mounting {
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

/** What of a pod's spec decides whether its kube-proxy sees the kernel's modules. */
interface Mounts {
  readonly initContainers?: readonly Mounting[] | undefined;
  readonly containers: readonly Mounting[];
  readonly volumes?: readonly { readonly name: string }[];
}

/**
 * A spec whose kube-proxy removes nothing of ipvs when it starts in mode nftables, or cleans up, since it does not see the
 * kernel's modules. It needs them for nothing but ipvs: the kernel itself loads what nftables and iptables want.
 *
 * Source: pkg/proxy/ipvs/cleanup.go `CleanupLeftovers`; for which versions, see `leavesIpvsSince`.
 */
export function withoutModules<T extends Mounts>(spec: T): T {
  const without = (container: Mounting) => ({
    ...container,
    volumeMounts: container.volumeMounts?.filter((mount) => !isModules(mount)),
  });
  const names = spec.containers.flatMap(({ volumeMounts = [] }) => volumeMounts.filter(isModules));
  const volumes = spec.volumes?.filter((volume) => !names.some(({ name }) => name === volume.name));
  const { initContainers, containers } = spec;
  return {
    ...spec,
    ...(initContainers && { initContainers: initContainers.map(without) }),
    containers: containers.map(without),
    volumes,
  };
}

/** A pod or the template of one, as far as it is looked at. */
interface PodLike {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: Mounts;
}

/** Whether a pod's kube-proxy keeps ipvs as it is, see {@link withoutModules}; not where that is others' alone. */
export function keepsIpvs({ metadata, spec }: PodLike): boolean {
  const isOthers = metadata?.annotations?.[othersAnnotation] === othersValue;
  return !isOthers && !spec.containers.some(({ volumeMounts = [] }) => volumeMounts.some(isModules));
}

/** Whether a DaemonSet's kube-proxies keep ipvs as it is. */
export function isKept(live: DaemonSetFacts | undefined): boolean {
  const template = live?.spec["template"] as Partial<PodLike> | undefined;
  return template?.spec !== undefined && keepsIpvs({ ...template, spec: template.spec });
}

/**
 * A wave with the setting. In mode nftables its kube-proxies leave ipvs alone where it is to be kept, and where others have
 * virtual servers; in mode iptables they do so by themselves.
 */
export function withLeaving(wave: Wave, leaving: LeavingIpvs | undefined): Wave {
  const isNftables = wantedMode(wave) === "nftables";
  const isKeeping = isNftables && leaving?.onDeadline === OnDeadline.keep;
  const isSparing = isNftables && !isKeeping && othersOfWave(wave).length > 0;
  if (leaving === undefined && !isSparing) return wave;
  const { metadata, spec } = wave.daemonSet;
  const { template } = spec;
  const marks = leaving && { [leavingAnnotation]: JSON.stringify(leaving) };
  const spares = isSparing && { [othersAnnotation]: othersValue };
  return {
    ...wave,
    daemonSet: {
      ...wave.daemonSet,
      metadata: marks ? { ...metadata, annotations: { ...metadata.annotations, ...marks } } : metadata,
      spec: {
        ...spec,
        template: {
          metadata: spares
            ? { ...template.metadata, annotations: { ...template.metadata.annotations, ...spares } }
            : template.metadata,
          spec: isKeeping || isSparing ? withoutModules(template.spec) : template.spec,
        },
      },
    },
  };
}

/** Where others have virtual servers on a wave's nodes, see {@link othersOf}. */
export function othersOfWave({ configMap }: Wave): string[] {
  return othersOf(recordOf(configMap.data["config.conf"]));
}

/** How long is waited, and what comes then, as the end of a sentence. */
export function describeDrain({ drain, timeoutMs, onDeadline }: Drain): string {
  const wait =
    timeoutMs === 0 ? "counts what ipvs carries" : `waits up to ${drain} until ipvs carries no connection`;
  return `${wait}; ${atDeadline[onDeadline]}`;
}

const atDeadline: Readonly<Record<OnDeadline, string>> = {
  stop: "with some left, this update ends here",
  cut: "what is left is named, and cut",
  keep: "what is left goes on",
};

/** What each setting of ipvs does, and what becomes of that without ipvs. */
const ipvsSettings: Readonly<Record<string, string>> = {
  scheduler: "every other mode chooses an endpoint at random",
  excludeCIDRs:
    "taken out of the configuration, all virtual servers of a node are removed, those of others as well",
  strictARP:
    "MetalLB and kube-vip need it in mode ipvs alone; arp_ignore and arp_announce stay as they are on a node until it restarts",
  minSyncPeriod: "the new mode has its own",
  syncPeriod: "the new mode has its own",
  tcpTimeout: "connections are tracked by nf_conntrack, see conntrack.tcpEstablishedTimeout",
  tcpFinTimeout: "connections are tracked by nf_conntrack, see conntrack.tcpCloseWaitTimeout",
  udpTimeout: "connections are tracked by nf_conntrack, see conntrack.udpTimeout",
};

/**
 * What becomes of the settings of ipvs in another mode, a sentence for each that is set.
 *
 * @param configuration - the `config.conf` of the kube-proxy that runs
 * @param others - where the wanted one says that others have virtual servers
 */
export function lostSettings(configuration: string, others: readonly string[]): string[] {
  const section = recordOf(configuration)["ipvs"];
  const lost = Object.entries(ipvsSettings).flatMap(([key, what]) =>
    isRecord(section) && isSet(section[key]) && !(key === "excludeCIDRs" && others.length > 0)
      ? [`configuration.ipvs.${key} has no effect in the new mode: ${what}.`]
      : [],
  );
  return others.length === 0
    ? lost
    : [
        `Virtual servers of others, at ${others.join(", ")}, stay, as configuration.ipvs.excludeCIDRs says.`,
        ...lost,
      ];
}

/** What kubeadm writes for a setting that nobody made is none. */
function isSet(value: unknown): boolean {
  const nothing = [undefined, null, "", false, 0, "0s"];
  return !nothing.includes(value as string) && !(Array.isArray(value) && value.length === 0);
}
