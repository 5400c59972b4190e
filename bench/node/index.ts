/** What changes of kube-proxy do to the connections of a cluster's users, measured on real nodes. */
import { availableParallelism, release } from "node:os";
import { loadCluster } from "../../components/cluster/client.ts";
import type { Lab, Mode } from "../../lab/index.ts";
import { Scenario } from "../../tests/e2e/scenario.ts";
import { chooseEngine, type Engine } from "../../tests/engine/index.ts";
import { deployResponders, targetsOf } from "../../tests/node/responder.ts";
import { load } from "../occasion.ts";
import { withLab } from "../withLab.ts";
import { cut, type Result, resultOf, type Timeline, timelineOf } from "./behaviour.ts";
import { type Bench, type Case, casesNamed, configurationOf } from "./cases.ts";
import { watchNodes } from "./watch.ts";

/** All that was measured at one time, and on what. */
export interface Behaviour {
  /** ISO 8601. */
  readonly at: string;
  readonly engine: Engine["kind"];
  readonly kubernetes: string;
  readonly kernel: string;
  readonly cores: number;
  /** The machine's load averages of the last minute, when the measurement began and when it ended. */
  readonly load: readonly [before: number, after: number];
  readonly results: readonly Result[];
  /** For pictures, by their names. */
  readonly timelines: Readonly<Record<string, Timeline>>;
}

/** Pictures are of the mode that kubeadm's kube-proxy has. */
const pictured: Mode = "iptables";

/** The node to ask from, and the one with the pod to ask from. */
const [node, other] = ["real-1", "real-2"];

/** The modes that this machine's kernel has. */
const modes = ["iptables", "nftables"] as const;

/**
 * Does all that a user may do to kube-proxy, in each mode on a lab of its own with two real nodes, and measures it.
 *
 * @param only - Part of the names of the cases that are wanted; without it all.
 */
export async function measureBehaviour(only?: string): Promise<Behaviour> {
  const wanted = casesNamed(only);
  const engine = await chooseEngine();
  console.log(engine.description);
  const at = new Date().toISOString();
  const before = load();
  const results: Result[] = [];
  const timelines: Record<string, Timeline> = {};
  let kubernetes = "";
  for (const mode of modes) {
    await withLab({ name: `bench-${mode}`, realNodes: 2 }, async (lab, interrupted) => {
      kubernetes = lab.kubernetesVersion;
      await measureMode({ lab, engine, mode, wanted, interrupted }, (result, picture, timeline) => {
        results.push(result);
        if (picture !== undefined && mode === pictured) timelines[picture] = timeline;
      });
    });
  }
  return {
    at,
    engine: engine.kind,
    kubernetes,
    kernel: release(),
    cores: availableParallelism(),
    load: [before, load()],
    results,
    timelines,
  };
}

interface ModeOptions {
  readonly lab: Lab;
  readonly engine: Engine;
  readonly mode: Mode;
  readonly wanted: readonly Case[];
  readonly interrupted: Promise<never>;
}

type OnResult = (result: Result, picture: string | undefined, timeline: Timeline) => void;

async function measureMode(options: ModeOptions, onResult: OnResult): Promise<void> {
  const { lab, engine, mode, wanted, interrupted } = options;
  const config = { podSubnet: lab.podSubnet, configuration: configurationOf(mode) };
  const scenario = await Scenario.open(engine, lab, config);
  const watch = await watchNodes(lab, loadCluster({ kubeconfig: lab.kubeconfig }, {}));
  const measureAll = async (): Promise<void> => {
    await deployResponders(lab, other);
    const bench: Bench = { scenario, lab, mode, node, targets: await targetsOf(lab, "responder", node) };
    const measured = async (each: Case): Promise<void> => {
      console.log(`mode ${mode}: ${each.what}`);
      await each.prepare?.(bench);
      const seen = await each.run(bench);
      const nodes = watch.nodes().map((of) => ({ ...of, from: of.name === node ? "node" : "pod" }));
      const view = cut({ ...seen, nodes });
      const { what, command } = each;
      onResult(resultOf({ mode, what, command }, view), each.picture, timelineOf(what, mode, view));
    };
    // The others change what the first has made.
    if (wanted[0] !== casesNamed()[0]) await scenario.up();
    const possible = wanted.filter((each) => (each.mode ?? mode) === mode);
    for (const each of possible) await measured(each);
  };
  try {
    await Promise.race([measureAll(), interrupted]);
  } finally {
    await watch.stop();
    await scenario.dispose();
  }
}
