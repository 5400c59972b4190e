/** Verification and doctor, as commands, in a cluster whose kube-proxy has pools: a DaemonSet each. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, suite, test } from "node:test";
import type { Diagnosis, Report } from "../../../components/cluster/verify/index.ts";
import { down, kubectl, type Lab, setFaults, up } from "../../../lab/index.ts";

const name = `t${process.pid}-verify-pools`;
const commands = join(import.meta.dirname, "..", "..", "..", "commands");
const label = "example.com/pool";

interface DaemonSet {
  readonly spec: {
    readonly selector: { readonly matchLabels: object };
    readonly template: { readonly metadata: { readonly labels: object }; readonly spec: object };
  };
}

suite("verify and doctor in a cluster with pools", () => {
  let lab: Lab;
  before(async () => {
    lab = await up({ name, nodes: 4, kubeadm: true });
    await run(["create", "namespace", "kube-proxy-test"]);
    await run(["label", "node", "node-0001", `${label}=canary`]);
    await run(["label", "node", "node-0002", "node-0003", "node-0004", `${label}=rest`]);
    const set = ["-n", "kube-system", "daemonset", "kube-proxy"];
    const { spec } = JSON.parse(await run(["get", ...set, "-o", "json"])) as DaemonSet;
    await run(["delete", ...set]);
    for (const pool of ["canary", "rest", "empty"]) {
      const labels = { ...spec.template.metadata.labels, pool };
      const template = {
        metadata: { labels },
        spec: { ...spec.template.spec, nodeSelector: { [label]: pool } },
      };
      const object = {
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        metadata: { name: `kube-proxy-${pool}`, namespace: "kube-system" },
        spec: { ...spec, selector: { matchLabels: labels }, template },
      };
      await run(["create", "-f", "-"], JSON.stringify(object));
    }
    for (const pool of ["canary", "rest"]) {
      await run([
        "-n",
        "kube-system",
        "rollout",
        "status",
        "daemonset",
        `kube-proxy-${pool}`,
        "--timeout",
        "60s",
      ]);
    }
  });
  after(async () => {
    await down(name);
  });

  async function run(args: readonly string[], stdin?: string): Promise<string> {
    const { code, stdout, stderr } = await kubectl(lab, args, stdin === undefined ? {} : { stdin });
    assert.equal(code, 0, stderr);
    return stdout;
  }

  async function ask(command: "verify" | "doctor", args: readonly string[] = []) {
    const file = join(commands, `${command}.ts`);
    const child = spawn(process.execPath, [file, "--kubeconfig", lab.kubeconfig, ...args], { stdio: "pipe" });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { stdout, stderr, code };
  }

  test("each DaemonSet has its table, and one without nodes fails nothing", async () => {
    const verified = await ask("verify", ["--deadline", "30s"]);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    assert.match(verified.stdout, /^DaemonSet kube-proxy-canary: 1 of 1 nodes verified/m);
    assert.match(verified.stdout, /^DaemonSet kube-proxy-rest: 3 of 3 nodes verified/m);
    assert.match(verified.stdout, /^DaemonSet kube-proxy-empty: 0 of 0 nodes verified/m);
    const doctor = await ask("doctor", ["--json"]);
    assert.equal(doctor.code, 0, doctor.stdout + doctor.stderr);
    const { ok, daemonSets } = JSON.parse(doctor.stdout) as { ok: boolean; daemonSets: Diagnosis[] };
    assert.deepEqual(
      [ok, ...daemonSets.map(({ daemonSet, healthy }) => [daemonSet, healthy] as const)],
      [true, ["kube-proxy-canary", 1], ["kube-proxy-empty", 0], ["kube-proxy-rest", 3]],
    );
    // Nothing stays behind of any of them.
    assert.equal(await run(["-n", "kube-proxy-test", "get", "services", "-o", "name"]), "");
  });

  test("one fault fails all, and is told of its node", async () => {
    setFaults(lab, { "node-0003": "wrongMode" });
    const { stdout, code } = await ask("verify", ["--deadline", "3s", "--json"]);
    const { ok, daemonSets } = JSON.parse(stdout) as { ok: boolean; daemonSets: Report[] };
    assert.deepEqual([ok, code], [false, 1]);
    const failed = daemonSets.flatMap(({ nodes }) => nodes.filter(({ verdict }) => verdict === "failed"));
    assert.deepEqual(
      failed.map(({ node }) => node),
      ["node-0003"],
    );
    const allowed = await ask("verify", ["--deadline", "3s", "--max-failed", "1"]);
    assert.equal(allowed.code, 0, allowed.stderr);
    const sick = await ask("doctor");
    assert.equal(sick.code, 1, sick.stdout);
    assert.match(sick.stdout, /^ {2}restart it alone: .* --nodes node-0003$/m);
    setFaults(lab, {});
  });

  test("some nodes alone, each by the DaemonSet that selects it; and one DaemonSet alone, as before", async () => {
    const { stdout, code } = await ask("verify", ["--nodes", "node-0001,node-0004", "--json"]);
    assert.equal(code, 0, stdout);
    const { daemonSets } = JSON.parse(stdout) as { daemonSets: Report[] };
    assert.deepEqual(
      daemonSets.map(({ daemonSet, nodes }) => [daemonSet, nodes.map(({ node }) => node)]),
      [
        ["kube-proxy-canary", ["node-0001"]],
        ["kube-proxy-rest", ["node-0004"]],
      ],
    );
    const unknown = await ask("doctor", ["--nodes", "node-0001,elsewhere"]);
    assert.equal(unknown.code, 1);
    assert.match(
      unknown.stderr,
      /^nodes: elsewhere: no such node, or no DaemonSet of kube-proxy selects it$/m,
    );
    const one = await ask("doctor", ["--daemonset", "kube-proxy-rest", "--json"]);
    assert.equal((JSON.parse(one.stdout) as Diagnosis).healthy, 3);
  });
});
