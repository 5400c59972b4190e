/** What is done to kube-proxy, each of it as a user does it. */
import type { Lab, Mode } from "../../lab/index.ts";
import { images } from "../../lab/real/build.ts";
import type { Scenario } from "../../tests/e2e/scenario.ts";
import {
  deletionOfDaemonSet,
  forgetVainConnections,
  killKubeProxy,
  measure,
  type Measured,
} from "../../tests/node/measure.ts";
import { addService, type Targets, targetsOf } from "../../tests/node/responder.ts";
import type { View } from "./behaviour.ts";

/** What a {@link Case} works on. */
export interface Bench {
  readonly scenario: Scenario;
  readonly lab: Lab;
  readonly mode: Mode;
  /** The node to ask from, beside the client pod on the other one. */
  readonly node: string;
  /** The Service that is there all the time. */
  readonly targets: Targets;
}

/** A change of kube-proxy. */
export interface Case {
  /** A line of Markdown. */
  readonly what: string;
  /** What a user does for it, in mode iptables; a line of Markdown. */
  readonly command: string;
  /** The mode in which alone it can be done. */
  readonly mode?: Mode;
  /** The name of its picture; without one there is none. */
  readonly picture?: string;
  /** What has to be so before. */
  prepare?(bench: Bench): Promise<unknown>;
  /** Does it, measured. */
  run(bench: Bench): Promise<Omit<View, "nodes">>;
}

/** The stack's configuration of kube-proxy; a node may not change how many connections the kernel tracks. */
export const configurationOf = (mode: Mode) => ({ mode, conntrack: { maxPerCore: 0 } });

/** Measured with the Service that is there all the time. */
const during =
  (work: (bench: Bench) => Promise<unknown>) =>
  (bench: Bench): Promise<Measured> =>
    measure(bench.lab, bench, () => work(bench));

const restart = (strategy: string, note = ""): Pick<Case, "prepare" | "run"> => ({
  prepare: ({ scenario }) => scenario.up({ restartStrategy: strategy }),
  run: during(({ scenario }) => scenario.up({ restart: `${strategy}, measured${note}` })),
});

const switchFrom = (mode: Mode, to: Mode): Case => ({
  what: `switched to ${to}`,
  command: `\`pulumi config set --path configuration.mode ${to}; pulumi up\``,
  mode,
  picture: `switch-to-${to}`,
  run: during(({ scenario }) => scenario.up({ configuration: configurationOf(to) })),
});

/** Those with this in their names; without it all. */
export function casesNamed(part = ""): Case[] {
  return cases.filter(({ what }) => what.includes(part));
}

/** All of them, in this order: the first makes what the others change, and the last end in another mode. */
const cases: readonly Case[] = [
  {
    what: "provisioned where there was none",
    command: "`pulumi up`",
    run: async (bench) => {
      let up = 0;
      const measured = await during(async ({ scenario, lab }) => {
        await scenario.up();
        up = Date.now();
        await forgetVainConnections(lab);
      })(bench);
      return { ...measured, ended: up, counted: measured.ended, awaited: measured.began };
    },
  },
  {
    what: "`Rolling` restart",
    command: "`pulumi config set restart 'any reason'; pulumi up`",
    picture: "rolling",
    ...restart("Rolling"),
  },
  {
    what: "`Recreate` restart",
    command:
      "`pulumi config set restartStrategy Recreate; pulumi up; pulumi config set restart 'any reason'; pulumi up`",
    picture: "recreate",
    ...restart("Recreate"),
  },
  {
    what: "new Service in the gap of `Recreate`",
    command: "the same, and `kubectl apply` as soon as the DaemonSet is deleted",
    prepare: ({ scenario }) => scenario.up({ restartStrategy: "Recreate" }),
    run: async ({ scenario, lab, node }) => {
      const { stack } = scenario;
      await stack.setConfig({ restart: "with a Service in the gap" });
      const began = Date.now();
      const restarting = stack.startUp();
      try {
        await deletionOfDaemonSet(restarting);
        await addService(lab, "gap");
        const awaited = Date.now();
        let ended = 0;
        const measured = await measure(
          lab,
          { node, targets: await targetsOf(lab, "gap", node) },
          async () => {
            await restarting.done;
            ended = Date.now();
            await forgetVainConnections(lab);
          },
        );
        return { ...measured, began, ended, counted: measured.ended, awaited };
      } finally {
        const { ok, output } = await restarting.done;
        if (!ok) throw new Error(`up failed:\n${output}`);
      }
    },
  },
  {
    what: "restart of one node",
    command: "`pulumi config set --path 'restartNodes.nodes[0]' real-1; pulumi up`",
    run: during(({ scenario, node }) => scenario.up({ restartNodes: { nodes: [node] } })),
  },
  {
    what: "changed configuration",
    command: "`pulumi config set --path configuration.iptables.syncPeriod 20s; pulumi up`",
    run: during(({ scenario, mode }) =>
      scenario.up({ configuration: { ...configurationOf(mode), [mode]: { syncPeriod: "20s" } } }),
    ),
  },
  {
    what: "changed image",
    command: "`pulumi config set image registry.example.com/kube-proxy:v1.37.2; pulumi up`",
    run: during(({ scenario }) => scenario.up({ image: images.otherKubeProxy })),
  },
  {
    what: "one kube-proxy killed",
    command: "`kill -9 $(pidof kube-proxy)` on the node",
    run: during(({ lab, node }) => killKubeProxy(lab, node)),
  },
  {
    what: "made `hardened`",
    command: "`pulumi config set hardened true; pulumi up`",
    run: during(({ scenario }) => scenario.up({ hardened: true })),
  },
  {
    what: "hardened: `Rolling` restart",
    command: "`pulumi config set restart 'any reason'; pulumi up`",
    ...restart("Rolling", ", hardened"),
  },
  {
    what: "not hardened any more",
    command: "`pulumi config set hardened false; pulumi up`",
    run: during(({ scenario }) => scenario.up({ hardened: false })),
  },
  {
    what: "removed, and provisioned again",
    command: "`pulumi destroy; pulumi up`",
    // Whose kube-proxy is restarted alone when it was made, too.
    prepare: ({ scenario }) => scenario.up({ restartNodes: undefined }),
    run: during(async ({ scenario }) => {
      await scenario.destroy();
      await scenario.up();
    }),
  },
  switchFrom("iptables", "nftables"),
  switchFrom("nftables", "iptables"),
];
