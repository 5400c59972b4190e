import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ClusterFacts } from "../../components/index.ts";
import { type Plain, planOf } from "../../components/plan/plan.ts";
import { isSettled } from "../../components/plan/settled.ts";
import { factsAfter, objectsAfter } from "./facts.ts";

const plain: Plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const nodes = [{ name: "a", labels: { "kubernetes.io/os": "linux" }, taints: [], ready: "True" }];

/** A cluster in which these arguments have been applied. */
const after = (settings: Plain): ClusterFacts => ({
  ...factsAfter(settings, nodes),
  objects: objectsAfter(settings),
});
const settled = (settings: Plain, facts: ClusterFacts, held: string[] = []) =>
  isSettled(planOf(settings, facts), { held, running: settings.running ?? true }, facts);

/** The objects without one, or with another one in its place. */
function withObject(facts: ClusterFacts, kind: string, change: (object: object) => object[]): ClusterFacts {
  const objects = JSON.parse(facts.objects ?? "[]") as { kind: string }[];
  return {
    ...facts,
    objects: JSON.stringify(objects.flatMap((one) => (one.kind === kind ? change(one) : one))),
  };
}

suite("a cluster that has all of kube-proxy as it is wanted", () => {
  const facts = after(plain);

  test("is one in which the same was applied, whatever others have added", () => {
    assert.ok(settled(plain, facts));
    const labelled = withObject(facts, "ServiceAccount", (one) => [{ ...one, secrets: [{ name: "mine" }] }]);
    assert.ok(settled(plain, labelled));
  });

  test("is none that lacks an object, or has another one", () => {
    for (const { kind } of JSON.parse(facts.objects ?? "[]") as { kind: string }[]) {
      assert.ok(
        !settled(
          plain,
          withObject(facts, kind, () => []),
        ),
        `no ${kind}`,
      );
      const other = (one: object) => [{ ...one, metadata: { name: "other" } }];
      assert.ok(!settled(plain, withObject(facts, kind, other)), `another ${kind}`);
    }
    assert.ok(!settled({ ...plain, clusterRole: "create" }, facts), "another role to bind");
    assert.ok(!settled({ ...plain, metadata: { labels: { team: "net" } } }, facts), "a label");
  });

  test("is none whose DaemonSets or ConfigMaps differ, are others', or are more", () => {
    const [daemonSet, configMap] = [facts.daemonSets[0], facts.configMaps[0]];
    assert.ok(daemonSet && configMap);
    const edited = { ...configMap, data: { ...configMap.data, "config.conf": "mode: ipvs" } };
    assert.ok(!settled(plain, { ...facts, daemonSets: [] }));
    assert.ok(!settled({ ...plain, restart: "again" }, facts));
    assert.ok(!settled({ ...plain, extraArgs: ["--v=4"] }, facts));
    assert.ok(!settled(plain, { ...facts, configMaps: [edited] }));
    assert.ok(!settled(plain, { ...facts, helpers: [{ uid: "1", mode: "nftables" }] }));
    const pool = after({ ...plain, pools: [{ name: "all" }] });
    const [first] = pool.daemonSets;
    assert.ok(first);
    assert.ok(!settled(plain, { ...facts, daemonSets: [daemonSet, first] }), "a pool that is given up");
  });

  test("of a pool that is held it does not matter", () => {
    const pools = [
      { name: "canary", nodeSelector: { pool: "canary" } },
      { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn" as const, values: ["canary"] }] },
    ];
    const restarted = { ...plain, pools, restart: "2" };
    const [canary] = after(restarted).daemonSets;
    const [, rest] = after({ ...plain, pools }).daemonSets;
    assert.ok(canary && rest);
    const paused = { ...after(restarted), daemonSets: [canary, rest] };
    assert.ok(settled(restarted, paused, ["rest"]));
    assert.ok(!settled(restarted, paused));
  });

  test("is one without DaemonSets where none is to run", () => {
    assert.ok(settled({ ...plain, running: false }, { ...facts, daemonSets: [] }));
    assert.ok(!settled({ ...plain, running: false }, facts));
  });
});
