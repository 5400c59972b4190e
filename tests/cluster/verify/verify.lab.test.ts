/** Verification and doctor from outside, as commands, on a lab whose kube-proxies have faults. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import type { Diagnosis, Report } from "../../../components/cluster/verify/index.ts";
import { down, kubectl, setFaults, up, type Fault, type Lab } from "../../../lab/index.ts";
import { waitFor } from "../../../lab/wait.ts";

const name = `t${process.pid}-verify`;
const commands = join(import.meta.dirname, "..", "..", "..", "commands");

const faulty: Readonly<Record<string, { fault: Fault; reason: RegExp }>> = {
  "node-0001": {
    fault: "neverSynced",
    reason: /^it has never synced its rules for IPv4$|^it has never synced/,
  },
  "node-0002": { fault: "staleSync", reason: /were last synced 60\.0 s before its process started$/ },
  "node-0003": { fault: "failuresGrow", reason: /iptables_restore_failures_total is \d+, not 0$/ },
  "node-0004": { fault: "wrongMode", reason: /^it runs in mode nftables, not iptables$/ },
  "node-0005": { fault: "wrongConfiguration", reason: /loaded clusterCIDR "192\.0\.2\.0\/24", not/ },
  "node-0006": { fault: "slow", reason: /cannot be read: no complete answer within 5 s$/ },
  "node-0007": { fault: "reset", reason: /metrics cannot be read: / },
  "node-0008": { fault: "garbage", reason: /metrics cannot be read: / },
  "node-0009": { fault: "huge", reason: /cannot be read: \/metrics is longer than 8 MiB$/ },
  "node-0010": { fault: "noMetrics", reason: /\/metrics is not kube-proxy's/ },
  "node-0012": {
    fault: "deaf",
    reason: /^a new Service does not answer at 198\.18\.0\.12:\d+ \(.*\), whereas/,
  },
  "node-0011": { fault: "oldProcess", reason: /^its process started \d+\.\d s before the restart began$/ },
};
const allFaults = Object.fromEntries(Object.entries(faulty).map(([node, { fault }]) => [node, fault]));

const onAllNodes = (fault: Fault): Record<string, Fault> =>
  Object.fromEntries(
    Array.from({ length: 14 }, (_, index) => [`node-${String(index + 1).padStart(4, "0")}`, fault]),
  );

describe("verify and doctor on a lab", () => {
  let lab: Lab;

  before(async () => {
    lab = await up({ name, nodes: 14, kubeadm: true });
    await change("create", "namespace", "kube-proxy-test");
  });
  after(async () => {
    await down(name);
  });

  function start(command: "verify" | "doctor" | "restartNodes", args: readonly string[]) {
    const file = join(commands, `${command}.ts`);
    const child = spawn(process.execPath, [file, "--kubeconfig", lab.kubeconfig, ...args], { stdio: "pipe" });
    return { child, ended: new Promise<number | null>((resolve) => child.once("close", resolve)) };
  }

  async function run(command: "verify" | "doctor" | "restartNodes", args: readonly string[] = []) {
    const { child, ended } = start(command, args);
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { stdout, stderr, code };
  }

  async function testServices(): Promise<string[]> {
    const { stdout } = await kubectl(lab, ["get", "services", "-n", "kube-proxy-test", "-o", "name"]);
    return stdout.split("\n").filter(Boolean);
  }

  async function change(...args: string[]): Promise<void> {
    const { code, stderr } = await kubectl(lab, args);
    assert.equal(code, 0, stderr);
  }

  test("a healthy fleet is verified, and nobody stands out", async () => {
    const { stdout, stderr, code } = await run("verify", ["--deadline", "30s"]);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /^node-0001 +kube-proxy-\w+ +\d+\w+ +0\.30s +iptables +\d\.\d\ds +verified$/m);
    assert.match(stdout, /14 of 14 nodes verified, after/);
    const doctor = await run("doctor");
    assert.equal(doctor.code, 0, doctor.stdout + doctor.stderr);
  });

  test("every fault is told by its reason, and everybody else is verified", async () => {
    setFaults(lab, allFaults);
    const since = new Date(Date.now() - 3600_000).toISOString();
    const { stdout, stderr, code } = await run("verify", ["--since", since, "--deadline", "15s", "--json"]);
    assert.equal(code, 1, stderr);
    const report = JSON.parse(stdout) as Report;
    assert.deepEqual(
      [report.ok, report.verified, report.failed, report.excluded],
      [false, 14 - Object.keys(faulty).length, Object.keys(faulty).length, 0],
    );
    for (const { node, reasons, verdict } of report.nodes) {
      const expected = faulty[node]?.reason;
      assert.equal(verdict, expected === undefined ? "verified" : "failed", node);
      if (expected !== undefined) assert.match(reasons[0] ?? "", expected, node);
    }
    assert.ok(report.seconds < 30, `took ${report.seconds} s`);
  });

  test("nodes that the API server does not reach are verified by their metrics alone, which is told", async () => {
    setFaults(lab, onAllNodes("unreachable"));
    const { stdout, code } = await run("verify", ["--deadline", "30s"]);
    setFaults(lab, {});
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^node-0001 .* not asked +verified$/m);
    assert.match(
      stdout,
      /^Whether a Service answers is not known of 14 of 14 nodes: the API server does not reach port 10256/m,
    );
    assert.deepEqual(await testServices(), []);
  });

  test("nodes that may not reach each other are healthy, also one with an API server, and after a restart", async () => {
    const [main, label] = ["node-0014", "node-role.kubernetes.io/control-plane"];
    await change("label", "node", main, `${label}=`);
    setFaults(lab, onAllNodes("isolated"));
    const verified = await run("verify", ["--deadline", "30s", "--json"]);
    assert.equal(verified.code, 0, verified.stdout);
    for (const { node, service } of (JSON.parse(verified.stdout) as Report).nodes) {
      assert.equal(service?.verdict, "answers", node);
    }
    const restarted = await run("restartNodes", ["--nodes", `node-0001,${main}`, "--deadline", "20s"]);
    assert.equal(restarted.code, 0, restarted.stdout);
    assert.match(restarted.stdout, /^A test Service answers on 2 of 2 nodes/);
    setFaults(lab, {});
    await change("label", "node", main, `${label}-`);
    assert.deepEqual(await testServices(), []);
  });

  test("without their namespace no Service is asked for, which fails nothing", async () => {
    await change("delete", "namespace", "kube-proxy-test");
    const { stdout, code } = await run("verify", ["--deadline", "30s"]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^node-0001 .* not asked +verified$/m);
    assert.match(
      stdout,
      /namespaces "kube-proxy-test" not found; kubectl create namespace kube-proxy-test makes/,
    );
    await change("create", "namespace", "kube-proxy-test");
  });

  test("a Service is removed after Ctrl-C, too", async () => {
    setFaults(lab, { "node-0001": "deaf" });
    const { child, ended } = start("verify", ["--deadline", "60s"]);
    await waitFor("a test Service", { timeoutMs: 30_000 }, async () => (await testServices()).length === 1);
    child.kill("SIGINT");
    assert.equal(await ended, 1);
    assert.deepEqual(await testServices(), []);
    setFaults(lab, {});
  });

  test("a node that recovers before the deadline passes", async () => {
    setFaults(lab, { "node-0002": "neverSynced" });
    const verifying = run("verify", ["--deadline", "30s", "--json"]);
    const recover = setTimeout(() => {
      setFaults(lab, {});
    }, 2500);
    const { stdout, code } = await verifying;
    clearTimeout(recover);
    assert.equal(code, 0, stdout);
    assert.ok((JSON.parse(stdout) as Report).seconds > 1, "it was asked more than once");
  });

  test("the doctor names the outlier and the command that restarts it, which works", async () => {
    setFaults(lab, { "node-0004": "wrongMode" });
    const sick = await run("doctor", ["--json"]);
    assert.equal(sick.code, 1, sick.stderr);
    const { nodes } = JSON.parse(sick.stdout) as Diagnosis;
    const outliers = nodes.filter(({ verdict }) => verdict === "outlier");
    assert.deepEqual(
      outliers.map(({ node, findings }) => [node, ...findings]),
      [["node-0004", "mode nftables, whereas 13 of 14 nodes have iptables"]],
    );
    const { stdout } = await run("doctor");
    const hint = /restart it alone: npm run --silent restart-nodes -- (--kubeconfig \S+ .*)$/m.exec(
      stdout,
    )?.[1];
    assert.equal(hint, `--kubeconfig ${lab.kubeconfig} --nodes node-0004`);
    setFaults(lab, {}); // As a restart would.
    const restart = await run("restartNodes", hint.split(" ").slice(2));
    assert.equal(restart.code, 0, restart.stdout + restart.stderr);
    assert.equal((await run("verify", ["--deadline", "20s"])).code, 0);
    assert.equal((await run("doctor")).code, 0);
  });

  test("a wrong token, and a pod of an old revision", async () => {
    const patch = (type: string, template: object) =>
      JSON.stringify({ spec: { updateStrategy: { type }, template } });
    const token = { metadata: { annotations: { "kube-proxy/restart": "t2" } } };
    const daemonSet = ["daemonset", "kube-proxy", "-n", "kube-system", "--type=merge", "-p"];
    await change("patch", ...daemonSet, patch("OnDelete", token));
    const old = await run("verify", ["--token", "t2", "--deadline", "3s", "--json"]);
    assert.equal(old.code, 1, old.stderr);
    const reasons = (JSON.parse(old.stdout) as Report).nodes[0]?.reasons ?? [];
    assert.match(reasons[0] ?? "", /^the pod's revision is "\w+", not "\w+"$/);
    assert.equal(reasons[1], `the pod's restart token is unset, not "t2"`);

    const since = new Date().toISOString();
    await change("patch", ...daemonSet, patch("RollingUpdate", token));
    const rolled = await run("verify", ["--token", "t2", "--since", since, "--deadline", "30s"]);
    assert.equal(rolled.code, 0, rolled.stdout + rolled.stderr);
    const other = await run("verify", ["--token", "t3", "--deadline", "2s"]);
    assert.match(other.stdout, /the pod's restart token is "t2", not "t3"/);
  });

  test("a NotReady node is listed and excluded", async () => {
    // Without its annotation kwok plays this node no more, so that nobody makes it Ready again.
    await change("annotate", "node", "node-0014", "kwok.x-k8s.io/node-");
    const status = { conditions: [{ type: "Ready", status: "False", reason: "KubeletNotReady" }] };
    await change("patch", "node", "node-0014", "--subresource=status", "-p", JSON.stringify({ status }));
    const { stdout, code } = await run("verify", ["--deadline", "20s"]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^node-0014 .* excluded: the node is NotReady: KubeletNotReady$/m);
    assert.match(stdout, /13 of 13 nodes verified, 1 NotReady and excluded/);
    await change("delete", "node", "node-0014");
  });

  test("some nodes alone", async () => {
    const { stdout, code } = await run("verify", ["--nodes", "node-0001,node-0003", "--json"]);
    assert.equal(code, 0, stdout);
    assert.equal((JSON.parse(stdout) as Report).verified, 2);
    const unknown = await run("verify", ["--nodes", "node-0001,elsewhere"]);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /nodes: elsewhere: no such node/);
  });

  test("a pod that refuses the connection is told with the kubelet's words", async () => {
    const configMap = ["configmap", "kube-proxy", "-n", "kube-system"];
    const { stdout } = await kubectl(lab, ["get", ...configMap, "-o", "jsonpath={.data.config\\.conf}"]);
    const moved = stdout.replace('metricsBindAddress: ""', 'metricsBindAddress: "127.0.0.1:20249"');
    const patch = (conf: string) => ["-p", JSON.stringify({ data: { "config.conf": conf } })];
    await change("patch", ...configMap, ...patch(moved));
    const { nodes } = JSON.parse(
      (await run("doctor", ["--json", "--nodes", "node-0001"])).stdout,
    ) as Diagnosis;
    assert.match(
      nodes[0]?.findings[0] ?? "",
      /cannot be read: error forwarding port 20249 to pod kube-proxy-/,
    );
    await change("patch", ...configMap, ...patch(stdout));
  });

  test("mistakes end with exit code 2, and what is not there with 1, in one line", async () => {
    const bad = await run("verify", ["--mode", "userspace", "--since", "yesterday", "--deadline", "0"]);
    assert.equal(bad.code, 2);
    assert.match(
      bad.stderr,
      /^3 problems in the command line:\n {2}--deadline: "0" .*\n {2}--since: .*\n {2}--mode:/,
    );
    const unknown = await run("doctor", ["--token", "x"]);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /^Unknown option '--token'/);
    const elsewhere = await run("verify", ["--context", "elsewhere"]);
    assert.equal(elsewhere.code, 1);
    assert.match(
      elsewhere.stderr,
      /context: "elsewhere" is not accepted; accepted: one of .*: kubernetes-admin@/,
    );
    const missing = await run("verify", ["--daemonset", "nope"]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^DaemonSet kube-system\/nope .*: daemonsets\.apps "nope" not found\n$/);
  });
});
