/** How ipvs is left, as `pulumi up` does it on a node with a kernel of its own. */
import { before, suite, test, type TestContext } from "node:test";
import { nodeCommand } from "../../lab/index.ts";
import { run, runOrFail } from "../../lab/tools.ts";
import type { Scenario } from "../e2e/scenario.ts";
import { useLab } from "../e2e/useLab.ts";
import { type Attempt, failures, Probe } from "./probe.ts";
import { deployResponders, targetsOf, type Targets } from "./responder.ts";

const node = "vm-1";
const pace = { intervalMs: 500, timeoutMs: 5000 };

suite("leaving ipvs", () => {
  const lab = useLab({ name: `t${process.pid}-ipvs`, vmNodes: 1 });
  let scenario: Scenario;
  let targets: Targets;
  before(async () => {
    scenario = await lab.open({ podSubnet: lab.lab.podSubnet, configuration: { mode: "ipvs" } });
    await scenario.up();
    await deployResponders(lab.lab, node);
    targets = await targetsOf(lab.lab, "responder", node);
  });

  const onNode = async (...command: string[]) => await runOrFail(nodeCommand(lab.lab, node, command));
  const left = async () => ({
    device: (await run(nodeCommand(lab.lab, node, ["ip", "link", "show", "kube-ipvs0"]))).code === 0,
    servers: (await onNode("ipvsadm", "-Ln")).split("\n").filter((line) => /^(TCP|UDP)/.test(line)),
    sets: (await onNode("ipset", "list", "-n")).trim(),
    chains: (await onNode("iptables-save")).split("\n").filter((line) => /^:KUBE/.test(line)),
    chains6: (await onNode("ip6tables-save")).split("\n").filter((line) => /^:KUBE/.test(line)),
    tables: (await onNode("nft", "list", "tables")).trim(),
  });

  async function measured(t: TestContext, work: () => Promise<unknown>): Promise<readonly Attempt[]> {
    const probe = await Probe.start(lab.lab, node, targets, pace);
    try {
      await probe.after(Date.now(), 5);
      await work();
      await probe.after(Date.now(), 10);
      t.diagnostic(`${probe.attempts.length} attempts: ${JSON.stringify(failures(probe.attempts), null, 1)}`);
      return probe.attempts;
    } finally {
      await probe.stop();
    }
  }

  async function changes(t: TestContext, config: Record<string, unknown>): Promise<void> {
    const began = Date.now();
    await scenario.stack.setConfig(config);
    const { ok, output } = await scenario.stack.up();
    t.diagnostic(`${ok ? "ok" : "FAILED"} after ${(Date.now() - began) / 1000} s:\n${output}`);
  }

  test("control", async (t) => {
    await measured(t, async () => undefined);
    t.diagnostic(JSON.stringify(await left(), null, 1));
  });
  test("to nftables, stop", async (t) => {
    await measured(t, () => changes(t, { configuration: { mode: "nftables" }, modeSwitch: { drain: "5s" } }));
    t.diagnostic(JSON.stringify(await left(), null, 1));
  });
  test("to nftables, kept", async (t) => {
    await measured(t, () =>
      changes(t, { configuration: { mode: "nftables" }, modeSwitch: { onDeadline: "keep" } }),
    );
    t.diagnostic(JSON.stringify(await left(), null, 1));
  });
  test("cleared", async (t) => {
    await measured(t, () => changes(t, { modeSwitch: { drain: "10s", onDeadline: "cut" } }));
    t.diagnostic(JSON.stringify(await left(), null, 1));
  });
  test("to ipvs", async (t) => {
    await measured(t, () =>
      changes(t, { configuration: { mode: "ipvs" }, confirmModeSwitch: "nftables to ipvs" }),
    );
    t.diagnostic(JSON.stringify(await left(), null, 1));
  });
  test("to iptables, kept", async (t) => {
    await measured(t, () =>
      changes(t, { configuration: { mode: "iptables" }, modeSwitch: { onDeadline: "keep" } }),
    );
    t.diagnostic(JSON.stringify(await left(), null, 1));
  });
  test("cleared beside iptables", async (t) => {
    await measured(t, () => changes(t, { modeSwitch: { drain: "10s", onDeadline: "cut" } }));
    t.diagnostic(JSON.stringify(await left(), null, 1));
  });
});
