import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { TakeOver } from "../../components/adoption/takeOver.ts";
import { type ClusterFacts, type NodeFacts, type Pool, RestartStrategy } from "../../components/index.ts";
import { heldPools, type Plain } from "../../components/plan/plan.ts";
import { factsAfter, foretold } from "./facts.ts";

const plain: Plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const pools: Pool[] = [
  { name: "canary", nodeSelector: { pool: "canary" } },
  { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["canary"] }] },
];

function nodes(count: number, more: Partial<NodeFacts> = {}): NodeFacts[] {
  const labels = { "kubernetes.io/os": "linux", ...more.labels };
  return Array.from({ length: count }, (_, index) => ({
    name: `node-${index}`,
    taints: [],
    ready: "True",
    ...more,
    labels,
  }));
}

/** The cluster as an `up` of these arguments leaves it. */
const after = (args: Partial<Plain>, all = nodes(20)) => factsAfter({ ...plain, ...args }, all);

function tell(args: Partial<Plain>, facts: ClusterFacts, held: string[] = []) {
  return foretold({ ...plain, ...args }, facts, "12m", { held });
}

suite("what an up does to the pods is said before", () => {
  test("nothing, where nothing is different", () => {
    assert.deepEqual(tell({}, after({})), { lines: [], warnings: [], problems: [] });
    assert.deepEqual(
      tell({ pools }, after({ pools }, [...nodes(1, { labels: { pool: "canary" } })])).lines,
      [],
    );
  });

  test("the first one", () => {
    assert.deepEqual(tell({}, { nodes: nodes(20), daemonSets: [], configMaps: [], helpers: [] }).lines, [
      "DaemonSet kube-proxy is created for 20 nodes; waits up to 12m.",
    ]);
  });

  test("a restart goes by the strategy that the DaemonSet was made with, and says so when that is another", () => {
    const rolling = "DaemonSet kube-proxy is restarted, at most 2 of 20 nodes at a time; waits up to 12m.";
    const atOnce =
      "DaemonSet kube-proxy is restarted, all 20 pods deleted at once, then made anew; waits up to 12m.";
    const { Recreate } = RestartStrategy;
    const [made, madeRecreate] = [after({}), after({ restartStrategy: Recreate })];

    assert.deepEqual(tell({ restart: "2" }, made), { lines: [rolling], warnings: [], problems: [] });
    assert.deepEqual(tell({ restart: "2", restartStrategy: Recreate }, madeRecreate).lines, [atOnce]);

    const surprise = tell({ restart: "2" }, madeRecreate);
    assert.deepEqual(surprise.lines, [atOnce]);
    assert.match(
      surprise.warnings.join(),
      /restartStrategy is Rolling, but .* takes all its pods down at once/,
    );
    const other = tell({ restart: "2", restartStrategy: Recreate }, made);
    assert.match(other.lines.join(), /at most 1 of 20 nodes at a time/);
    assert.match(other.warnings.join(), /still rolls, the next one recreates/);
  });

  test("how long many pods change hands before the first one is replaced", () => {
    const large = after({}, nodes(3500));
    const { lines } = tell({ restart: "2" }, large);
    assert.match(lines[0] ?? "", /is restarted, at most 350 of 3500 nodes at a time/);
    assert.match(
      lines[1] ?? "",
      /^DaemonSet kube-proxy first gets its 3500 pods .* of 20 requests a second in about 4 minutes; a node that joins/,
    );
    const times = [126, 127, 300, 799, 1000].map((count) =>
      tell({ restart: "2" }, after({}, nodes(count)))
        .lines.slice(1)
        .map((line) => / in about (.*);/.exec(line)?.[1]),
    );
    assert.deepEqual(
      times,
      [[], ["10 s"], ["23 s"], ["1 minute"], ["1 minute"]],
      "below 10 s nobody waits for it",
    );
    const { Recreate } = RestartStrategy;
    const recreated = tell(
      { restart: "2", restartStrategy: Recreate },
      after({ restartStrategy: Recreate }, nodes(3500)),
    );
    assert.equal(recreated.lines.length, 1);
    assert.equal(
      tell({ image: "other" }, large).lines.some((line) => line.includes("from the old one")),
      false,
    );
  });

  test("a DaemonSet that somebody else has made, and what takes it over", () => {
    const [live] = after({}).daemonSets;
    assert.ok(live);
    const foreign = { ...after({}), daemonSets: [{ ...live, annotations: {}, managers: ["kubeadm"] }] };
    const { lines, problems } = foretold({ ...plain, restart: "new" }, foreign, "12m");
    assert.deepEqual(lines, []);
    assert.deepEqual(
      problems.map(({ path }) => path),
      ["adopt"],
    );
    assert.match(
      problems[0]?.accepted ?? "",
      /^is required: DaemonSet kube-proxy is there, and not this stack's/,
    );

    const takeOver = { taken: [], edits: {}, problems: [], changes: [], keepsPods: true };
    const taking = (more: Partial<TakeOver> = {}) =>
      foretold({ ...plain, restart: "new" }, foreign, "12m", { takeOver: { ...takeOver, ...more } });
    assert.deepEqual(taking(), { lines: [], warnings: [], problems: [] });
    const changing = taking({ keepsPods: false });
    assert.match(
      changing.lines.join(),
      /is changed in place, at most 2 of 20 nodes at a time; waits up to 12m\./,
    );
    assert.deepEqual(changing.warnings, []);
  });

  test("a change in place", () => {
    assert.deepEqual(tell({ image: "example.com/p:1" }, after({})).lines, [
      "DaemonSet kube-proxy is changed in place, at most 2 of 20 nodes at a time; waits up to 12m.",
      "DaemonSet kube-proxy changes: image registry.k8s.io/kube-proxy:v1.37.2 -> example.com/p:1.",
    ]);
  });

  test("kubeadm's DaemonSet beside pools makes room", () => {
    const all = [...nodes(1, { labels: { pool: "canary" } }), ...nodes(2)];
    const before = after({ pools }, all);
    const [kubeadms] = after({}, all).daemonSets;
    assert.ok(kubeadms);
    const beside = (managers: string[]) => ({
      ...before,
      daemonSets: [{ ...kubeadms, annotations: {}, managers }, ...before.daemonSets],
    });
    assert.deepEqual(tell({ pools }, beside(["kubeadm"])).lines, [
      "Pods of kube-proxy change hands: each runs until its new DaemonSet replaces it.",
    ]);
    assert.deepEqual(tell({ pools }, beside(["kubectl-edit", "kubeadm"])).lines, []);
  });

  test("another strategy alone touches no pod but by its bounds", () => {
    assert.deepEqual(tell({ restartStrategy: RestartStrategy.Recreate }, after({})).lines, []);
  });

  test("from one DaemonSet to pools and back: pods change hands", () => {
    const all = [...nodes(2, { labels: { pool: "canary" } }), ...nodes(18)];
    assert.deepEqual(tell({ pools }, after({}, all)).lines, [
      "Pods of kube-proxy change hands: each runs until its new DaemonSet replaces it.",
      "DaemonSet kube-proxy-canary takes over and replaces the pods of its nodes, at most 1 of 2 nodes at a time; waits up to 12m.",
      "DaemonSet kube-proxy-rest takes over and replaces the pods of its nodes, at most 2 of 18 nodes at a time; waits up to 12m.",
    ]);
    assert.match(
      tell({}, after({ pools }, all)).lines[0] ?? "",
      /Pods of kube-proxy-canary, kube-proxy-rest change/,
    );
    const moved = [{ name: "canary", nodeSelector: { pool: "other" } }, { name: "rest" }];
    assert.match(tell({ pools: moved }, after({ pools }, all)).lines[0] ?? "", /change hands/);
    assert.deepEqual(
      tell({ pools: [...pools].reverse() }, after({ pools }, all)).lines,
      [],
      "order is no layout",
    );
  });
});

