/** How ipvs is left, as `pulumi up` does it on a node with a kernel of its own, which has it. */
import assert from "node:assert/strict";
import { before, suite, test, type TestContext } from "node:test";
import { nodeCommand } from "../../lab/index.ts";
import { images } from "../../lab/real/build.ts";
import { run, runOrFail } from "../../lab/tools.ts";
import { useLab } from "../e2e/useLab.ts";
import { eventually, type Scenario } from "../e2e/scenario.ts";
import { type Attempt, failures, Probe } from "./probe.ts";
import { deployResponders, type Targets, targetsOf } from "./responder.ts";
import { skipMachines } from "./requirements.ts";

const node = "vm-1";

/** An emulated processor takes its time. */
const pace = { intervalMs: 3000, timeoutMs: 10_000 };

/** Attempts of each kind before and after a change. */
const [ahead, afterwards] = [2, 4];

suite("leaving ipvs", { skip: skipMachines }, () => {
  const lab = useLab({ name: `t${process.pid}-ipvs`, vmNodes: 1 });
  let scenario: Scenario;
  let targets: Targets;
  before(async () => {
    scenario = await lab.open({ podSubnet: lab.lab.podSubnet, configuration: { mode: "ipvs" } });
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

  /** Over TCP, from the node and a pod, to both kinds of address in both families. */
  const tcpTargets = () => Object.keys(targets).filter((name) => name.includes(" tcp ")).length;

  async function toIpvs(from: string): Promise<void> {
    const confirmModeSwitch = `${from} to ipvs`;
    await scenario.up({ configuration: { mode: "ipvs" }, confirmModeSwitch, modeSwitch: {} });
    await answering();
  }

  test("by nobody: what answers is the emulated node's own pace", async (t) => {
    assert.deepEqual(failures(await measure(t, () => Promise.resolve())), []);
  });

  test("for nftables: refused with what ipvs carries, then done with ipvs kept; nothing fails and nothing breaks", async (t) => {
    // It has sh and ip there, as the image of a user's would.
    const modeSwitch = { onDeadline: "keep", image: images.kubeProxy };
    const attempts = await measure(t, async () => {
      await scenario.stack.setConfig({
        configuration: { mode: "nftables" },
        modeSwitch: { ...modeSwitch, onDeadline: "stop", drain: "0s" },
      });
      const { ok, output } = await scenario.stack.up();
      assert.equal(ok, false);
      assert.match(output, /draining ipvs; no kube-proxy was touched, and the helpers stay:/);
      assert.match(output, new RegExp(`ipvs on ${node}: carries ${2 * tcpTargets()} connections \\(2 to `));
      const kept = await scenario.up({ modeSwitch });
      assert.match(
        kept.output,
        new RegExp(`Kept, as modeSwitch says: ${node} ${2 * tcpTargets()} connections`),
      );
    });
    assert.deepEqual(failures(attempts), []);
    assert.ok((await ofIpvs()).includes("kube-ipvs0"));
  });

  test("cleared by a later update, when it carries nothing: nothing fails, and nothing of it is left", async (t) => {
    const attempts = await measure(t, async () => {
      const { output } = await scenario.up({ modeSwitch: { image: images.kubeProxy } });
      assert.match(output, /Drained: ipvs carries no connection any more/);
    });
    assert.deepEqual(failures(attempts), []);
    assert.deepEqual(await ofIpvs(), []);
  });

  test("for nftables, and cut: what was counted breaks, and nothing else", async (t) => {
    await toIpvs("nftables");
    let output = "";
    const attempts = await measure(t, async () => {
      ({ output } = await scenario.up({
        configuration: { mode: "nftables" },
        modeSwitch: { drain: "0s", onDeadline: "cut" },
      }));
    });
    assert.match(output, new RegExp(`Cut, as modeSwitch says: ${node} ${2 * tcpTargets()} connections`));
    const failed = attempts.filter(({ error }) => error !== undefined);
    assert.deepEqual(
      failed.filter(({ flow }) => flow === "new"),
      [],
    );
    const broken = failed.filter(({ target }) => target.includes(" tcp "));
    assert.equal(new Set(broken.map(({ from, target }) => `${from} ${target}`)).size, 2 * tcpTargets());
    assert.deepEqual(await ofIpvs(), []);
  });

  test("for iptables, kept and then cleared: it needs no preparation", async (t) => {
    await toIpvs("nftables");
    const modeSwitch = { onDeadline: "keep", image: images.kubeProxy };
    const attempts = await measure(t, async () => {
      await scenario.up({ configuration: { mode: "iptables" }, modeSwitch });
    });
    assert.deepEqual(failures(attempts), []);
    assert.ok((await ofIpvs()).includes("kube-ipvs0"));
    const cleared = await measure(t, async () => {
      await scenario.up({ modeSwitch: { image: images.kubeProxy } });
    });
    assert.deepEqual(failures(cleared), []);
    assert.deepEqual(await ofIpvs(), []);
  });
});
