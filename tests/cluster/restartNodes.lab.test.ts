/** Restarts of some nodes alone, as a command, on a real control plane. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, suite, test } from "node:test";
import { loadCluster } from "../../components/cluster/client.ts";
import { testNamespace } from "../../components/plan/testNamespace.ts";
import { targetsOf } from "../../components/cluster/restartNodes.ts";
import type { Pod } from "../../components/cluster/workload.ts";
import { ProblemsError } from "../../components/input/problems.ts";
import { down, kubectl, type Lab, setFaults, up } from "../../lab/index.ts";
import { PodWatch } from "./watchPods.ts";

const name = "cluster-restart";
const nodes = 6;
const command = join(import.meta.dirname, "..", "..", "commands", "restartNodes.ts");

suite("the pods of nodes to restart", () => {
  const nodes = [{ name: "node-1", labels: {}, taints: [], ready: "True" }];
  const pod = (uid: string, kind: string | undefined, change: Partial<Pod["metadata"]> = {}): Pod => {
    const owner = kind === undefined ? [] : [{ kind, name: `of ${uid}`, uid: "owner", controller: true }];
    return {
      metadata: { name: uid, uid, ownerReferences: owner, ...change },
      spec: { nodeName: "node-1", containers: [] },
      status: {},
    };
  };
  const ending = pod("ending", "DaemonSet", { deletionTimestamp: "2026-11-24T08:00:00Z" });
  const elsewhere = { ...pod("elsewhere", "DaemonSet"), spec: { nodeName: "node-2", containers: [] } };
  const comesBack = pod("pod", "DaemonSet");

  test("the one that its DaemonSet makes again", () => {
    const pods = [elsewhere, ending, pod("static", "Node"), comesBack];
    assert.deepEqual(targetsOf(["node-1"], nodes, pods), [
      { node: "node-1", pod: comesBack, daemonSet: "of pod" },
    ]);
  });

  for (const [what, one] of [
    ["that belongs to nobody", pod("orphan", undefined)],
    ["that is static", pod("static", "Node")],
    ["that is about to end", ending],
    ["of another node", elsewhere],
  ] as const) {
    test(`one ${what} is none`, () => {
      assert.throws(() => targetsOf(["node-1"], nodes, [one]), ProblemsError);
    });
  }
});

suite("a restart of some nodes alone", () => {
  let lab: Lab;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "restart-nodes-"));
    lab = await up({ name, nodes, kubeadm: true });
    await kube(["create", "namespace", testNamespace]);
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await down(name);
  });

  async function kube(args: string[]): Promise<string> {
    const { code, stdout, stderr } = await kubectl(lab, ["-n", "kube-system", ...args]);
    assert.equal(code, 0, `kubectl ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  async function run(names: string, ...args: string[]) {
    const line = [command, `--nodes=${names}`, "--kubeconfig", lab.kubeconfig, ...args];
    const child = spawn(process.execPath, line, { cwd: folder, stdio: "pipe" });
    const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    assert.doesNotMatch(stderr, /^\s+at /m);
    return { stdout, stderr, code };
  }

  /** UID of each node's kube-proxy. */
  async function podsByNode(): Promise<Map<string, string>> {
    const path = "jsonpath={range .items[*]}{.spec.nodeName} {.metadata.uid}{'\\n'}{end}";
    const lines = (await kube(["get", "pods", "-l", "k8s-app=kube-proxy", "-o", path])).trim().split("\n");
    return new Map(lines.map((line) => line.split(" ") as [string, string]));
  }
  const daemonSet = () =>
    kube(["get", "daemonset", "kube-proxy", "-o", "jsonpath={.metadata.uid} {.metadata.generation}"]);

  /** Runs the command and gives the nodes whose pod is another one afterwards. */
  async function restarted(work: () => Promise<unknown>): Promise<string[]> {
    const [before, set] = [await podsByNode(), await daemonSet()];
    await work();
    const now = await podsByNode();
    assert.equal(await daemonSet(), set);
    return [...now]
      .filter(([node, uid]) => before.get(node) !== uid)
      .map(([node]) => node)
      .sort();
  }

  test("the pods of these nodes are replaced one after the other, and all are verified", async () => {
    const pods = await PodWatch.start(loadCluster({ kubeconfig: lab.kubeconfig }, {}));
    try {
      const changed = await restarted(async () => {
        const { stdout, stderr, code } = await run("node-0005,node-0002,node-0005");
        assert.equal(code, 0, stdout + stderr);
        assert.match(
          stdout,
          /^A test Service answers on 2 of 2 nodes.*\nnode-0005: kube-proxy-\w+ is deleted, kube-proxy-\w+ is Ready\nnode-0002: .*\n\nNODE /,
        );
        assert.match(stdout, /^node-0002 +kube-proxy-\w+ +\d+s .* verified$/m);
        assert.match(stdout, /^DaemonSet kube-proxy: 2 of 2 nodes verified, after/m);
      });
      assert.deepEqual(changed, ["node-0002", "node-0005"]);
      assert.deepEqual(pods.pairs, []);
      assert.equal(pods.mostUnserved, 1);
    } finally {
      await pods.stop();
    }
  });

  test("a node that is not well afterwards is in the table, and ends with 1", async () => {
    setFaults(lab, { "node-0003": "neverSynced" });
    const { stdout, code } = await run("node-0001,node-0003", "--deadline", "5s");
    setFaults(lab, {});
    assert.equal(code, 1);
    assert.match(stdout, /^node-0003 .* failed: it has never synced its rules/m);
    assert.match(stdout, /^DaemonSet kube-proxy: 1 of 2 nodes verified, after/m);
  });

  test("nodes that cannot be restarted are all named before anything is deleted", async () => {
    await kube(["label", "node", "node-0004", "kubernetes.io/os=other", "--overwrite"]);
    await kube([
      "wait",
      "pod",
      "-l",
      "k8s-app=kube-proxy",
      "--field-selector=spec.nodeName=node-0004",
      "--for=delete",
    ]);
    // Without its annotation kwok plays this node no more, so that nobody makes it Ready again.
    await kube(["annotate", "node", "node-0006", "kwok.x-k8s.io/node-"]);
    const status = { conditions: [{ type: "Ready", status: "Unknown", reason: "NodeStatusUnknown" }] };
    await kube(["patch", "node", "node-0006", "--subresource=status", "-p", JSON.stringify({ status })]);

    const changed = await restarted(async () => {
      const { stdout, stderr, code } = await run("node-0001,node-002,elsewhere,node-0004,node-0006");
      assert.equal(code, 1);
      assert.equal(stdout, "");
      const [heading, ...problems] = stderr.trimEnd().split("\n");
      assert.equal(heading, "4 problems in the nodes to restart; nothing was restarted:");
      const expected = [
        /--nodes: "node-002" is not accepted; .*; did you mean node-0002\?$/,
        /--nodes: "elsewhere" is not accepted; .*; see kubectl get nodes$/,
        /--nodes: "node-0004" is not accepted; .* this one has none$/,
        /--nodes: "node-0006" is not accepted; .* Ready; while this one is not \(Unknown\)/,
      ];
      assert.equal(problems.length, expected.length);
      for (const [index, pattern] of expected.entries()) assert.match(problems[index] ?? "", pattern);
    });
    assert.deepEqual(changed, []);
    await kube(["delete", "node", "node-0006"]);
    await kube(["label", "node", "node-0004", "kubernetes.io/os=linux", "--overwrite"]);
    await kube(["rollout", "status", "daemonset/kube-proxy", "--timeout=60s"]);
  });

  test("names reach no shell", async () => {
    const names = ["$(touch a)", "`touch b`", "'; touch c; '", '"|touch d"', "../x\ny"];
    const { stderr, code } = await run(names.join(","));
    assert.equal(code, 1);
    for (const one of names) {
      assert.ok(stderr.includes(`--nodes: ${JSON.stringify(one)} is not accepted`), stderr);
    }
    assert.deepEqual(readdirSync(folder), []);
  });

  test("a pod that does not come back ends it before the next node", async () => {
    const image = {
      spec: { containers: [{ name: "kube-proxy", image: "example.com/kube-proxy:never-ready" }] },
    };
    const spec = { updateStrategy: { type: "OnDelete", rollingUpdate: null }, template: image };
    await kube(["patch", "daemonset", "kube-proxy", "-p", JSON.stringify({ spec })]);
    const changed = await restarted(async () => {
      const { stderr, code } = await run("node-0001,node-0002,node-0003", "--deadline", "3s");
      assert.equal(code, 1);
      assert.match(
        stderr,
        /--deadline: "3s" is not accepted; .*: node-0001 has no Ready kube-proxy \(kube-proxy-\w+ is ImagePullBackOff\); not restarted: node-0002, node-0003/,
      );
    });
    assert.deepEqual(changed, ["node-0001"]);
  });

  test("mistakes on the command line end with 2", async () => {
    const cases: readonly [string, string[], RegExp][] = [
      ["", [], /^--nodes: is required/],
      ["a,,b", [], /^--nodes: is required/],
      ["a", ["--deadline", "5"], /^--deadline: "5" is not accepted/],
      ["a", ["--node", "b"], /^Unknown option/],
    ];
    for (const [names, args, message] of cases) {
      const { code, stderr } = await run(names, ...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    }
  });
});
