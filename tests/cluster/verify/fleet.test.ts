/** Which pods are those of a node. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readFleetInTime } from "../../../components/cluster/verify/fleet.ts";
import { withApiServer } from "../apiServer.ts";
import { FakeCluster, type FakePod } from "./fakeCluster.ts";

async function podsOf(pods: readonly FakePod[]): Promise<string[]> {
  const choice = { daemonSet: "kube-proxy", nodes: undefined };
  const fleet = await withApiServer(new FakeCluster(pods).answer, (config) =>
    readFleetInTime(config, choice, AbortSignal.timeout(10_000)),
  );
  return fleet.nodes.flatMap(({ pods }) => pods.map(({ name }) => name));
}

suite("the pods of a node", () => {
  const running: FakePod = { name: "runs", node: "a" };

  test("are not those that have ended: the kubelet keeps one that it has refused or evicted beside its successor", async () => {
    for (const phase of ["Failed", "Succeeded"]) {
      assert.deepEqual(await podsOf([{ name: "ended", node: "a", phase }, running]), ["runs"], phase);
    }
  });

  test("are not those that are about to end, nor another's", async () => {
    const deletionTimestamp = "2026-11-28T00:00:00Z";
    const ending = { name: "ending", node: "a", metadata: { deletionTimestamp } };
    const orphan = { name: "orphan", node: "a", metadata: { ownerReferences: [] } };
    assert.deepEqual(await podsOf([ending, orphan, running]), ["runs"]);
  });

  test("are all others: one that waits will run beside the one that does", async () => {
    const pending = { name: "waits", node: "a", phase: "Pending" };
    assert.deepEqual(await podsOf([running, pending]), ["runs", "waits"]);
  });
});
