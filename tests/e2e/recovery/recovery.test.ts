/** Whatever interrupts an `up`, a plain one afterwards ends in the wanted state. */
import assert from "node:assert/strict";
import { after, before, suite, test, type TestContext } from "node:test";
import fc from "fast-check";
import { type Fault, faults } from "./faultProxy.ts";
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

    test("a restart, at every write", (t) => restartAtEachWrite(t, at.rig));
    test("a restart, at some of the reads", (t) => restartAtSomeReads(t, at.rig));
    test("a change in place, at every write", (t) => changeAtEachWrite(t, at.rig));
    test("a restart, killed", (t) => killedRestarts(t, at.rig, 8));
  });

  suite("Recreate", { concurrency: 1 }, () => {
    const at = useRig("e2e-recovery-recreate", { restartStrategy: "Recreate" });
    before(() => at.rig.scenario.up());
    after(() => {
      console.log(`Recreate: ${at.rig.interruptions} interruptions`);
    });

    test("a restart, at every write", (t) => restartAtEachWrite(t, at.rig));
    test("a restart, killed", (t) => killedRestarts(t, at.rig, 6));
    test("provisioning and destroying, at every write", (t) => lifeAtEachWrite(t, at.rig));
  });
});

async function restartAtEachWrite(t: TestContext, rig: Rig): Promise<void> {
  const calls = await rig.callsOf(() => rig.scenario.up({ restart: "uninterrupted" }));
  const writes = calls.filter((call) => call.writes).map(({ name }) => name);
  assert.deepEqual(writes, [`DELETE ${restarted}/kube-proxy`, `POST ${restarted}`]);
  for (const call of writes) {
    for (const fault of allFaults) await t.test(`${fault} at ${call}`, () => restartAt(rig, fault, call));
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
