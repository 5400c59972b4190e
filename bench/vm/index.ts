/** What the switches between kube-proxy's modes do to connections, measured on a node with a kernel of its own. */
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { loadCluster } from "../../components/cluster/client.ts";
import { type Lab, nodeCommand } from "../../lab/index.ts";
import { runOrFail } from "../../lab/tools.ts";
import { Scenario } from "../../tests/e2e/scenario.ts";
import { chooseEngine, type Engine } from "../../tests/engine/index.ts";
import { answering, isOwn, leftOf, measure, node } from "../../tests/node/machine.ts";
import { failures } from "../../tests/node/probe.ts";
import { deployResponders, type Targets, targetsOf } from "../../tests/node/responder.ts";
import { countFlows, cut, resultOf, timelineOf } from "../node/behaviour.ts";
import { watchNodes } from "../node/watch.ts";
import { load } from "../occasion.ts";
import { withLab } from "../withLab.ts";
import {
  type Bench,
  firstMode,
  measuredSwitches,
  type Round,
  roundsFor,
  type Switch,
  type Way,
} from "./cases.ts";
import type { Outcome, Setting, SwitchResult } from "./results.ts";

/** How long nothing is done in a control run, beside its attempts before and after that. */
const controlMs = 5000;

/** Looked at more often, an emulated processor would have no time for anything else. */
const watchPace = { readingMs: 3000, healthMs: 1000, timeoutMs: 10_000 };

/**
 * Switches between the modes in all directions, by this program and by hand, and measures it.
 *
 * @param only - Part of the names of the switches that are wanted; without it all.
 * @param onOutcome - Takes what was measured of each, as soon as it was: all of it takes the better part of an hour.
 */
export async function measureSwitches(
  only: string | undefined,
  onOutcome: (outcome: Outcome) => Promise<void>,
): Promise<void> {
  const engine = await chooseEngine();
  console.log(engine.description);
  for (const round of roundsFor(measuredSwitches(only))) await measureRound(engine, round, onOutcome);
}

/** Goes round on a lab of its own: kube-proxy is a stack's, or kubeadm's where it is switched by hand. */
async function measureRound(
  engine: Engine,
  { way, switches }: Round,
  onOutcome: (outcome: Outcome) => Promise<void>,
): Promise<void> {
  const kubeProxy = way === "by hand" ? { kubeadm: true, mode: firstMode } : {};
  await withLab({ name: `bench-${process.pid}`, vmNodes: 1, ...kubeProxy }, async (lab, interrupted) => {
    const config = { podSubnet: lab.podSubnet, configuration: { mode: firstMode } };
    const scenario = await Scenario.open(engine, lab, config);
    const watch = await watchNodes(lab, loadCluster({ kubeconfig: lab.kubeconfig }, {}), watchPace);
    const goRound = async (): Promise<void> => {
      if (way === "pulumi up") await scenario.up();
      await deployResponders(lab, node);
      const targets = await targetsOf(lab, "responder", node);
      const setting = await settingOf(lab, engine);
      for (const each of switches) {
        await answering(lab, targets);
        console.log(`${each.what}${each.isWay === true ? ", for the next one" : ""}`);
        if (each.isWay === true) await each.run({ scenario, watch });
        else {
          const measured = await measureSwitch({ lab, targets, bench: { scenario, watch }, way }, each);
          await onOutcome({ setting, ...measured });
        }
      }
    };
    try {
      await Promise.race([goRound(), interrupted]);
    } finally {
      await watch.stop();
      await scenario.dispose();
    }
  });
}

async function settingOf(lab: Lab, { kind }: Engine): Promise<Setting> {
  const say = async (...command: string[]) => (await runOrFail(nodeCommand(lab, node, command))).trim();
  return {
    engine: kind,
    cores: availableParallelism(),
    kubernetes: lab.kubernetesVersion,
    kernel: await say("uname", "-r"),
    processor: /^model name\s*: (.*)$/m.exec(await say("cat", "/proc/cpuinfo"))?.[1] ?? "",
  };
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
): Promise<Omit<Outcome, "setting">> {
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
    at: new Date().toISOString(),
    load: load(),
    from,
    way,
    control: countFlows(control.attempts),
    failures: failures(seen.attempts),
    own: from === "ipvs" ? (countFlows(seen.attempts.filter(isOwn))["kept tcp"].broken ?? 0) : 0,
    ...(carried !== undefined && { carried: Number(carried) }),
    left: (await leftOf(lab, from)).length,
  };
  for (const line of result.failures) console.log(`  ${line}`);
  return {
    result,
    timelines: picture === undefined ? {} : { [picture]: timelineOf(`switched from ${what}`, to, view) },
  };
}
