/** Every update that touches pods leaves a report beside its snapshot, however it ends; without `report` nothing does. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { findReports } from "../../components/cluster/report/files.ts";
import type { UpdateReport } from "../../components/report/types.ts";
import { neverReadyImage, setFaults } from "../../lab/index.ts";
import { Operator } from "../rbac/operator.ts";
import { allows, requestsOf, rightsIn, wordsOf } from "../rbac/rights.ts";
import { changesOf, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 6;
const hostname = "kubernetes.io/hostname";

suite("report", () => {
  const lab = useLab({ name: "e2e-report", nodes });
  let scenario: Scenario;
  before(async () => {
    scenario = await lab.open({ report: true, timeouts: { verify: "20s" } });
  });

  const all = () => findReports(scenario.snapshots);
  const last = (): UpdateReport => {
    const found = all().at(-1);
    assert.ok(found, "there is a report");
    return found.report;
  };
  const events = async (): Promise<string> => {
    const [set] = await scenario.cluster.daemonSets();
    return await scenario.cluster.kubectl(["describe", "daemonset", set?.metadata.name ?? ""]);
  };

  test("provisioning, and a restart: who, why, each node's course, the proof; the cluster says so, too", async () => {
    await scenario.up();
    assert.deepEqual(last().occasions, ["provision"]);
    const { output } = await scenario.up({ restart: "lost-rules-7" });
    const report = last();
    assert.ok(output.includes(`report: ${all().at(-1)?.page ?? "?"}`), output);
    assert.equal(report.outcome, "succeeded");
    assert.deepEqual(report.occasions, ["restart"]);
    assert.equal(report.token, "lost-rules-7");
    assert.match(report.by, /./);
    assert.ok(report.snapshot !== null && existsSync(report.snapshot));
    assert.deepEqual(report.next, []);
    assert.deepEqual(report.unrecorded, []);
    const [wave] = report.waves;
    assert.equal(wave?.state, "proved");
    assert.equal(wave.before?.token, "initial");
    assert.equal(wave.after.token, "lost-rules-7");
    assert.match(wave.after.configuration ?? "", /^apiVersion: kubeproxy/);
    assert.equal(wave.proof?.verified, nodes);
    assert.equal(wave.nodes.length, nodes);
    for (const { oldPod, newPod, deleted, stopped, created, ready, synced } of wave.nodes) {
      assert.ok(oldPod !== null && newPod !== null && oldPod !== newPod);
      const moments = [deleted, stopped, created, ready, synced];
      assert.ok(!moments.includes(null), JSON.stringify(moments));
      assert.deepEqual(
        [deleted, stopped].map(Number),
        [deleted, stopped].map(Number).sort((a, b) => a - b),
      );
    }
    const described = await events();
    assert.match(described, /UpdateBegan.*restart \(restart token lost-rules-7\)/);
    assert.match(described, /WaveEnded.*6 of 6 nodes verified/);
    assert.match(described, /UpdateSucceeded/);
    // For their owner's eyes only.
    const folder = join(scenario.snapshots, report.cluster.id);
    for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
    assert.ok(!readdirSync(folder).some((name) => name.includes("proof")));
  });

  test("one that is killed was interrupted", async () => {
    await scenario.stack.setConfig({ restart: "killed" });
    const running = scenario.stack.startUp();
    running.onStep(({ op, name }) => {
      if (op === "create-replacement" && name === "kube-proxy-daemon-set") running.kill();
    });
    assert.ok(!(await running.done).ok, "the kill came too late");
    assert.equal(last().outcome, "interrupted");
    assert.equal(last().waves[0]?.state, "running");
    await scenario.stack.cancel();
    const { page } = all().at(-1) ?? {};
    await scenario.up();
    assert.equal(last().outcome, "succeeded");
    const text = readFileSync(page ?? "", "utf8");
    assert.match(text, /Was interrupted/);
    assert.match(text, /It goes on with DaemonSet kube-proxy as it stands/);
  });

  test("who may not write Events has a report that says so; with docs/rbac nothing is lacking", async () => {
    const kubeconfig = join(scenario.snapshots, "kubeconfig");
    const up = ["up.yaml", "checks.yaml"].flatMap((file) => rightsIn(file));
    const operator = await Operator.create(lab.lab, "report");
    // Always one path: the CLI refreshes by the kubeconfig that its state names.
    copyFileSync(operator.kubeconfig, kubeconfig);
    try {
      await operator.may(up);
      await scenario.up({ kubeconfig, restart: "without" });
      const { outcome, unrecorded, waves } = last();
      assert.deepEqual([outcome, waves[0]?.state, waves[0]?.proof?.verified], ["succeeded", "proved", nodes]);
      assert.equal(unrecorded.length, 1);
      assert.match(unrecorded[0] ?? "", /^Events could not be written: .*cannot create resource "events"/);
      assert.equal(waves[0]?.nodes.length, nodes, "what the update itself needs is enough for all else");

      const own = rightsIn("report.yaml");
      await operator.may([...up, ...own]);
      await scenario.up({ restart: "with" });
      assert.deepEqual(last().unrecorded, []);
      const requests = requestsOf(lab.lab, operator.user);
      for (const right of own)
        assert.ok(
          requests.some((one) => allows(right, one)),
          wordsOf(right),
        );
    } finally {
      copyFileSync(lab.lab.kubeconfig, kubeconfig);
    }
  });

  test("nodes that are restarted alone have one: their pods changed, and no DaemonSet", async () => {
    await scenario.up({ restartNodes: { nodes: ["node-0002"] } });
    const { occasions, outcome, waves } = last();
    assert.deepEqual([occasions, outcome, waves[0]?.state], [["restart of nodes"], "succeeded", "unchanged"]);
    assert.deepEqual(
      waves[0]?.nodes.map(({ node }) => node),
      ["node-0002"],
    );
  });

  test("nothing to do leaves none; without report nothing is written, nor said", async () => {
    const before = all().length;
    await scenario.up();
    assert.equal(all().length, before);
    const { output } = await scenario.up({ report: false, restart: "quiet" });
    assert.equal(all().length, before);
    assert.ok(!output.includes("report"), output);
    assert.doesNotMatch(await events(), /Update(Began|Succeeded)/);
    assert.deepEqual(changesOf(await scenario.stack.preview()), []);
    await scenario.stack.setConfig({ report: true });
  });

  test("a proof that fails is in it, node by node, and the DaemonSet's Events say so", async () => {
    setFaults(lab.lab, { "node-0003": "neverSynced" });
    await scenario.stack.setConfig({ restart: "unproved", timeouts: { verify: "5s" } });
    const { ok, output } = await scenario.stack.up();
    setFaults(lab.lab, {});
    assert.ok(!ok, output);
    const { outcome, waves } = last();
    const [wave] = waves;
    assert.deepEqual([outcome, wave?.state, wave?.failure], ["failed", "failed", null]);
    assert.deepEqual([wave?.proof?.verified, wave?.proof?.failed], [nodes - 1, 1]);
    const [worst] = wave?.proof?.nodes ?? [];
    assert.deepEqual([worst?.node, worst?.verdict], ["node-0003", "failed"]);
    assert.match(worst?.reasons.join() ?? "", /never synced/);
    const other = wave?.nodes.find(({ node }) => node === "node-0003");
    assert.deepEqual([other?.ready === null, other?.synced], [false, null]);
    assert.match(await events(), /Warning +UpdateFailed.*kube-proxy: failed.*5 of 6 nodes verified/);
    await scenario.up({ timeouts: { verify: "20s" } });
    assert.deepEqual([last().outcome, last().waves[0]?.proof?.verified], ["succeeded", nodes]);
  });

  test("one that fails says where it stands and what comes next; the next one ends well", async () => {
    const pools = [
      { name: "one", matchExpressions: [{ key: hostname, operator: "In", values: ["node-0001"] }] },
      { name: "rest", matchExpressions: [{ key: hostname, operator: "NotIn", values: ["node-0001"] }] },
    ];
    await scenario.up({ pools });
    const failing = { ...pools[0], image: neverReadyImage };
    await scenario.stack.setConfig({
      pools: [failing, pools[1]],
      restart: "bad",
      timeouts: { create: "5s" },
    });
    const failed = await scenario.stack.up();
    assert.ok(!failed.ok, failed.output);
    const report = last();
    assert.equal(report.outcome, "failed");
    assert.deepEqual(
      report.waves.map(({ daemonSet, state }) => [daemonSet, state]),
      [
        ["kube-proxy-one", "failed"],
        ["kube-proxy-rest", "waiting"],
      ],
    );
    assert.match(report.waves[0]?.failure ?? "", /node-0001 \((ImagePullBackOff|ErrImagePull)\)/);
    assert.match(report.next[0] ?? "", /^It goes on with DaemonSet kube-proxy-one as it stands/);
    assert.match(report.next[1] ?? "", /does it touch DaemonSet kube-proxy-rest/);
    await scenario.up({ pools, timeouts: { verify: "20s" } });
    assert.equal(last().outcome, "succeeded");
    assert.deepEqual(
      last().waves.map(({ state }) => state),
      ["proved", "proved"],
    );
    await scenario.destroy();
  });
});

suite("the report of an adoption", () => {
  const at = useLab({ name: "e2e-report-adopt", nodes: 2, kubeadm: true });

  test("says so, and that no node's pod has changed", async () => {
    const ofCluster = { kubernetesVersion: "", controlPlaneEndpoint: "", podSubnet: "" };
    const scenario = await at.open({ ...ofCluster, adopt: true, report: true });
    await scenario.up();
    const report = findReports(scenario.snapshots).at(-1)?.report;
    assert.deepEqual(report?.occasions, ["adoption"]);
    const [wave] = report.waves;
    assert.deepEqual([report.outcome, wave?.state, wave?.proof?.verified], ["succeeded", "proved", 2]);
    assert.deepEqual(wave?.nodes, []);
    await scenario.destroy();
  });
});
