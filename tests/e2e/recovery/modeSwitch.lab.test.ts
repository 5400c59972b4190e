/** Whatever interrupts a switch between modes, a plain `up` afterwards ends it, and nothing of it is left. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { neverReadyImage } from "../../../lab/index.ts";
import type { LivePod } from "../scenario.ts";
import { type Call, isOnce } from "./faultProxy.ts";
import { useRig } from "./rig.ts";

const pods = "/api/v1/namespaces/kube-system/pods";

suite("a switch between modes, interrupted anywhere", () => {
  const at = useRig("e2e-recovery-mode", { verify: true });
  let mode = "iptables";
  before(() => at.rig.scenario.up());
  after(() => {
    console.log(`A switch between modes: ${at.rig.interruptions} interruptions`);
  });

  /** Asks for the mode that does not run. */
  async function chooseOther(): Promise<void> {
    mode = mode === "iptables" ? "nftables" : "iptables";
    await at.rig.scenario.stack.setConfig({ configuration: { mode } });
  }

  const kubectl = (...args: string[]) => at.rig.scenario.cluster.kubectl(args);
  const helpers = async (): Promise<LivePod[]> =>
    (
      JSON.parse(await kubectl("get", "pods", "-l", "kube-proxy/helper", "-o", "json")) as {
        items: LivePod[];
      }
    ).items;
  const liveConfiguration = () =>
    kubectl("get", "configmap", "kube-proxy", "-o", "jsonpath={.data.config\\.conf}");

  async function assertWell(): Promise<void> {
    await at.rig.assertWell("initial");
    assert.match(await liveConfiguration(), new RegExp(`^mode: "?${mode}"?$`, "m"));
    assert.deepEqual(await helpers(), []);
  }

  /** Interrupts a switch, and has a plain `up` end it. */
  async function interrupted(work: () => Promise<unknown>): Promise<void> {
    await chooseOther();
    await work();
    await at.rig.scenario.up();
    await assertWell();
  }

  test("a preview says what it does in three steps, and does nothing", async () => {
    await chooseOther();
    const untouched = await at.rig.scenario.cluster.fingerprint();
    const { output } = await at.rig.scenario.stack.preview();
    assert.match(output, /kube-proxy switches from mode iptables to nftables, in three steps\. Prepare: /);
    assert.deepEqual(await at.rig.scenario.cluster.fingerprint(), untouched);
    assert.deepEqual(await helpers(), []);
  });

  let calls: readonly Call[] = [];
  test("not at all: a helper is on every node until its kube-proxy is replaced", async () => {
    const beside = new Map<string, number>();
    at.rig.onCall(async ({ name }) => {
      if (/^(PATCH|DELETE) /.test(name)) beside.set(name.replace(/.*\//, ""), (await helpers()).length);
    });
    calls = await at.rig.callsOf(() => at.rig.scenario.up());
    at.rig.onCall(() => undefined);
    assert.equal(beside.get("kube-proxy"), 3, "none is missing when the DaemonSet is changed");
    const deleted = calls.filter(({ name }) => name.startsWith("DELETE ") && name.endsWith(`-${mode}`));
    assert.deepEqual(deleted, [], "each goes with the kube-proxy that it stands beside");
    await assertWell();
  });

  for (const fault of ["refuse", "cut"] as const) {
    test(`at each write, by ${fault}`, async () => {
      await interrupted(async () => {
        const writes = [...new Set(calls.filter((call) => call.writes).map(({ name }) => name))];
        assert.equal(writes[0], `POST ${pods}`, "a helper comes before all else");
        await at.rig.interrupt("up", fault, writes.filter(isOnce));
      });
    });
  }

  for (const [part, fraction] of Object.entries({ beginning: 0.3, middle: 0.6, end: 0.9 })) {
    test(`killed, in the ${part}`, async () => {
      await interrupted(async () => {
        let seen = 0;
        await at.rig.kill(() => (seen += 1) === Math.ceil(calls.length * fraction));
      });
    });
  }

  test("killed as soon as there is a helper, and given up", async () => {
    const old = mode;
    await chooseOther();
    let posted = 0;
    assert.ok(await at.rig.kill(({ name }) => name === `POST ${pods}` && (posted += 1) === 3, 50));
    assert.ok((await helpers()).length > 0);
    await chooseOther();
    assert.equal(mode, old);
    const { output } = await at.rig.scenario.stack.preview();
    assert.match(output, /A switch between modes was given up: \d helpers? and their rules are removed/);
    await at.rig.scenario.up();
    await assertWell();
  });

  test("by helpers that do not start: nothing is switched, and they are gone", async () => {
    const { cluster, stack } = at.rig.scenario;
    const [untouched, configuration] = [await cluster.daemonSets(), await liveConfiguration()];
    await chooseOther();
    await stack.setConfig({ image: neverReadyImage, timeouts: { verify: "4s" } });
    const { ok, output } = await stack.up();
    assert.equal(ok, false);
    assert.match(output, /3 problems in preparing the switch to mode \w+; no kube-proxy was touched:/);
    assert.match(output, /helper on node-0001: it is not Ready: ImagePullBackOff/);
    assert.deepEqual(await liveConfiguration(), configuration);
    assert.deepEqual(
      (await cluster.daemonSets()).map(({ metadata }) => metadata.generation),
      untouched.map(({ metadata }) => metadata.generation),
    );
    assert.deepEqual(await helpers(), []);
    await stack.setConfig({ image: undefined, timeouts: undefined });
    await at.rig.scenario.up();
    await assertWell();
  });

  test("by nobody, to ipvs: it has to be confirmed", async () => {
    const { stack } = at.rig.scenario;
    await stack.setConfig({ configuration: { mode: "ipvs" } });
    const { ok, output } = await stack.preview();
    assert.equal(ok, false);
    assert.match(
      output,
      new RegExp(
        `configuration\\.mode: "ipvs" is not accepted; .*set confirmModeSwitch to "${mode} to ipvs"`,
      ),
    );
    await stack.setConfig({ confirmModeSwitch: `${mode} to ipvs` });
    const confirmed = await stack.preview();
    assert.ok(confirmed.ok, confirmed.output);
    assert.match(
      confirmed.output,
      /warning: .*kube-proxy switches from mode \w+ to ipvs: ipvs is deprecated/,
    );
  });
});
