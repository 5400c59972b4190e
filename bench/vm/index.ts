/** What the switches between kube-proxy's modes do to connections, measured on a node with a kernel of its own. */
import { setTimeout as sleep } from "node:timers/promises";
import { loadCluster } from "../../components/cluster/client.ts";
import { type Lab, nodeCommand } from "../../lab/index.ts";
import { runOrFail } from "../../lab/tools.ts";
import { Scenario } from "../../tests/e2e/scenario.ts";
import { chooseEngine, type Engine } from "../../tests/engine/index.ts";
import { answering, isOwn, leftOf, measure, node } from "../../tests/node/machine.ts";
import { failures } from "../../tests/node/probe.ts";
import { deployResponders, type Targets, targetsOf } from "../../tests/node/responder.ts";
import {
  countFlows,
  cut,
  type Flow,
  type Count,
  type Result,
  resultOf,
  type Timeline,
  timelineOf,
} from "../node/behaviour.ts";
import { watchNodes } from "../node/watch.ts";
import { type Occasion, onOccasion } from "../occasion.ts";
import { withLab } from "../withLab.ts";
import { type Bench, firstMode, measuredSwitches, roundsFor, type Switch, type Way } from "./cases.ts";

/** What a switch did, measured once. */
export interface SwitchResult extends Result {
  readonly from: Switch["from"];
  readonly way: Way;
  /** How the same questions fared right before it, while nothing was done: the emulated node's own pace. */
  readonly control: Readonly<Record<Flow, Count>>;
  /** What failed, as far as anything did. */
  readonly failures: readonly string[];
  /** Of the kept TCP connections that broke, those of the node itself that had a Service's IPv6 address as their source. */
  readonly own: number;
  /** How many TCP connections the user was told of that ipvs carried. */
  readonly carried?: number;
  /** How many parts of the old mode were on the node afterwards. */
  readonly left: number;
}

/** The node that everything was measured on. */
export interface Machine {
  readonly kernel: string;
  /** What it says of its processor, by which an emulated one is known. */
  readonly processor: string;
}

/** All that was measured at one time, and on what. */
export interface Switches extends Occasion, Machine {
  readonly command: string;
  readonly kubernetes: string;
  readonly results: readonly SwitchResult[];
  /** For pictures, by their names. */
  readonly timelines: Readonly<Record<string, Timeline>>;
}

/** How long nothing is done in a control run, beside its attempts before and after that. */
const controlMs = 5000;

/** Looked at more often, an emulated processor would have no time for anything else. */
const watchPace = { readingMs: 3000, healthMs: 1000 };

/**
 * Switches between the modes in all directions, by this program and by hand, and measures it.
 *
 * @param only - Part of the names of the switches that are wanted; without it all.
 */
export async function measureSwitches(only?: string): Promise<Switches> {
  const engine = await chooseEngine();
  console.log(engine.description);
  return await onOccasion(engine, async () => {
    const results: SwitchResult[] = [];
    const timelines: Record<string, Timeline> = {};
    let machine: Machine = { kernel: "", processor: "" };
    let kubernetes = "";
    for (const { way, switches } of roundsFor(measuredSwitches(only))) {
      const kubeadm = way === "by hand";
      const name = `bench-${process.pid}`;
      await withLab({ name, vmNodes: 1, kubeadm, ...(kubeadm && { mode: firstMode }) }, async (lab) => {
        kubernetes = lab.kubernetesVersion;
        machine = await machineOf(lab);
        await measureRound({ lab, engine, way, switches }, (result, picture, timeline) => {
          results.push(result);
          if (picture !== undefined) timelines[picture] = timeline;
        });
      });
    }
    return { command: "npm run bench -- --vm", kubernetes, ...machine, results, timelines };
  });
}

async function machineOf(lab: Lab): Promise<Machine> {
  const say = async (...command: string[]) => (await runOrFail(nodeCommand(lab, node, command))).trim();
  const processor = /^model name\s*: (.*)$/m.exec(await say("cat", "/proc/cpuinfo"))?.[1] ?? "";
  return { kernel: await say("uname", "-r"), processor };
}

interface RoundOptions {
  readonly lab: Lab;
  readonly engine: Engine;
  readonly way: Way;
  readonly switches: readonly Switch[];
}

type OnResult = (result: SwitchResult, picture: string | undefined, timeline: Timeline) => void;

async function measureRound({ lab, engine, way, switches }: RoundOptions, onResult: OnResult): Promise<void> {
  const config = { podSubnet: lab.podSubnet, configuration: { mode: firstMode } };
  const scenario = await Scenario.open(engine, lab, config);
  const watch = await watchNodes(lab, loadCluster({ kubeconfig: lab.kubeconfig }, {}), watchPace);
  try {
    if (way === "pulumi up") await scenario.up();
    await deployResponders(lab, node);
    const targets = await targetsOf(lab, "responder", node);
    for (const each of switches) {
      await answering(lab, targets);
      console.log(`${each.what}${each.isWay === true ? ", for the next one" : ""}`);
      if (each.isWay === true) await each.run({ scenario, watch });
      else onResult(...(await measureSwitch({ lab, targets, bench: { scenario, watch }, way }, each)));
    }
  } finally {
    await watch.stop();
    await scenario.dispose();
  }
}

interface SwitchOptions {
  readonly lab: Lab;
  readonly targets: Targets;
  readonly bench: Bench;
  readonly way: Way;
}

async function measureSwitch(
  { lab, targets, bench, way }: SwitchOptions,
  { from, to, what, command, picture, run }: Switch,
): Promise<Parameters<OnResult>> {
  const control = await measure(lab, targets, () => sleep(controlMs));
  let told = "";
  const seen = await measure(lab, targets, async () => {
    told = await run(bench);
  });
  const view = cut({ ...seen, nodes: bench.watch.nodes() });
  const [, carried] =
    new RegExp(`(?:Kept|Cut), as modeSwitch says: ${node} (\\d+) connections`).exec(told) ?? [];
  const result: SwitchResult = {
    ...resultOf({ mode: to, what, command }, view),
    from,
    way,
    control: countFlows(control.attempts),
    failures: failures(seen.attempts),
    own: countFlows(seen.attempts.filter(isOwn))["kept tcp"].broken ?? 0,
    ...(carried !== undefined && { carried: Number(carried) }),
    left: (await leftOf(lab, from)).length,
  };
  for (const line of result.failures) console.log(`  ${line}`);
  return [result, picture, timelineOf(what, to, view)];
}
