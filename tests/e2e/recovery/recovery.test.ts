/** Whatever interrupts an `up`, a plain one afterwards ends in the wanted state. */
import assert from "node:assert/strict";
import { after, before, suite, test, type TestContext } from "node:test";
import fc from "fast-check";
import { type Fault, faults } from "./faultProxy.ts";
import type { Scenario } from "../scenario.ts";
import { type Rig, useRig } from "./rig.ts";

const allFaults = Object.keys(faults) as Fault[];
/** Decides what is drawn by lot; that of a failed run makes the same choice again. */
const seed = Number(process.env["RECOVERY_SEED"] ?? Date.now() % 2 ** 31);

const restarted = "/apis/apps/v1/namespaces/kube-system/daemonsets";

suite("interrupted anywhere, a plain up ends in the wanted state", { concurrency: 2 }, () => {
  console.log(`RECOVERY_SEED=${seed}`);

  suite("Rolling", { concurrency: 1 }, () => {
    const at = useRig("e2e-recovery-rolling", {});
    before(() => at.rig.scenario.up());
    after(() => {
      console.log(`Rolling: ${at.rig.interruptions} interruptions`);
    });

    test("a restart, at every write", (t) => restartAtEachWrite(t, at.rig, allFaults));
    test("a restart, at some of the reads", (t) => restartAtSomeReads(t, at.rig));
    test("a change in place, at every write", (t) => changeAtEachWrite(t, at.rig));
    test("a restart, killed", (t) => killedRestarts(t, at.rig, 8));
    test("a restart while a pod is about to end puts no second one beside it", () =>
      restartBesideEndingPod(at.rig));
    test("a stack that knows nothing of a kube-proxy that runs leaves it as it is", () =>
      strangersLeaveItAlone(at.rig, () => at.open()));
  });

  suite("Recreate", { concurrency: 1 }, () => {
    const at = useRig("e2e-recovery-recreate", { restartStrategy: "Recreate" });
    before(() => at.rig.scenario.up());
    after(() => {
      console.log(`Recreate: ${at.rig.interruptions} interruptions`);
    });

    test("a restart, at every write", (t) => restartAtEachWrite(t, at.rig, ["refuse", "reset", "cut"]));
    test("a restart, killed", (t) => killedRestarts(t, at.rig, 6));
    test("provisioning and destroying, at every write", (t) => lifeAtEachWrite(t, at.rig));
  });
});

async function restartAtEachWrite(t: TestContext, rig: Rig, some: readonly Fault[]): Promise<void> {
  const calls = await rig.callsOf(() => rig.scenario.up({ restart: "uninterrupted" }));
  const writes = calls.filter((call) => call.writes).map(({ name }) => name);
  assert.deepEqual(writes, [`DELETE ${restarted}/kube-proxy`, `POST ${restarted}`]);
  for (const call of writes) {
    for (const fault of some) await t.test(`${fault} at ${call}`, () => restartAt(rig, fault, call));
  }
}

async function restartAtSomeReads(t: TestContext, rig: Rig): Promise<void> {
  const calls = await rig.callsOf(() => rig.scenario.up({ restart: "verified", verify: true }));
  const reads = new Set(calls.filter((call) => !call.writes).map(({ name }) => name));
  const draw = fc.tuple(fc.constantFrom(...allFaults), fc.constantFrom(...reads));
  for (const [fault, call] of fc.sample(draw, { seed, numRuns: 8 })) {
    await t.test(`${fault} at ${call}`, () => restartAt(rig, fault, call));
  }
  await rig.scenario.stack.setConfig({ verify: false });
}

async function restartAt(rig: Rig, fault: Fault, call: string): Promise<void> {
  const token = `${fault} at ${call}`;
  await rig.scenario.stack.setConfig({ restart: token });
  await rig.interrupt("up", fault, [call]);
  await rig.recover(token);
}

