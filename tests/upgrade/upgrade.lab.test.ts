/** A state and a cluster as version 0.1.0 has left them. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chooseEngine, type Stack, type StateResource } from "../engine/index.ts";
import { baseConfig, changesOf, type Scenario } from "../e2e/scenario.ts";
import { useLab } from "../e2e/useLab.ts";

interface Recorded {
  kind: string;
  metadata: { name: string; uid: string };
}

const recorded = (name: string) => readFileSync(join(import.meta.dirname, "0.1.0", name), "utf8");
const deadlineMs = 60_000;

suite("an upgrade from 0.1.0", () => {
  const at = useLab({ name: "upgrade", nodes: 2 });
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-upgrade-"));
  let scenario: Scenario;
  let stack: Stack;
  before(async () => {
    // For its cluster alone.
    scenario = await at.open();
    const manager = ["--server-side", "--field-manager=pulumi-kubernetes"];
    await scenario.cluster.kubectl(["apply", ...manager, "-f", "-"], recorded("objects.json"));
    mkdirSync(join(folder, ".standin"), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, ".standin", "e2e.json"), await stateHere(), { mode: 0o600 });
    const { kubeconfig } = at.lab;
    // It has written its state in its own way, so it is the one to read it.
    const engine = await chooseEngine({ forced: "standin" });
    stack = await engine.open({
      stack: "e2e",
      workDir: folder,
      projectDir: join(import.meta.dirname, "..", ".."),
      config: { ...baseConfig, kubeconfig, snapshotFolder: join(folder, "snapshots"), restart: "once" },
    });
    const deadline = performance.now() + deadlineMs;
    while ((await scenario.cluster.daemonSet())?.status.numberAvailable !== 2) {
      assert.ok(performance.now() < deadline, "the recorded DaemonSet does not get its pods");
      await sleep(200);
    }
  });
  after(async () => {
    await stack.dispose();
    rmSync(folder, { recursive: true });
  });

  /** The recorded state, with the names that this lab gives. */
  async function stateHere(): Promise<string> {
    const { items } = JSON.parse(recorded("objects.json")) as { items: Recorded[] };
    let state = recorded("state.json")
      .replaceAll("KUBECONFIG", at.lab.kubeconfig)
      .replaceAll("SNAPSHOTS", join(folder, "snapshots"));
    const { resources } = JSON.parse(state) as { resources: StateResource[] };
    for (const { kind, metadata } of items) {
      const path = "jsonpath={.metadata.uid}";
      const uid = await scenario.cluster.kubectl(["get", `${kind}/${metadata.name}`, "-o", path]);
      const resource = resources.find(({ type }) => type.endsWith(`:${kind}`));
      const { uid: old } = (resource?.outputs as { metadata: { uid: string } }).metadata;
      state = state.replaceAll(old, uid);
    }
    return state;
  }

  test("touches nothing in the cluster: what a command does is told anew, and proved once more", async () => {
    const pods = await scenario.cluster.pods();
    const untouched = await scenario.cluster.fingerprint();
    for (const operation of [() => stack.preview(), () => stack.up()]) {
      const result = await operation();
      assert.ok(result.ok, result.output);
      const touched = result.steps.filter(({ type, op }) => type.startsWith("kubernetes:") && op !== "same");
      assert.deepEqual(touched, [], result.output);
    }
    assert.deepEqual(await scenario.cluster.fingerprint(), untouched);
    assert.deepEqual(
      (await scenario.cluster.pods()).map(({ metadata }) => metadata.uid),
      pods.map(({ metadata }) => metadata.uid),
    );
  });

  test("is done once: the next preview has nothing to do", async () => {
    assert.deepEqual(changesOf(await stack.preview()), []);
  });

  test("leaves a stack that restarts, and that a destroy removes wholly", async () => {
    await stack.setConfig({ restart: "with this version" });
    const restarted = await stack.up();
    assert.ok(restarted.ok, restarted.output);
    assert.match(restarted.output, /2 of 2 nodes verified/);
    const destroyed = await stack.destroy();
    assert.ok(destroyed.ok, destroyed.output);
    assert.deepEqual(await scenario.cluster.fingerprint(), []);
    assert.deepEqual(await scenario.cluster.pods(), []);
  });
});
