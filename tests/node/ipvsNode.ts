/** A node with a kernel of its own, whose kube-proxy runs in mode ipvs, and what becomes of connections when that is left. */
import { before, type TestContext } from "node:test";
import { nodeCommand } from "../../lab/index.ts";
import { run } from "../../lab/tools.ts";
import type { Scenario } from "../e2e/scenario.ts";
import { useLab } from "../e2e/useLab.ts";
import { answering, leftOf, measure as measureOn, node } from "./machine.ts";
import type { Attempt } from "./probe.ts";
import { deployResponders, type Targets, targetsOf } from "./responder.ts";

/**
 * A node in mode ipvs and a stack that owns its kube-proxy, for the tests of one suite.
 *
 * @param ipvs - what is set of its section
 */
export function useIpvsNode(name: string, ipvs: Readonly<Record<string, unknown>> = {}) {
  const lab = useLab({ name, vmNodes: 1 });
  let scenario: Scenario;
  let targets: Targets;
  before(async () => {
    scenario = await lab.open({ podSubnet: lab.lab.podSubnet, configuration: { mode: "ipvs", ipvs } });
    await scenario.up();
    await deployResponders(lab.lab, node);
    targets = await targetsOf(lab.lab, "responder", node);
    await answering(lab.lab, targets);
  });

  /** What became of connections, new ones and those that were there before, while some work was done. */
  async function measure(t: TestContext, work: () => Promise<void>): Promise<readonly Attempt[]> {
    const { began, ended, attempts } = await measureOn(lab.lab, targets, work);
    t.diagnostic(`${attempts.length} attempts, beside ${(ended - began) / 1000} s of work`);
    return attempts;
  }

  async function toIpvs(from: string): Promise<void> {
    const confirmModeSwitch = `${from} to ipvs`;
    await scenario.up({ configuration: { mode: "ipvs", ipvs }, confirmModeSwitch, modeSwitch: {} });
    await answering(lab.lab, targets);
  }

  return {
    get scenario() {
      return scenario;
    },
    /** How many connections the probe keeps over TCP: from the node and from a pod, to each address. */
    get keptByTcp() {
      return 2 * Object.keys(targets).filter((one) => one.includes(" tcp ")).length;
    },
    onNode: (...command: string[]) => run(nodeCommand(lab.lab, node, command)),
    ofIpvs: () => leftOf(lab.lab, "ipvs"),
    ...{ measure, toIpvs },
  };
}