async function changeAtEachWrite(t: TestContext, rig: Rig): Promise<void> {
  await rig.scenario.up({ restart: "before the changes" });
  for (const [i, fault] of allFaults.entries()) {
    await t.test(fault, async () => {
      await rig.scenario.stack.setConfig({ configuration: { iptables: { syncPeriod: `${30 + i}s` } } });
      await rig.interrupt("up", fault, [
        "PATCH /api/v1/namespaces/kube-system/configmaps/kube-proxy",
        `PATCH ${restarted}/kube-proxy`,
      ]);
      await rig.recover("before the changes");
    });
  }
}

async function killedRestarts(t: TestContext, rig: Rig, count: number): Promise<void> {
  const calls = await rig.callsOf(() => rig.scenario.up({ restart: "before the kills" }));
  const draw = fc.record({
    atCall: fc.integer({ min: 1, max: calls.length }),
    afterMs: fc.integer({ min: 0, max: 100 }),
  });
  for (const kill of fc.sample(draw, { seed, numRuns: count })) {
    const token = `killed ${kill.afterMs} ms after call ${kill.atCall} of ${calls.length}`;
    await t.test(token, async () => {
      await rig.scenario.stack.setConfig({ restart: token });
      await rig.kill(kill);
      await rig.recover(token);
    });
  }
}

async function restartBesideEndingPod(rig: Rig): Promise<void> {
  const { cluster } = rig.scenario;
  const [pod = ""] = (await cluster.kubectl(["get", "pods", "-l", "k8s-app=kube-proxy", "-o", "name"])).split(
    "\n",
  );
  const patch = async (finalizers: string[] | null): Promise<unknown> =>
    cluster.kubectl(["patch", pod, "--type=merge", "-p", JSON.stringify({ metadata: { finalizers } })]);
  await patch(["example.com/not-yet"]);
  await cluster.kubectl(["delete", pod, "--wait=false"]);
  // It goes when somebody looks whether it is gone.
  let released: Promise<unknown> | undefined;
  rig.onCall(({ name }) => {
    if (name === "GET /api/v1/namespaces/kube-system/pods") released ??= patch(null);
  });
  await rig.scenario.up({ restart: "beside" });
  rig.onCall(() => undefined);
  rig.assertNeverTwo();
  await released;
  await rig.assertWell("beside");
}

async function strangersLeaveItAlone(rig: Rig, open: () => Promise<Scenario>): Promise<void> {
  const { cluster } = rig.scenario;
  const untouched = await cluster.fingerprint();
  const { ok, output } = await (await open()).stack.up();
  assert.ok(!ok);
  assert.match(output, /already exists/);
  assert.deepEqual(await cluster.fingerprint(), untouched);
}

async function lifeAtEachWrite(t: TestContext, rig: Rig): Promise<void> {
  // Rolling leaves pods behind, which a destroy has to remove: one more write.
  await rig.scenario.up({ restartStrategy: "Rolling", restart: "provisioned" });
  const isWrite = { DELETE: /^DELETE/, POST: /^POST/ };
  const writes = async (kind: keyof typeof isWrite, operation: () => Promise<unknown>): Promise<string[]> => {
    const calls = await rig.callsOf(operation);
    return [...new Set(calls.map(({ name }) => name).filter((name) => isWrite[kind].test(name)))];
  };
  const deletions = await writes("DELETE", () => rig.scenario.destroy());
  const creations = await writes("POST", () => rig.scenario.up());
  assert.deepEqual([deletions.length, creations.length], [7, 6]);
  await rig.scenario.destroy();
  for (const fault of allFaults) {
    await t.test(`provisioning, ${fault}`, async () => {
      await rig.interrupt("up", fault, creations);
      await rig.recover("provisioned");
    });
    await t.test(`destroying, ${fault}`, async () => {
      await rig.interrupt("destroy", fault, deletions);
      await rig.scenario.destroy();
      assert.deepEqual(await rig.scenario.cluster.fingerprint(), []);
      assert.deepEqual(await rig.scenario.cluster.pods(), []);
      rig.assertNeverTwo();
    });
  }
}
