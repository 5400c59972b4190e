/** A node with a kernel of its own, whose kube-proxy runs in mode ipvs, and what becomes of connections when that is left. */
import { before, type TestContext } from "node:test";
import { nodeCommand } from "../../lab/index.ts";
import { run, runOrFail } from "../../lab/tools.ts";
import { eventually, type Scenario } from "../e2e/scenario.ts";
import { useLab } from "../e2e/useLab.ts";
import { type Attempt, failures, Probe } from "./probe.ts";
import { deployResponders, type Targets, targetsOf } from "./responder.ts";

/** Its name. */
export const node = "vm-1";

/** An emulated processor takes its time. */
const pace = { intervalMs: 3000, timeoutMs: 10_000 };

/** Attempts of each kind before and after a change. */
const [ahead, afterwards] = [2, 4];

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
    await answering();
  });

  /** Waits until every address answers: in mode ipvs the rules come after the endpoints by half a minute there. */
  async function answering(): Promise<void> {
    await eventually(
      "an answer of every address",
      async () => {
        const probe = await Probe.start(lab.lab, node, targets, { ...pace, timeoutMs: 2000 });
        await probe.stop();
        return failures(probe.attempts).length === 0;
      },
      240,
    );
  }

  const onNode = (...command: string[]) => run(nodeCommand(lab.lab, node, command));
  const linesOf = async (...command: string[]) =>
    (await runOrFail(nodeCommand(lab.lab, node, command))).split("\n").filter((line) => line !== "");

  /** What is on the node of mode ipvs. Chains with other names are those of mode iptables, too. */
  async function ofIpvs(): Promise<string[]> {
    const device = await onNode("ip", "link", "show", "kube-ipvs0");
    const rules = [...(await linesOf("iptables-save")), ...(await linesOf("ip6tables-save"))];
    return [
      ...(device.code === 0 ? ["kube-ipvs0"] : []),
      ...(await linesOf("ipvsadm", "-Ln")).filter((line) => /^(TCP|UDP|SCTP) /.test(line)),
      ...(await linesOf("ipset", "list", "-n")),
      ...rules.filter((rule) => /KUBE-(IPVS|NODE-PORT\b|LOAD-BALANCER|SOURCE-RANGES)/.test(rule)),
    ];
  }

  /** What became of connections, new ones and those that were there before, while some work was done. */
  async function measure(t: TestContext, work: () => Promise<void>): Promise<readonly Attempt[]> {
    const probe = await Probe.start(lab.lab, node, targets, pace);
    try {
      await probe.after(Date.now(), ahead);
      const began = Date.now();
      await work();
      const ended = Date.now();
      await probe.after(ended, afterwards);
      t.diagnostic(`${probe.attempts.length} attempts, beside ${(ended - began) / 1000} s of work`);
      return probe.attempts;
    } finally {
      await probe.stop();
    }
  }

  async function toIpvs(from: string): Promise<void> {
    const confirmModeSwitch = `${from} to ipvs`;
    await scenario.up({ configuration: { mode: "ipvs", ipvs }, confirmModeSwitch, modeSwitch: {} });
    await answering();
  }

  return {
    get scenario() {
      return scenario;
    },
    /** How many connections the probe keeps over TCP: from the node and from a pod, to each address. */
    get keptByTcp() {
      return 2 * Object.keys(targets).filter((one) => one.includes(" tcp ")).length;
    },
    ...{ onNode, ofIpvs, measure, toIpvs },
  };
}

/** Whether an attempt was over a connection of the node itself that had a Service's IPv6 address as its source. */
export function isOwn({ from, target, flow }: Attempt): boolean {
  return from === "node" && flow === "kept" && target.startsWith("ClusterIP") && target.endsWith("IPv6");
}
