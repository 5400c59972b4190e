/** Whoever was Ready before a change is verified after it, or gone. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  baselineOf,
  formatBaseline,
  formatBudget,
  leastOf,
  readBaselines,
} from "../../../components/cluster/verify/baseline.ts";
import { lookAgain } from "../../../components/cluster/verify/lookAgain.ts";
import { takeBaseline } from "../../../components/cluster/verify/prepare.ts";
import type { Baseline, Report } from "../../../components/cluster/verify/types.ts";
import { verify } from "../../../components/cluster/verify/verify.ts";
import { withApiServer } from "../apiServer.ts";
import { FakeCluster } from "./fakeCluster.ts";
import { answers, nodeWith } from "./fixtures.ts";
import { forwardPorts } from "./portForward.ts";

const pages = answers();
const names = ["a", "b"];
const clusterOf = (nodes = names) => new FakeCluster(nodes.map((name) => ({ name, node: name })));

const before: Baseline = {
  daemonSet: "kube-proxy",
  at: new Date().toISOString(),
  first: false,
  nodes: 2,
  newest: "2026-11-01T00:00:00.000Z",
  notReady: [],
};

/**
 * Verifies the cluster after a change.
 *
 * @param onRound - what happens before each round; by default kubelets renew the Leases
 */
async function proof(
  cluster: FakeCluster,
  baseline: Baseline,
  onRound = (round: number) => {
    renew(cluster, round);
  },
  deadlineMs = 8000,
): Promise<Report> {
  cluster.onRead = onRound;
  return await withApiServer(cluster.answer, (config, server) => {
    forwardPorts(server, () => ({ url = "" }, response) => {
      const bodies: Record<string, string> = {
        "/metrics": pages.metrics,
        "/proxyMode": pages.proxyMode,
        "/configz": pages.configz,
      };
      response.end(bodies[url]);
    });
    return verify(config, { baseline }, { deadlineMs });
  });
}

function renew(cluster: FakeCluster, round: number, but: readonly string[] = []): void {
  cluster.leases = new Map(names.map((name) => [name, `renewal ${but.includes(name) ? 0 : round}`]));
}

suite("a proof after a change", { concurrency: true }, () => {
  test("ends when every node has sent a sign of life after it has passed", async () => {
    const cluster = clusterOf();
    const report = await proof(
      cluster,
      before,
      (round) => {
        renew(cluster, round);
      },
      20_000,
    );
    assert.deepEqual([report.ok, report.verified, report.failed], [true, 2, 0]);
    assert.ok(report.seconds < 15, `took ${report.seconds} s`);
  });

  test("fails for a node that sends none, though it is Ready and all of its kube-proxy is well", async () => {
    const cluster = clusterOf();
    const report = await proof(cluster, before, (round) => {
      renew(cluster, round, ["b"]);
    });
    assert.deepEqual([report.verified, report.failed], [1, 1]);
    assert.deepEqual(
      [report.nodes[0]?.node, report.nodes[0]?.reasons],
      ["b", ["it has passed, but its kubelet has not renewed the node's Lease since"]],
    );
  });

  test("fails where nobody can tell, and says why", async () => {
    const cluster = clusterOf();
    const report = await proof(cluster, before, () => (cluster.leases = undefined));
    assert.equal(report.failed, 2);
    assert.match(
      report.nodes[0]?.reasons[0] ?? "",
      /^it has passed, but the Leases of the nodes cannot be read: /,
    );
  });

  test("fails for a node that was Ready before and is not any more", async () => {
    const cluster = clusterOf();
    const report = await proof(cluster, before, (round) => {
      renew(cluster, round);
      cluster.notReady.set("b", "NodeStatusUnknown");
    });
    assert.deepEqual([report.verified, report.failed, report.excluded], [1, 1, 0]);
    assert.deepEqual(report.nodes[0]?.reasons, [
      "the node is NotReady: NodeStatusUnknown; before the change it was Ready",
    ]);
  });

  test("fails for one that dies while others are waited for", async () => {
    const cluster = clusterOf();
    const report = await proof(cluster, before, (round) => {
      renew(cluster, round, ["b"]);
      if (round === 2) cluster.notReady.set("a", "NodeStatusUnknown");
    });
    assert.deepEqual([report.verified, report.failed], [0, 2]);
  });

  test("leaves out a node that was NotReady before, one that has joined since, and one that is gone", async () => {
    const cluster = clusterOf();
    cluster.notReady.set("b", "NodeStatusUnknown");
    for (const [baseline, excuse] of [
      [{ ...before, notReady: ["b"] }, "it was so before the change"],
      [{ ...before, newest: "2026-10-01T00:00:00.000Z" }, "it has joined since"],
    ] as const) {
      const report = await proof(
        cluster,
        baseline,
        (round) => {
          renew(cluster, round);
        },
        20_000,
      );
      assert.deepEqual([report.ok, report.verified, report.excluded], [true, 1, 1]);
      assert.deepEqual(report.nodes[0]?.reasons, [`the node is NotReady: NodeStatusUnknown; ${excuse}`]);
    }
    cluster.notReady.set("b", "");
    assert.equal((await proof(cluster, before)).verified, 1);
  });
});

