/** The switches between kube-proxy's modes, each as a user does it. */
import type { Mode } from "../../lab/index.ts";
import { eventually, type Scenario } from "../../tests/e2e/scenario.ts";
import type { NodeWatch } from "../node/watch.ts";

/** What a {@link Switch} works on. */
export interface Bench {
  readonly scenario: Scenario;
  readonly watch: NodeWatch;
}

/** By whom a switch is done: this program, or a user without it. */
export type Way = "pulumi up" | "by hand";

/** A switch between two modes, or a part of one. */
export interface Switch {
  readonly from: Mode;
  readonly to: Mode;
  /** What it is; a line of Markdown, as the next one. */
  readonly what: string;
  /** What a user does for it. */
  readonly command: string;
  /** Whether it only leads to the next one, and is measured elsewhere. */
  readonly isWay?: true;
  /** The name of its picture; without one there is none. */
  readonly picture?: string;
  /** @returns what a user was told */
  readonly run: (bench: Bench) => Promise<string>;
}

const cut = { drain: "0s", onDeadline: "cut" } as const;
const keep = { onDeadline: "keep" } as const;

/** A switch, or a part of one, by this program. */
function byProgram(
  from: Mode,
  to: Mode,
  { how = "", ...settings }: { how?: string; modeSwitch?: object; confirmModeSwitch?: string } = {},
): Switch {
  const { modeSwitch = {}, confirmModeSwitch } = settings;
  const set = [
    ...(confirmModeSwitch === undefined ? [] : [`confirmModeSwitch '${confirmModeSwitch}'`]),
    ...Object.entries(modeSwitch).map(([key, value]) => `--path modeSwitch.${key} ${value}`),
    `--path configuration.mode ${to}`,
  ];
  return {
    from,
    to,
    what: [`${from} to ${to}`, ...(how === "" ? [] : [how])].join(", "),
    command: `\`${[...set.map((one) => `pulumi config set ${one}`), "pulumi up"].join("; ")}\``,
    run: async ({ scenario }) => {
      const config = { configuration: { mode: to }, modeSwitch, confirmModeSwitch };
      return (await scenario.up(config)).output;
    },
  };
}

const intoIpvs = (from: Mode): Switch => byProgram(from, "ipvs", { confirmModeSwitch: `${from} to ipvs` });
const kept = (to: Mode): Switch => byProgram("ipvs", to, { how: "kept", modeSwitch: keep });
const cleared = (to: Mode): Switch =>
  byProgram("ipvs", to, { how: "kept, as it is cleared", modeSwitch: cut });
const cutOff = (to: Mode): Switch => byProgram("ipvs", to, { how: "cut", modeSwitch: cut });

const byHand = (from: Mode, to: Mode): Switch => ({
  from,
  to,
  what: `${from} to ${to}, by hand`,
  command: `\`mode: ${to}\` by \`kubectl -n kube-system edit configmap kube-proxy\`, and \`rollout restart daemonset kube-proxy\``,
  run: async ({ scenario: { cluster }, watch }) => {
    const configMap = "configmap/kube-proxy";
    const old = await cluster.kubectl(["get", configMap, "-o", "jsonpath={.data.config\\.conf}"]);
    const data = { "config.conf": old.replace(/^mode: .*$/m, `mode: ${to}`) };
    await cluster.kubectl(["patch", configMap, "-p", JSON.stringify({ data })]);
    await cluster.kubectl(["rollout", "restart", "daemonset/kube-proxy"]);
    const told = await cluster.kubectl(["rollout", "status", "daemonset/kube-proxy", "--timeout=300s"]);
    await synced(watch);
    return told;
  },
});

/** Waits until the newest kube-proxy has the rules of both IP families: kubectl does not. */
async function synced(watch: NodeWatch): Promise<void> {
  await eventually(
    "the first sync of both IP families",
    () => {
      const isSynced = watch.nodes().every(({ pods, syncs }) => {
        const newest = Math.max(...pods.map(({ created = 0 }) => created));
        return new Set(syncs.filter(({ at }) => at > newest).map(({ family }) => family)).size === 2;
      });
      return Promise.resolve(isSynced);
    },
    300,
  );
}

/** Switches of which each begins where the one before it has ended, the first in {@link firstMode}. */
export interface Round {
  readonly way: Way;
  readonly switches: readonly Switch[];
}

const rounds: readonly Round[] = [
  {
    way: "pulumi up",
    switches: [
      intoIpvs("iptables"),
      { ...kept("nftables"), picture: "leave-ipvs" },
      cleared("nftables"),
      byProgram("nftables", "iptables"),
      byProgram("iptables", "nftables"),
      intoIpvs("nftables"),
      kept("iptables"),
      cleared("iptables"),
    ],
  },
  {
    way: "pulumi up",
    switches: [
      { ...intoIpvs("iptables"), isWay: true },
      cutOff("nftables"),
      { ...intoIpvs("nftables"), isWay: true },
      cutOff("iptables"),
    ],
  },
  {
    way: "by hand",
    // What stays on the node after some of them is in nobody's way: ipvs is left for iptables at the end.
    switches: [
      byHand("iptables", "ipvs"),
      byHand("ipvs", "nftables"),
      byHand("nftables", "iptables"),
      byHand("iptables", "nftables"),
      byHand("nftables", "ipvs"),
      byHand("ipvs", "iptables"),
    ],
  },
];

/** The mode that a new lab has. */
export const firstMode: Mode = "iptables";

/** The switches that are measured, with this in their names; without it all. */
export function measuredSwitches(part = ""): Switch[] {
  return rounds
    .flatMap(({ switches }) => switches)
    .filter(({ what, isWay }) => isWay !== true && what.includes(part));
}

/** The rounds as far as it takes to measure some switches, each with only these measured. */
export function roundsFor(wanted: readonly Switch[]): Round[] {
  return rounds
    .map(({ way, switches }) => ({
      way,
      switches: switches
        .slice(0, switches.findLastIndex((each) => wanted.includes(each)) + 1)
        .map((each): Switch => (wanted.includes(each) ? each : { ...each, isWay: true })),
    }))
    .filter(({ switches }) => switches.length > 0);
}