suite("a pause", () => {
  const all = [...nodes(2, { labels: { pool: "canary" } }), ...nodes(3)];
  const wanted = { ...plain, pools, restart: "2" };

  test("holds what comes after it, until what comes before it is done", () => {
    const before = after({ pools }, all);
    assert.deepEqual(heldPools(wanted, 1, before), ["rest"]);
    assert.deepEqual(tell({ pools, restart: "2" }, before, ["rest"]).lines, [
      "DaemonSet kube-proxy-canary is restarted, at most 1 of 2 nodes at a time; waits up to 12m.",
      "Pool rest stays as it is: this update pauses before it.",
    ]);
    const [canary] = after({ pools, restart: "2" }, all).daemonSets;
    const [, rest] = before.daemonSets;
    assert.ok(canary && rest);
    assert.deepEqual(
      heldPools(wanted, 1, { nodes: all, daemonSets: [canary, rest], configMaps: [], helpers: [] }),
      [],
    );
  });

  test("holds nothing without one, or where nothing changes before it", () => {
    assert.deepEqual(heldPools(wanted, 0, after({ pools }, all)), []);
    const later = {
      ...plain,
      pools: [...pools.slice(0, 1), { ...(pools[1] as Pool), image: "example.com/p:1" }],
    };
    assert.deepEqual(heldPools(later, 1, after({ pools }, all)), []);
  });

  test("comes after any change of the pods, and before the first of them", () => {
    assert.deepEqual(heldPools({ ...plain, pools, image: "example.com/p:1" }, 1, after({ pools }, all)), [
      "rest",
    ]);
    assert.deepEqual(
      heldPools({ ...plain, pools }, 1, { nodes: all, daemonSets: [], configMaps: [], helpers: [] }),
      ["rest"],
    );
  });
});
