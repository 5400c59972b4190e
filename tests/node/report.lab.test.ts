/** What a report says of real nodes is what happened there, by what the kubelets and the kube-proxies say themselves. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { findReports } from "../../components/cluster/report/files.ts";
import type { NodeCourse, UpdateReport } from "../../components/report/types.ts";
import { useNodes } from "./nodes.ts";
import { skip } from "./requirements.ts";

/** By so much the kubelet's words come later than what they tell of, in seconds: it rounds down, and syncs each second. */
const lateness = 3;

/** When a pod's container began to run, by the kubelet. */
interface Started {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly containerStatuses: readonly {
      readonly state: { readonly running?: { readonly startedAt: string } };
    }[];
  };
}

suite("the report of real nodes", { skip }, () => {
  const nodes = useNodes("report", "iptables");

  const last = (): UpdateReport => {
    const found = findReports(nodes.scenario.snapshots).at(-1);
    assert.ok(found);
    return found.report;
  };

  /** Every moment is there, in the order in which things happen, and close to what the kubelet says. */
  async function assertTrue({ began, waves }: UpdateReport): Promise<NodeCourse[]> {
    const list = await nodes.scenario.cluster.kubectl([
      "get",
      "pods",
      "-l",
      "k8s-app=kube-proxy",
      "-o",
      "json",
    ]);
    const { items } = JSON.parse(list) as { items: Started[] };
    const courses = waves.flatMap((wave) => wave.nodes);
    assert.equal(courses.length, 2);
    for (const course of courses) {
      const { node, newPod, deleted, stopped, created, ready, synced } = course;
      const moments = [deleted, stopped, created, ready].map(Number);
      assert.ok(
        ![deleted, stopped, created, ready, synced].includes(null),
        `${node}: ${JSON.stringify(course)}`,
      );
      assert.deepEqual(
        moments,
        moments.toSorted((a, b) => a - b),
        node,
      );
      const pod = items.find(({ metadata }) => metadata.name === newPod);
      const startedAt = pod?.status.containerStatuses[0]?.state.running?.startedAt ?? "";
      const started = (Date.parse(startedAt) - Date.parse(began)) / 1000;
      assert.ok(Math.abs(Number(ready) - started) <= lateness, `${node}: ready ${ready}, started ${started}`);
      // By the node's own clock, which is this machine's.
      assert.ok(
        Number(synced) >= started - 1 && Number(synced) <= started + 30,
        `${node}: synced ${synced}, started ${started}`,
      );
    }
    return courses;
  }

  test("a restart: node by node, with the moment of each first sync", async (t) => {
    await nodes.scenario.up({ report: true });
    await nodes.scenario.up({ restart: "seen" });
    const report = last();
    assert.deepEqual([report.occasions, report.outcome, report.unrecorded], [["restart"], "succeeded", []]);
    const courses = await assertTrue(report);
    const [first, second] = courses.toSorted((a, b) => Number(a.deleted) - Number(b.deleted));
    assert.ok(Number(second?.deleted) >= Number(first?.ready), "one after the other");
    for (const { node, stopped, ready, synced } of courses) {
      const gap = Number(ready) - Number(stopped);
      t.diagnostic(
        `${node}: ${gap.toFixed(1)} s without kube-proxy, ${(Number(synced) - Number(stopped)).toFixed(1)} s until synced`,
      );
    }
  });

  test("a switch between modes, which says from what to what", async () => {
    await nodes.scenario.up({ configuration: nodes.configurationOf("nftables") });
    const report = last();
    assert.deepEqual(
      [report.occasions, report.outcome, report.unrecorded],
      [["mode switch"], "succeeded", []],
    );
    const [wave] = report.waves;
    assert.deepEqual(
      [wave?.before?.mode, wave?.after.mode, wave?.proof?.verified],
      ["iptables", "nftables", 2],
    );
    await assertTrue(report);
  });
});
