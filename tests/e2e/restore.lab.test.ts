import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { changesOf, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 3;
const command = join(import.meta.dirname, "..", "..", "commands", "restore.ts");

/** Whose the fields are that a restore wrote. */
const manager = "kubectl-restore-kube-proxy";

const old = { env: [{ name: "STATE", value: "old" }], configuration: { mode: "iptables" }, restart: "old" };
const wanted = { env: [{ name: "STATE", value: "wanted" }], configuration: { mode: "nftables" } };

suite("Pulumi after a restore", () => {
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-restored-"));
  const lab = useLab({ name: "e2e-restore", nodes });
  let scenario: Scenario;
  before(async () => {
    scenario = await lab.open({ snapshotFolder: folder });
    await scenario.up(old);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** Puts the newest snapshot back, as a user does. */
  async function restore(): Promise<string> {
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
    const newest =
      names
        .filter((name) => name.endsWith(".yaml"))
        .sort()
        .at(-1) ?? "";
    const args = [command, join(folder, newest), "--kubeconfig", lab.lab.kubeconfig];
    return (await promisify(execFile)(process.execPath, args)).stdout;
  }

  async function managersOf(object: string): Promise<string[]> {
    const output = await scenario.cluster.kubectl(["get", object, "-o", "json", "--show-managed-fields"]);
    const { metadata } = JSON.parse(output) as { metadata: { managedFields: { manager: string }[] } };
    return metadata.managedFields.map(({ manager }) => manager);
  }

  /** What tells the old state from the wanted one, as the cluster has it. */
  async function state(): Promise<Record<string, string | undefined>> {
    const daemonSet = await scenario.cluster.daemonSet();
    const configMap = await scenario.cluster.kubectl(["get", "configmap/kube-proxy", "-o", "yaml"]);
    const env = daemonSet?.spec.template.spec.containers[0]?.env as { name: string; value?: string }[];
    return {
      env: env.find(({ name }) => name === "STATE")?.value,
      mode: /^ *mode: (\w+)$/m.exec(configMap)?.[1],
      restart: daemonSet?.metadata.annotations?.["kube-proxy/restart"],
      byHand: daemonSet?.metadata.annotations?.["example.com/by"],
    };
  }

  async function isSettled(): Promise<void> {
    const daemonSet = await scenario.cluster.daemonSet();
    assert.equal(daemonSet?.status.updatedNumberScheduled, nodes);
    assert.equal(daemonSet.status.numberAvailable, nodes);
    const pods = await scenario.cluster.pods();
    assert.equal(new Set(pods.map(({ spec }) => spec.nodeName)).size, nodes);
    assert.equal(pods.length, nodes);
    assert.deepEqual(changesOf(await scenario.stack.preview()), []);
  }

  test("a change in place, changed by hand and restored: the next up takes the fields over", async () => {
    await scenario.up(wanted);
    await scenario.cluster.kubectl(["annotate", "daemonset/kube-proxy", "example.com/by=hand"]);
    await scenario.cluster.kubectl(["set", "env", "daemonset/kube-proxy", "STATE=hand"]);
    await restore();
    assert.deepEqual(await state(), { env: "old", mode: "iptables", restart: "old", byHand: undefined });
    assert.ok((await managersOf("daemonset/kube-proxy")).includes(manager));
    assert.ok((await managersOf("configmap/kube-proxy")).includes(manager));

    const before = await scenario.cluster.daemonSet();
    const changes = changesOf(await scenario.up()).join();
    assert.match(changes, /update kube-proxy-config-map/);
    assert.match(changes, /update kube-proxy-daemon-set/);
    assert.deepEqual(await state(), { env: "wanted", mode: "nftables", restart: "old", byHand: undefined });
    assert.equal((await scenario.cluster.daemonSet())?.metadata.uid, before?.metadata.uid);
    assert.ok(!(await managersOf("daemonset/kube-proxy")).includes(manager), "its fields are Pulumi's again");
    assert.ok(!(await managersOf("configmap/kube-proxy")).includes(manager), "its fields are Pulumi's again");
    await isSettled();
  });

  test("a restart restored to before it: the next up restarts again", async () => {
    await scenario.up({ restart: "new" });
    await restore();
    assert.equal((await state())["restart"], "old");
    const pods = (await scenario.cluster.pods()).map(({ metadata }) => metadata.uid);

    const changes = changesOf(await scenario.up()).join();
    assert.match(changes, /replacement kube-proxy-daemon-set/);
    assert.equal((await state())["restart"], "new");
    const kept = (await scenario.cluster.pods()).filter(({ metadata }) => pods.includes(metadata.uid));
    assert.deepEqual(kept, [], "every pod is new");
    await isSettled();
  });

  test("all of it deleted by hand and restored: the next up goes on with what it finds", async () => {
    await scenario.cluster.kubectl([
      "delete",
      "daemonset,configmap,role,rolebinding,serviceaccount",
      "kube-proxy",
    ]);
    await restore();
    await scenario.up();
    assert.deepEqual(await state(), { env: "wanted", mode: "nftables", restart: "new", byHand: undefined });
    await isSettled();
  });
});
