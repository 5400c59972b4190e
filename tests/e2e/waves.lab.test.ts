import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { setFaults } from "../../lab/index.ts";
import type { Result } from "../engine/index.ts";
import { PodWatch, shortcomings } from "./recovery/onePerNode.ts";
import { changesOf, eventually, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = ["node-0001", "node-0002", "node-0003", "node-0004", "node-0005"];
const label = "example.com/pool";
const canary = { name: "canary", nodeSelector: { [label]: "canary" } };
const rest = { name: "rest", matchExpressions: [{ key: label, operator: "NotIn", values: ["canary"] }] };
const pools = [canary, rest];

suite("waves", () => {
  const lab = useLab({ name: "e2e-waves", nodes: nodes.length });
  let scenario: Scenario;
  let watch: PodWatch;
  let token = "initial";
  before(async () => {
    scenario = await lab.open();
    await scenario.cluster.kubectl(["label", "node", "node-0001", "node-0002", `${label}=canary`]);
    watch = await PodWatch.start(lab.lab);
  });
  after(() => watch.stop());

  /** An `up` that has to end with one new kube-proxy a node, which never had two, and nothing left to do. */
  async function up(config: Record<string, unknown>): Promise<Result> {
    const result = await scenario.up(config);
    token = typeof config["restart"] === "string" ? config["restart"] : token;
    assert.deepEqual(shortcomings(await scenario.cluster.pods(), nodes, token), []);
    assert.deepEqual(watch.violations, []);
    const preview = await scenario.stack.preview();
    assert.deepEqual(changesOf(preview), [], preview.output);
    return result;
  }

  const daemonSets = async () => (await scenario.cluster.daemonSets()).map(({ metadata }) => metadata);
  const uids = async () => new Map((await daemonSets()).map(({ name, uid }) => [name, uid]));
  const podsByNode = async () =>
    new Map((await scenario.cluster.pods()).map((pod) => [pod.spec.nodeName, pod.metadata.uid]));
  const replaced = (result: Result) =>
    changesOf(result).filter((change) => /^create-replacement .*(daemon-set|verify)$/.test(change));

  test("from one DaemonSet to pools: pods change hands node by node, and no node has two or none", async () => {
    await up({});
    const old = await podsByNode();
    await scenario.stack.setConfig({ pools });
    const preview = await scenario.stack.preview();
    assert.match(
      preview.output,
      /Pods of kube-proxy change hands: each runs until its new DaemonSet replaces it/,
    );
    assert.match(preview.output, /DaemonSet kube-proxy-canary takes over and replaces the pods of its nodes/);
    await up({});
    assert.deepEqual([...(await uids()).keys()], ["kube-proxy-canary", "kube-proxy-rest"]);
    for (const [node, uid] of await podsByNode()) {
      assert.notEqual(uid, old.get(node), `${node} still has its old pod`);
    }
  });

  test("a restart takes the pools in their order, each after the proof of the one before", async () => {
    const old = await uids();
    const result = await up({ restart: "in waves" });
    assert.deepEqual(replaced(result), [
      "create-replacement kube-proxy-canary-daemon-set",
      "create-replacement kube-proxy-canary-verify",
      "create-replacement kube-proxy-rest-daemon-set",
      "create-replacement kube-proxy-rest-verify",
    ]);
    for (const [name, uid] of await uids()) {
      assert.notEqual(uid, old.get(name), name);
    }
    // Each proof's table twice: from its command, and at the end.
    const lines = result.output.match(/node-\d{4} +kube-proxy-(canary|rest)-\w+ .* verified/g) ?? [];
    assert.deepEqual([new Set(lines).size, lines.length], [nodes.length, 2 * nodes.length]);
  });

  test("who restarted, when and why is on the DaemonSets and in the outputs", async () => {
    const { outputs } = await scenario.up();
    const told = outputs["daemonSets"] as {
      name: string;
      restart: string;
      restartedBy: string;
      restartedAt: string;
    }[];
    assert.deepEqual(
      told.map(({ name, restart }) => [name, restart]),
      [
        ["kube-proxy-canary", "in waves"],
        ["kube-proxy-rest", "in waves"],
      ],
    );
    for (const { annotations = {}, name } of await daemonSets()) {
      const state = told.find((one) => one.name === name);
      assert.equal(annotations["kube-proxy/restart"], "in waves");
      assert.equal(annotations["kube-proxy/restarted-by"], state?.restartedBy);
      assert.equal(annotations["kube-proxy/restarted-at"], state?.restartedAt);
      assert.ok(Math.abs(Date.now() - Date.parse(state?.restartedAt ?? "")) < 10 * 60_000);
    }
  });

  test("a node that is not well halts the restart before the next pool", async () => {
    const old = await uids();
    setFaults(lab.lab, { "node-0002": "neverSynced" });
    await scenario.stack.setConfig({ restart: "halted", timeouts: { verify: "3s" } });
    const failed = await scenario.stack.up();
    assert.ok(!failed.ok, "the restart went on past a kube-proxy that never synced");
    assert.match(failed.output, /node-0002 .*failed: /);
    const now = await uids();
    assert.notEqual(now.get("kube-proxy-canary"), old.get("kube-proxy-canary"));
    assert.equal(now.get("kube-proxy-rest"), old.get("kube-proxy-rest"), "the next pool was touched");
    setFaults(lab.lab, {});
    await up({ restart: "halted", timeouts: {} });
  });

  test("a pause ends the update after its pool; the next one goes on", async () => {
    const old = await podsByNode();
    await scenario.stack.setConfig({ restart: "with a pause", pause: 1 });
    assert.match(
      (await scenario.stack.preview()).output,
      /Pool rest stays as it is: this update pauses before it/,
    );
    const first = await scenario.up();
    assert.deepEqual(replaced(first), [
      "create-replacement kube-proxy-canary-daemon-set",
      "create-replacement kube-proxy-canary-verify",
    ]);
    const between = await podsByNode();
    assert.deepEqual(
      nodes.filter((node) => between.get(node) === old.get(node)),
      ["node-0003", "node-0004", "node-0005"],
    );
    const second = await up({ restart: "with a pause" });
    assert.deepEqual(replaced(second), [
      "create-replacement kube-proxy-rest-daemon-set",
      "create-replacement kube-proxy-rest-verify",
    ]);
    await up({ pause: 0 });
  });

  test("some nodes alone are restarted by deleting their pods", async () => {
    const [old, sets] = [await podsByNode(), await uids()];
    const restartNodes = { nodes: ["node-0002", "node-0005"] };
    await scenario.stack.setConfig({ restartNodes });
    const preview = await scenario.stack.preview();
    assert.match(
      preview.output,
      /restartNodes: pods that are deleted .*: kube-proxy-canary-\w+ on node-0002, kube-proxy-rest-\w+ on node-0005\./,
    );
    const { output } = await up({ restartNodes });
    assert.doesNotMatch((await scenario.stack.preview()).output, /pods that are deleted/);
    const now = await podsByNode();
    assert.deepEqual(
      nodes.filter((node) => now.get(node) !== old.get(node)),
      restartNodes.nodes,
    );
    assert.deepEqual(await uids(), sets, "the DaemonSets were touched");
    assert.match(output, /node-0005 +kube-proxy-rest-\w+ .* verified/);
    await up({ restartNodes: { ...restartNodes, token: "again" } });
    assert.notEqual((await podsByNode()).get("node-0002"), now.get("node-0002"));
    await up({ restartNodes: {} });
  });

  test("pools that are renamed, cut anew and put in another order: no node has two kube-proxies, or none", async () => {
    const renamed = [{ ...canary, name: "first" }, rest];
    await up({ pools: renamed });
    const cut = [
      { ...canary, name: "first", nodeSelector: { "kubernetes.io/hostname": "node-0003" } },
      {
        ...rest,
        matchExpressions: [{ key: "kubernetes.io/hostname", operator: "NotIn", values: ["node-0003"] }],
      },
    ];
    await up({ pools: cut });
    const pods = await scenario.cluster.pods();
    assert.match(
      pods.find(({ spec }) => spec.nodeName === "node-0003")?.metadata.name ?? "",
      /^kube-proxy-first-/,
    );
    const sets = await uids();
    await up({ pools: [...cut].reverse() });
    assert.deepEqual(await uids(), sets, "an order is no layout");
  });

  test("a node whose label changes pools gets its new kube-proxy when the old one is gone", async () => {
    await up({ pools });
    await scenario.cluster.kubectl(["label", "node", "node-0004", `${label}=canary`]);
    await scenario.cluster.kubectl(["rollout", "status", "daemonset", "kube-proxy-canary", "--timeout=60s"]);
    await up({});
    await scenario.cluster.kubectl(["label", "node", "node-0004", `${label}-`]);
    await scenario.cluster.kubectl(["rollout", "status", "daemonset", "kube-proxy-rest", "--timeout=60s"]);
  });

  test("a pool alone tries another mode out, with helpers on its nodes alone", async () => {
    const old = await podsByNode();
    await scenario.stack.setConfig({ pools: [{ ...canary, configuration: { mode: "nftables" } }, rest] });
    const switching = scenario.stack.startUp();
    const helped = new Set<string>();
    const look = async (): Promise<boolean> => {
      const path = "jsonpath={.items[*].spec.nodeName}";
      const names = await scenario.cluster.kubectl(["get", "pods", "-l", "kube-proxy/helper", "-o", path]);
      for (const name of names.split(" ").filter(Boolean)) helped.add(name);
      return helped.size === 2;
    };
    try {
      await eventually("helpers on the canaries", look);
    } finally {
      const { ok, output } = await switching.done;
      assert.ok(ok, output);
      assert.match(output, /kube-proxy-canary switches from mode iptables to nftables/);
      assert.doesNotMatch(output, /kube-proxy-rest switches/);
    }
    assert.deepEqual([...helped].sort(), ["node-0001", "node-0002"]);
    const now = await podsByNode();
    assert.deepEqual(
      nodes.filter((name) => now.get(name) !== old.get(name)),
      ["node-0001", "node-0002"],
    );
    await up({ pools });
  });

  test("from pools to one DaemonSet, exactly kubeadm's again", async () => {
    await up({ pools: [] });
    assert.deepEqual([...(await uids()).keys()], ["kube-proxy"]);
  });

  test("kube-proxy is stopped and started by a value", async () => {
    await scenario.stack.setConfig({ running: false });
    assert.match((await scenario.stack.preview()).output, /running is false: .* stay in the nodes' kernels/);
    const { output } = await scenario.up();
    assert.match(output, /snapshots.*\.yaml/, "what was stopped was kept before");
    assert.deepEqual(await scenario.cluster.pods(), []);
    assert.deepEqual(await daemonSets(), []);
    assert.deepEqual(changesOf(await scenario.stack.preview()), []);
    await up({ running: true });
  });

  test("what the cluster forbids is refused in the preview, with the nodes' names", async () => {
    const untouched = await scenario.cluster.fingerprint();
    const refusal = async (config: Record<string, unknown>) => {
      await scenario.stack.setConfig(config);
      const preview = await scenario.stack.preview();
      assert.ok(!preview.ok, "was not refused");
      assert.doesNotMatch(preview.output, /^ +at .*\(/m, "a stack trace");
      return preview.output;
    };
    assert.match(
      await refusal({ pools: [canary] }),
      /one with another example.com\/pool than canary is in none \(now: node-0003, /,
    );
    assert.match(
      await refusal({ pools: [canary, { name: "all" }] }),
      /is in canary and all \(now: node-0001, node-0002\)/,
    );
    assert.match(
      await refusal({
        pools: [
          { ...canary, nodeSelector: { [label]: "x" } },
          { ...rest, matchExpressions: [{ key: label, operator: "NotIn", values: ["x"] }] },
        ],
      }),
      /empty-pool: pool canary: has no node now: a wave without one proves nothing/,
    );
    assert.match(
      await refusal({ pools: [], restartNodes: { nodes: ["node-9"] } }),
      /restartNodes\.nodes\[0\]: "node-9" is not accepted/,
    );
    assert.match(await refusal({ restartNodes: {}, pause: 2 }), /pause: 2 is not accepted/);
    await scenario.stack.setConfig({ pause: 0 });
    assert.deepEqual(await scenario.cluster.fingerprint(), untouched);
  });

  test("destroy leaves nothing of any pool", async () => {
    await up({ pools });
    await scenario.destroy();
    assert.deepEqual(await scenario.cluster.pods(), []);
    assert.deepEqual(await scenario.cluster.fingerprint(), []);
  });
});
