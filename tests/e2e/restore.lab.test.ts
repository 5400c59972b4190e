import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { listKept, readKept } from "../../components/cluster/snapshot/inCluster.ts";
import { takeSnapshot } from "../../components/cluster/snapshot/index.ts";
import { SnapshotIn } from "../../components/plan/snapshotIn.ts";
import { Operator } from "../rbac/operator.ts";
import { allows, requestsOf, type Right, rightsIn, wordsOf } from "../rbac/rights.ts";
import { changesOf, eventually, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 3;
const commands = join(import.meta.dirname, "..", "..", "commands");

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
    return await run("restore", join(folder, newest));
  }

  /** Runs a command on a machine that has the kubeconfig and nothing else. */
  async function run(command: string, ...args: string[]): Promise<string> {
    const home = mkdtempSync(join(tmpdir(), "kube-proxy-machine-"));
    try {
      const line = [join(commands, `${command}.ts`), ...args, "--kubeconfig", lab.lab.kubeconfig];
      const env = { HOME: home, PATH: process.env["PATH"] };
      return (await promisify(execFile)(process.execPath, line, { env })).stdout;
    } finally {
      rmSync(home, { recursive: true });
    }
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

  suite("kept in the cluster, too", () => {
    const namespace = "kube-proxy-snapshots";
    const secrets = async () => {
      const output = await scenario.cluster.kubectl(["get", "secrets", "-n", namespace, "-o", "json"]);
      return (JSON.parse(output) as { items: Secret[] }).items;
    };
    const listed = async () => (await run("restore", "--list")).split("\n").filter((line) => line !== "");

    test("from the next change on: to ask for it changes no object and keeps none", async () => {
      const objects = await scenario.cluster.fingerprint();
      assert.deepEqual(changesOf(await scenario.up({ snapshotIn: "cluster" })), [
        "update kube-proxy-snapshot",
      ]);
      assert.deepEqual(await scenario.cluster.fingerprint(), objects);
      assert.deepEqual(await listed(), []);
    });

    test("an update keeps what was before it, and any machine puts that back", async () => {
      const { output } = await scenario.up({ ...old, restart: "third" });
      const [secret, ...others] = await secrets();
      assert.ok(secret);
      assert.deepEqual(others, []);
      assert.deepEqual([secret.type, secret.immutable], ["kube-proxy/snapshot", true]);
      const [packed = ""] = Object.values(secret.data);
      assert.ok(!output.includes(packed.slice(0, 40)), "what is in it is told to nobody");
      assert.deepEqual(await listed(), [secret.metadata.name]);
      assert.equal((await state())["env"], "old");
      const said = await run("restore", secret.metadata.name, "--from", "cluster");
      assert.match(said, /^DaemonSet kube-system\/kube-proxy: of 3 pods 3 are up to date and 3 available$/m);
      assert.deepEqual(await state(), { env: "wanted", mode: "nftables", restart: "new", byHand: undefined });
      await scenario.up();
      await isSettled();
    });

    test("the newest stay, and no Secret of somebody else is told, deleted or put back", async () => {
      const name = "2020-01-01t00-00-00.000z";
      const metadata = { name, namespace, labels: { "app.kubernetes.io/managed-by": "kube-proxy-as-code" } };
      const foreign = {
        apiVersion: "v1",
        kind: "Secret",
        type: "Opaque",
        metadata,
        data: (await secrets())[0]?.data,
      };
      await scenario.cluster.kubectl(["create", "-f", "-", "-n", namespace], JSON.stringify(foreign));
      const before = await listed();
      const said: string[] = [];
      for (let time = 0; time < 3; time++) said.push(await run("snapshot", "--in", "cluster", "--keep", "2"));
      const made = said.map((text) => /^Secret kube-proxy-snapshots\/(\S+)$/m.exec(text)?.[1]);
      assert.deepEqual(await listed(), made.slice(1).reverse());
      assert.ok(before.length > 0 && !before.includes(name));
      assert.ok((await secrets()).some((secret) => secret.metadata.name === name));
      await assert.rejects(
        run("restore", name, "--from", "cluster"),
        /is not accepted; accepted: the name of/,
      );
    });

    test("what is too large for a Secret ends an update before anything is changed", async () => {
      const labels = { "kube-proxy/pool": "large" };
      const large = ["kube-proxy-large", "kube-proxy-larger"].map((name) => ({
        ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels } },
        data: { large: randomBytes(750_000).toString("base64") },
      }));
      const list = { apiVersion: "v1", kind: "List", items: large };
      await scenario.cluster.kubectl(["create", "-f", "-"], JSON.stringify(list));
      const objects = await scenario.cluster.fingerprint();
      await scenario.stack.setConfig({ restart: "fourth" });
      const { ok, output } = await scenario.stack.up();
      await scenario.stack.setConfig({ restart: "third" });
      assert.ok(!ok, output);
      assert.match(
        output,
        /snapshotIn: "cluster" is not accepted; accepted: a snapshot of at most 1048576 bytes/,
      );
      assert.deepEqual(await scenario.cluster.fingerprint(), objects);
      await scenario.cluster.kubectl(["delete", "configmap", "-l", "kube-proxy/pool=large"]);
      await scenario.up();
      await isSettled();
    });

    test("takes the rights that docs/rbac gives, each of them, and no other beside those of a restore", async () => {
      const beside = rightsIn("restore.yaml");
      const keeping = rightsIn("snapshots.yaml", ["-reading"]);
      const keeper = await Operator.create(lab.lab, "keeper");
      const keep = async () => {
        const options = { folder, keep: 1, snapshotIn: SnapshotIn.cluster };
        return (await takeSnapshot(keeper.config, options)).join("\n");
      };
      await keeper.may([...keeping, ...beside]);
      await keep();
      assert.doesNotMatch(await keep(), /stays/, "the first one is deleted");
      await isAllOf(keeper, keeping);
      for (const right of keeping) {
        await keeper.may([...keeping, ...beside], right);
        // An old one that cannot be deleted keeps nothing from going on.
        const said = await keep().catch(String);
        assert.match(said, new RegExp(`cannot ${right.verb} resource "secrets"`));
      }

      const reading = rightsIn("snapshots.yaml", ["-snapshots"]);
      const reader = await Operator.create(lab.lab, "reader");
      const read = async () => {
        const [name = ""] = await listKept(reader.config);
        return (await readKept(reader.config, name)).objects.length;
      };
      await reader.may(reading);
      assert.ok((await read()) > 0);
      await isAllOf(reader, reading);
      for (const right of reading) {
        await reader.may(reading, right);
        await assert.rejects(read(), new RegExp(`cannot ${right.verb} resource "secrets"`));
      }
    });

    /** The API server was asked for Secrets by all of these rights, and by no others. */
    async function isAllOf({ user }: Operator, rights: readonly Right[]): Promise<void> {
      const asked = () => requestsOf(lab.lab, user).filter(({ resource }) => resource === "secrets");
      const isUsed = (right: Right) => asked().some((one) => allows(right, one));
      // The API server writes a line down when it has answered.
      await eventually("every right is used", () => Promise.resolve(rights.every(isUsed)), 10);
      const surplus = asked().filter((one) => !rights.some((right) => allows(right, one)));
      assert.deepEqual(surplus.map(wordsOf), []);
    }

    test("outlives a destroy, and brings kube-proxy back", async () => {
      const [newest = ""] = await listed();
      await scenario.destroy();
      assert.deepEqual(await scenario.cluster.fingerprint(), []);
      await run("restore", newest, "--from", "cluster");
      assert.equal((await state())["restart"], "third");
    });
  });
});

interface Secret {
  readonly type: string;
  readonly immutable?: boolean;
  readonly metadata: { readonly name: string };
  readonly data: Readonly<Record<string, string>>;
}
