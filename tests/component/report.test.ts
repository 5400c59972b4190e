/** With `report` an update is recorded from its first resource on; without it nothing is there. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { needingFacts } from "../../components/args.ts";
import { KubeProxy, type KubeProxyArgs, type Pool } from "../../components/index.ts";
import { factsAfter } from "../plan/facts.ts";
import { named, registrationsOf } from "./registration.ts";

const plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const pools: Pool[] = [
  { name: "canary", nodeSelector: { pool: "canary" } },
  { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["canary"] }] },
];
const labels = { "kubernetes.io/os": "linux" };
const facts = factsAfter(plain, [
  { name: "a", labels: { ...labels, pool: "canary" }, taints: [], ready: "True" },
  { name: "b", labels, taints: [], ready: "True" },
]);

const declare = (more: Partial<KubeProxyArgs>) =>
  registrationsOf(() => new KubeProxy("kube-proxy", { ...plain, cluster: {}, facts, ...more }));

suite("the report of an update", () => {
  test("is none unless it is asked for: no hook, no variable", async () => {
    for (const report of [undefined, false]) {
      const registrations = await declare(report === undefined ? {} : { report });
      for (const { name, beforeCreate, beforeUpdate, inputs } of registrations) {
        assert.ok(![...beforeCreate, ...beforeUpdate].some((hook) => hook.includes("recording")), name);
        const environment = inputs["environment"] as object | undefined;
        assert.ok(!("KUBE_PROXY_REPORTS" in (environment ?? {})), name);
      }
    }
  });

  test("begins with the snapshot, and with whatever of a wave comes first; before all other hooks", async () => {
    const registrations = await declare({ report: true });
    assert.deepEqual(named(registrations, "snapshot").beforeCreate, ["kube-proxy-recording"]);
    for (const name of ["test-service", "verify"]) {
      assert.deepEqual(named(registrations, name).beforeCreate, ["kube-proxy-recording-wave"]);
    }
    const { beforeCreate, beforeUpdate } = named(registrations, "daemon-set");
    assert.deepEqual(beforeCreate, [
      "kube-proxy-recording-wave",
      "kube-proxy-clearing",
      "kube-proxy-preparing",
    ]);
    assert.equal(beforeUpdate[0], "kube-proxy-recording-wave");
  });

  test("has a wave for each pool, and one for nodes that are restarted alone", async () => {
    const registrations = await declare({ report: true, pools, restartNodes: { nodes: ["a"] } });
    assert.equal(named(registrations, "canary-verify").beforeCreate[0], "kube-proxy-canary-recording-wave");
    assert.equal(named(registrations, "rest-daemon-set").beforeCreate[0], "kube-proxy-rest-recording-wave");
    assert.deepEqual(named(registrations, "restart-nodes").beforeCreate, ["kube-proxy-recording-nodes"]);
  });

  test("is where snapshots are, and proofs are told so without a path of this machine", async () => {
    const environmentOf = async (more: Partial<KubeProxyArgs>) =>
      named(await declare({ report: true, ...more }), "verify").inputs["environment"] as Record<
        string,
        string
      >;
    assert.equal((await environmentOf({}))["KUBE_PROXY_REPORTS"], "");
    assert.equal((await environmentOf({ snapshotFolder: "kept" }))["KUBE_PROXY_REPORTS"], "kept");
  });

  test("needs what the cluster says", () => {
    assert.deepEqual(needingFacts({ ...plain, report: true }), ["report"]);
    assert.deepEqual(needingFacts({ ...plain, report: false }), []);
  });
});
