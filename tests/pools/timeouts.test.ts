import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { waitsOf } from "../../components/plan.ts";
import { rolloutTimeout, unavailableNodes } from "../../components/timeouts.ts";
import { whoRuns } from "../../components/trace.ts";

suite("how long a rollout may take", () => {
  test("a bound is rounded up, as the controller does, and never stops the rollout", () => {
    assert.equal(unavailableNodes("10%", 20), 2);
    assert.equal(unavailableNodes("10%", 21), 3);
    assert.equal(unavailableNodes("1%", 0), 1);
    assert.equal(unavailableNodes(3, 20), 3);
    assert.equal(unavailableNodes(undefined, 20), 1);
  });

  test("follows the number of nodes, the bound and the time for a pod", () => {
    assert.equal(rolloutTimeout(20, "10%"), "12m");
    assert.equal(rolloutTimeout(1000, "10%"), "12m");
    assert.equal(rolloutTimeout(1000, 1), "1002m");
    assert.equal(rolloutTimeout(20, 2, "90s"), "17m");
    assert.equal(rolloutTimeout(1, undefined, "10s"), "130s");
    assert.equal(rolloutTimeout(0, 1), "2m");
    assert.equal(rolloutTimeout(undefined, "10%"), "10m", "nobody could be asked");
  });

  test("each pool has its own", () => {
    const facts = {
      daemonSets: [],
      configMaps: [],
      helpers: [],
      nodes: [{ pool: "canary" }, {}, {}, {}].map((labels, index) => {
        return { name: `node-${index}`, labels: { ...labels }, taints: [], ready: "True" };
      }),
    };
    const pools = [
      { name: "canary", nodeSelector: { pool: "canary" } },
      { name: "rest", matchExpressions: [{ key: "pool", operator: "DoesNotExist" }], maxUnavailable: "1" },
    ];
    const args = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10", facts };
    assert.deepEqual(waitsOf({ ...args, pools }), ["3m", "5m"]);
    assert.deepEqual(waitsOf(args), ["6m"]);
    assert.deepEqual(waitsOf({ ...args, updateStrategy: { rollingUpdate: { maxUnavailable: "50%" } } }), [
      "4m",
    ]);
  });
});

suite("who restarts", () => {
  test("is the run of a CI system, or user@host", () => {
    const github = { GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "a/b", GITHUB_RUN_ID: "7" };
    assert.equal(whoRuns(github), "https://github.com/a/b/actions/runs/7");
    assert.equal(whoRuns({ CI_JOB_URL: "https://gitlab.example.com/j/1" }), "https://gitlab.example.com/j/1");
    assert.match(whoRuns({}), /^[^@]+@[^@]+$/);
  });
});