suite("a baseline", { concurrency: true }, () => {
  const taken = (cluster: FakeCluster) =>
    withApiServer(cluster.answer, (config) => takeBaseline(config, "kube-proxy"));

  test("names who is not Ready, and is read again from among other lines", async () => {
    const cluster = clusterOf();
    cluster.notReady.set("b", "NodeStatusUnknown");
    const baseline = await taken(cluster);
    const { daemonSet, first, nodes, newest, notReady } = baseline;
    assert.deepEqual(
      { daemonSet, first, nodes, newest, notReady },
      {
        ...{ daemonSet: "kube-proxy", first: false, nodes: 2 },
        ...{ newest: cluster.created, notReady: ["b"] },
      },
    );
    const text = `A line for people.\n${formatBaseline(baseline)}\nAnother one.`;
    assert.deepEqual(readBaselines(text), [baseline]);
    assert.deepEqual(readBaselines(""), []);
  });

  test("is that of a first kube-proxy until a pod of it has had a process", async () => {
    const pod = (state: object) => ({
      ...{ name: "a", node: "a", phase: "Pending" },
      status: { conditions: [{ type: "Ready", status: "False" }], containerStatuses: [{ state }] },
    });
    const pulled = new FakeCluster([pod({ waiting: { reason: "ImagePullBackOff" } })]);
    const crashed = new FakeCluster([pod({ terminated: { exitCode: 1 } })]);
    assert.deepEqual([(await taken(pulled)).first, (await taken(crashed)).first], [true, false]);
  });

  test("lets nothing pass without a verified node, but at the first provisioning and where there is no node", () => {
    const report = (count: number) => ({
      nodes: Array.from({ length: count }, () => ({}) as Report["nodes"][number]),
    });
    assert.equal(leastOf(undefined, report(0)), 1);
    assert.equal(leastOf(before, report(2)), 1);
    assert.equal(leastOf(before, report(0)), 1, "all of its nodes are gone");
    assert.equal(leastOf({ ...before, first: true }, report(2)), 0);
    const none = baselineOf("kube-proxy-rest", [nodeWith()], { there: false, first: false });
    assert.deepEqual([leastOf(none, report(0)), leastOf(none, report(1))], [0, 1]);
  });
});

suite("before the next wave", { concurrency: true }, () => {
  const look = (cluster: FakeCluster, baseline: Baseline, ...more: string[]) =>
    withApiServer(cluster.answer, (config) =>
      lookAgain(config, [formatBaseline(baseline), ...more].join("\n"), 0),
    );

  test("a node of the wave before that is not well halts it", async () => {
    const cluster = clusterOf();
    await look(cluster, before);
    cluster.notReady.set("b", "NodeStatusUnknown");
    await assert.rejects(
      look(cluster, before),
      /kube-system\/kube-proxy: was changed at .* b \(it was Ready before the change and is NotReady: NodeStatusUnknown\)/,
    );
    await look(cluster, { ...before, notReady: ["b"] });
    await look(cluster, before, formatBudget("kube-proxy-canary", "2"), formatBudget("kube-proxy", "1"));
    await assert.rejects(look(cluster, before, formatBudget("kube-proxy", "10%")));
  });

  test("a wave of another day is of another change", async () => {
    const cluster = clusterOf();
    cluster.notReady.set("b", "NodeStatusUnknown");
    await look(cluster, { ...before, at: "2026-11-01T00:00:00.000Z" });
  });

  test("a node without a kube-proxy halts it as well", async () => {
    const cluster = clusterOf(["a"]);
    cluster.nodes = ["b"];
    await assert.rejects(look(cluster, before), /b \(0 pods of kube-proxy on it\)/);
  });
});
