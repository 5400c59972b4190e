/** Why a Service does not answer on real nodes: the right one is accused, and no restart recommended that would not help. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { before, suite, test } from "node:test";
import { kubectl, nodeCommand } from "../../lab/index.ts";
import { bindPort } from "../../lab/kubeadm.ts";
import { network } from "../../lab/network.ts";
import { runOrFail } from "../../lab/tools.ts";
import { eventually } from "../e2e/scenario.ts";
import { useLab } from "../e2e/useLab.ts";
import { skip } from "./requirements.ts";
import { addResponder, deployResponders } from "./responder.ts";

const [faulty, other] = ["real-1", "real-2"];
const doctor = join(import.meta.dirname, "..", "..", "commands", "doctor.ts");

suite("why a Service does not answer, on real nodes", { skip }, () => {
  const at = useLab({ name: `t${process.pid}-why`, realNodes: 2 });
  before(async () => {
    const configuration = { mode: "nftables", conntrack: { maxPerCore: 0 } };
    const scenario = await at.open({ podSubnet: at.lab.podSubnet, configuration });
    await scenario.up();
    await deployResponders(at.lab, other);
  });

  const onNode = (...args: string[]) => runOrFail(nodeCommand(at.lab, faulty, args));

  async function ask(service: string): Promise<{ code: number | null; stdout: string }> {
    const args = [doctor, "--kubeconfig", at.lab.kubeconfig, "--service", service, "--deadline", "60s"];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    return { stdout: await text(child.stdout), code: await ended };
  }

  /** Drops packets of a node, for as long as some work takes. */
  async function dropping(hook: string, match: string, work: () => Promise<void>): Promise<void> {
    const chain = `drops { type filter hook ${hook} priority filter ; }`;
    const rules = [
      "add table inet lab",
      `add chain inet lab ${chain}`,
      `add rule inet lab drops ${match} drop`,
    ];
    await onNode("nft", rules.join(" ; "));
    try {
      await work();
    } finally {
      await onNode("nft", "delete table inet lab");
    }
  }

  async function assertAccused(): Promise<void> {
    const { code, stdout } = await ask("default/responder");
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^kube-proxy is the reason on 1 of 2 nodes\.\n.*restart-nodes -- --nodes real-1 /m);
    assert.match(stdout, /^real-2 .* fine$/m);
  }

  test("it does: nobody is accused", async () => {
    const { code, stdout } = await ask("default/responder");
    assert.equal(code, 0, stdout);
    assert.match(stdout, /the kube-proxies of all 2 nodes do their work/);
    assert.equal(stdout.match(/^default\/responder-\S+ +8080 +answers$/gm)?.length, 2, stdout);
  });

  test("a kube-proxy that cannot reach the API server is the reason", async () => {
    await dropping("input", `ip saddr ${network.advertiseAddress} tcp sport ${bindPort}`, assertAccused);
  });

  test("a kube-proxy whose process is stopped is the reason", async () => {
    await onNode("killall", "-STOP", "kube-proxy");
    try {
      await assertAccused();
    } finally {
      await onNode("killall", "-CONT", "kube-proxy");
    }
  });

  test("rules that somebody has removed for this Service alone are", async () => {
    // Its chains stay as they are until it changes, whatever else kube-proxy syncs.
    const listed = await onNode("nft", "list", "chains", "ip");
    const chains = listed.match(/(service|external)-\S+-default\/responder\/tcp\/http/g) ?? [];
    assert.ok(chains.length > 0, listed);
    const flushes = chains.map((chain) => `flush chain ip kube-proxy ${chain}`);
    await onNode("nft", flushes.join(" ; "));
    await assertAccused();
    // Which the command that is recommended mends.
    const restart = [
      join(doctor, "..", "restartNodes.ts"),
      "--kubeconfig",
      at.lab.kubeconfig,
      "--nodes",
      faulty,
    ];
    await runOrFail({ file: process.execPath, args: restart, env: {} });
    assert.equal((await ask("default/responder")).code, 0);
  });

  test("a port at which nothing listens is not kube-proxy's fault", async () => {
    const ports = [
      { name: "http", port: 80, targetPort: 9999, protocol: "TCP" },
      { name: "dns", port: 53, targetPort: 8080, protocol: "UDP" },
    ];
    const wrong = { apiVersion: "v1", kind: "Service", metadata: { name: "wrong" } };
    const spec = { selector: { app: "responder" }, ports };
    const made = await kubectl(at.lab, ["apply", "-f", "-"], { stdin: JSON.stringify({ ...wrong, spec }) });
    assert.equal(made.code, 0, made.stderr);
    await kubectl(at.lab, [
      "wait",
      "--for=create",
      "endpointslice",
      "-l",
      "kubernetes.io/service-name=wrong",
    ]);
    const { code, stdout } = await ask("default/wrong");
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^kube-proxy is not the reason: none of the 2 endpoints .* at port 9999/m);
    assert.doesNotMatch(stdout, /restart-nodes/);
  });

  test("one that listens to its own loopback interface alone refuses", async () => {
    await addResponder(at.lab, "inward", ["-address", "127.0.0.1"]);
    const { code, stdout } = await ask("default/inward");
    assert.equal(code, 1, stdout);
    assert.match(
      stdout,
      /^kube-proxy is not the reason: its only endpoint, asked by itself, takes no connection at port 8080/m,
    );
    assert.doesNotMatch(stdout, /restart-nodes/);
  });

  test("one that takes its time is named where others do not; where it is the only one, nothing is known", async () => {
    await addResponder(at.lab, "slow", ["-delay", "1h"]);
    const alone = await ask("default/slow");
    assert.equal(alone.code, 0, alone.stdout);
    assert.match(alone.stdout, /^It cannot be told from here: .* no endpoint answered/m);
    // Its own Service has an endpoint that answers then, and one that does not.
    await addResponder(at.lab, "quick", []);
    const labelled = await kubectl(at.lab, ["label", "--overwrite", "pod", "slow", "app=quick"]);
    assert.equal(labelled.code, 0, labelled.stderr);
    await eventually("the slow pod among the endpoints of Service quick", async () => {
      const { code, stdout } = await ask("default/quick");
      if (!/^default\/slow /m.test(stdout)) return false;
      assert.equal(code, 1, stdout);
      assert.match(stdout, /^kube-proxy is not the reason: 1 of 2 endpoints .* pod default\/slow,/m);
      assert.doesNotMatch(stdout, /restart-nodes/);
      return true;
    });
  });

  test("a configuration that one node has not loaded is told, and accuses nobody", async () => {
    const read = await kubectl(at.lab, ["-n", "kube-system", "get", "configmap", "kube-proxy", "-o", "json"]);
    const { data } = JSON.parse(read.stdout) as { data: Record<string, string> };
    const changed = (data["config.conf"] ?? "").replaceAll("syncPeriod: 0s", "syncPeriod: 1m0s");
    const patch = JSON.stringify({ data: { "config.conf": changed } });
    const done = await kubectl(at.lab, [
      ...["-n", "kube-system", "patch", "configmap", "kube-proxy", "--type=merge", "-p", patch],
    ]);
    assert.equal(done.code, 0, done.stderr);
    const restart = ["--kubeconfig", at.lab.kubeconfig, "--nodes", faulty];
    await runOrFail({
      ...{ file: process.execPath, args: [join(doctor, "..", "restartNodes.ts"), ...restart], env: {} },
    });
    const { code, stdout } = await ask("default/responder");
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^real-\d .* fine: the loaded configuration/m);
  });

  test("pods that nobody reaches through one node: the network there is named, and no restart is recommended", async () => {
    await dropping("forward", "tcp dport 8080", async () => {
      const { code, stdout } = await ask("default/responder");
      assert.equal(code, 1, stdout);
      assert.match(stdout, /^kube-proxy is not the reason: from 1 of 2 nodes not every endpoint is reached/m);
      assert.match(stdout, /^real-1 .* yes, \S+ s +0 of 1 +elsewhere: /m);
      assert.match(stdout, /^default\/responder-\S+ +8080 +silent: /m);
      assert.doesNotMatch(stdout, /restart-nodes/);
    });
  });
});
