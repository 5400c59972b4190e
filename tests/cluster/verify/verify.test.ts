/** What a verification remembers from round to round. */
import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { suite, test } from "node:test";
import { formatProgress } from "../../../components/cluster/verify/progress.ts";
import type { Report } from "../../../components/cluster/verify/types.ts";
import { verify } from "../../../components/cluster/verify/verify.ts";
import { withApiServer } from "../apiServer.ts";
import { FakeCluster } from "./fakeCluster.ts";
import { answers } from "./fixtures.ts";
import { forwardPorts } from "./portForward.ts";

const pages = answers();
const kubeProxy =
  (mode: string): RequestListener =>
  ({ url = "" }, response) => {
    const bodies: Record<string, string> = {
      "/metrics": pages.metrics,
      "/proxyMode": mode,
      "/configz": pages.configz,
    };
    response.end(bodies[url]);
  };

/**
 * Verifies two nodes, of which b is not well in the first round.
 *
 * @param change - what happens between the first round and the second
 * @returns the report, and whose kube-proxies were asked in the second round
 */
async function verifyTwice(
  change: (cluster: FakeCluster) => void,
): Promise<{ report: Report; asked: string[] }> {
  const cluster = new FakeCluster(["a", "b"].map((name) => ({ name, node: name })));
  const asked = new Set<string>();
  let round = 0;
  cluster.onRead = (count) => {
    round = count;
    if (round === 2) change(cluster);
  };
  const report = await withApiServer(cluster.answer, (config, server) => {
    forwardPorts(server, (pod) => {
      if (round === 2) asked.add(pod);
      return kubeProxy(pod === "b" && round === 1 ? "nftables" : "iptables");
    });
    return verify(config, {}, { deadlineMs: 20_000 });
  });
  assert.equal(round, 2);
  return { report, asked: [...asked].sort() };
}

suite("the progress of a verification", { concurrency: true }, () => {
  test("is told at least every 5 s, with the nodes that are still open by name", async () => {
    const cluster = new FakeCluster(["a", "b"].map((name) => ({ name, node: name })));
    const lines: string[] = [];
    const onProgress = (line: string) => void lines.push(line);
    await withApiServer(cluster.answer, (config, server) => {
      forwardPorts(server, (pod) => kubeProxy(pod === "b" ? "nftables" : "iptables"));
      return verify(config, {}, { deadlineMs: 6000, onProgress });
    });
    assert.deepEqual(lines, ["after 5 s: 1 of 2 nodes still open: b"]);
  });

  test("counts the nodes where many are open", () => {
    const open = ["a", "b", "c", "d", "e", "f"];
    assert.equal(formatProgress(open, 9, 10), "after 10 s: 6 of 9 nodes still open");
    assert.equal(formatProgress([], 0, 5), "after 5 s: the nodes are not read yet");
  });
});

suite("the second round of a verification", { concurrency: true }, () => {
  test("asks only those who have not passed", async () => {
    const { report, asked } = await verifyTwice(() => undefined);
    assert.deepEqual([report.ok, report.verified], [true, 2]);
    assert.deepEqual(asked, ["b"]);
  });

  test("asks everybody where the DaemonSet has a new revision: what was proved is of the one before", async () => {
    const { report, asked } = await verifyTwice((cluster) => (cluster.revision = "two"));
    assert.deepEqual([report.ok, report.verified], [true, 2]);
    assert.deepEqual(asked, ["a", "b"]);
  });

  test("asks a new pod in the place of one that has passed", async () => {
    const { asked } = await verifyTwice((cluster) => {
      cluster.pods = cluster.pods.map((pod) => ({ ...pod, name: pod.node === "a" ? "a2" : pod.name }));
    });
    assert.deepEqual(asked, ["a2", "b"]);
  });
});
