/** Whatever interrupts an `up`, a plain one afterwards ends in the wanted state. */
import assert from "node:assert/strict";
import { after, before, suite, test, type TestContext } from "node:test";
import fc from "fast-check";
import { neverReadyImage } from "../../../lab/index.ts";
import { type Fault, faults } from "./faultProxy.ts";
import { isServing, type LivePod, type Scenario } from "../scenario.ts";
import { type Rig, useRig } from "./rig.ts";

const allFaults = Object.keys(faults) as Fault[];
/** One of each kind: nothing was done, it was refused, it was done and nobody was told. */
const someFaults: readonly Fault[] = ["refuse", "conflict", "cut"];
/** Decides what is drawn by lot; with that of a failed run, the same is drawn again. */
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
    test("a restart, killed", (t) => killedRestarts(t, at.rig, 6));
    test("a restart, killed while no new pod could start, and mended", () => mendedRestart(at.rig));
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

    test("a restart, at every write", (t) => restartAtEachWrite(t, at.rig, ["refuse", "cut"]));
    test("a restart, killed", (t) => killedRestarts(t, at.rig, 4));
    test("a change in place, at every write", (t) => changeAtEachWrite(t, at.rig));
    test("provisioning and destroying, at every write", (t) => lifeAtEachWrite(t, at.rig));
  });
});

async function restartAtEachWrite(t: TestContext, rig: Rig, chosen: readonly Fault[]): Promise<void> {
  const writes = await writesOf(rig, () => rig.scenario.up({ restart: "uninterrupted" }));
  assert.deepEqual(writes, [`DELETE ${restarted}/kube-proxy`, `POST ${restarted}`]);
  for (const call of writes) {
    for (const fault of chosen) await t.test(`${fault} at ${call}`, () => restartAt(rig, fault, call));
  }
}

/** What an operation changes, each call once. */
async function writesOf(rig: Rig, operation: () => Promise<unknown>): Promise<string[]> {
  const calls = await rig.callsOf(operation);
  return [...new Set(calls.filter((call) => call.writes).map(({ name }) => name))];
}

async function restartAtSomeReads(t: TestContext, rig: Rig): Promise<void> {
  // The first proof makes the namespace of the test Services, which no later one reads again.
  await rig.scenario.up({ verify: true });
  const calls = await rig.callsOf(() => rig.scenario.up({ restart: "verified" }));
  const reads = new Set(calls.filter((call) => !call.writes).map(({ name }) => name));
  const one = fc.tuple(fc.constantFrom(...allFaults), fc.constantFrom(...reads));
  for (const [fault, call] of drawn(one, 6)) {
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
  const one = fc.record({
    atCall: fc.integer({ min: 1, max: calls.length }),
    afterMs: fc.integer({ min: 0, max: 100 }),
  });
  for (const { atCall, afterMs } of drawn(one, count)) {
    const token = `killed ${afterMs} ms after call ${atCall} of ${calls.length}`;
    await t.test(token, async () => {
      await rig.scenario.stack.setConfig({ restart: token });
      let seen = 0;
      await rig.kill(() => (seen += 1) === atCall, afterMs);
      await rig.recover(token);
    });
  }
}

async function mendedRestart(rig: Rig): Promise<void> {
  const { cluster, stack } = rig.scenario;
  await stack.setConfig({ restart: "mended", image: neverReadyImage });
  let created = false;
  const killed = await rig.kill(async ({ name }) => {
    created ||= name === `POST ${restarted}`;
    const waits = (pod: LivePod) => !isServing(pod) && pod.metadata.deletionTimestamp === undefined;
    return created && (await cluster.pods()).some(waits);
  });
  assert.ok(killed);
  await stack.setConfig({ image: undefined });
  await rig.recover("mended");
}

/** So many values, drawn by lot and all different. */
function drawn<T>(one: fc.Arbitrary<T>, count: number): readonly T[] {
  const all = fc.uniqueArray(one, {
    minLength: count,
    maxLength: count,
    selector: (value) => JSON.stringify(value),
  });
  return fc.sample(all, { seed, numRuns: 1 }).flat();
}

async function restartBesideEndingPod(rig: Rig): Promise<void> {
  const { cluster } = rig.scenario;
  const [pod = ""] = (await cluster.kubectl(["get", "pods", "-l", "k8s-app=kube-proxy", "-o", "name"])).split(
    "\n",
  );
  const patch = (finalizers: string[] | null): Promise<unknown> =>
    cluster.kubectl(["patch", pod, "--type=merge", "-p", JSON.stringify({ metadata: { finalizers } })]);
  await patch(["example.com/not-yet"]);
  let deleted = false;
  let released: Promise<unknown> | undefined;
  rig.onCall(async ({ name }) => {
    if (name === `DELETE ${restarted}/kube-proxy`) {
      await cluster.kubectl(["delete", pod, "--wait=false"]);
      deleted = true;
    } else if (deleted && name === "GET /api/v1/namespaces/kube-system/pods") {
      // It goes when somebody looks whether it is gone.
      released ??= patch(null);
    }
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
  assert.match(output, /belongs to Pulumi stack/);
  assert.deepEqual(await cluster.fingerprint(), untouched);
}

async function lifeAtEachWrite(t: TestContext, rig: Rig): Promise<void> {
  // Rolling leaves pods behind, and the revision of their template, which a destroy has to remove: two more writes.
  await rig.scenario.up({ restartStrategy: "Rolling", restart: "provisioned" });
  const deletions = await writesOf(rig, () => rig.scenario.destroy());
  const creations = await writesOf(rig, () => rig.scenario.up());
  assert.deepEqual([deletions.length, creations.length], [8, 6]);
  await rig.scenario.destroy();
  for (const fault of allFaults) {
    await t.test(`provisioning, ${fault}`, async () => {
      await rig.interrupt("up", fault, creations);
      await rig.recover("provisioned");
    });
    if (someFaults.includes(fault)) {
      await t.test(`destroying, ${fault}`, () => rig.interrupt("destroy", fault, deletions));
    }
    await t.test("a plain destroy leaves nothing", async () => {
      await rig.scenario.destroy();
      assert.deepEqual(await rig.scenario.cluster.fingerprint(), []);
      assert.deepEqual(await rig.scenario.cluster.pods(), []);
      rig.assertNeverTwo();
    });
  }
}
