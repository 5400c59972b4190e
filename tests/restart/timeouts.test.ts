import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { RestartStrategy } from "../../components/index.ts";
import { waitsOf } from "../../components/plan/plan.ts";
import {
  handoverSeconds,
  rolloutTimeout,
  unavailableNodes,
  type Wait,
} from "../../components/restart/timeouts.ts";
import { whoRuns } from "../../components/restart/trace.ts";
import { factsAfter } from "../plan/facts.ts";

const settings = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };

const both = (wait: string): Wait => ({ create: wait, update: wait });

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
    assert.equal(rolloutTimeout(1000, 1), "1004m");
    assert.equal(rolloutTimeout(20, 2, "90s"), "17m");
    assert.equal(rolloutTimeout(1, undefined, "10s"), "130s");
    assert.equal(rolloutTimeout(0, 1), "2m");
    assert.equal(rolloutTimeout(undefined, "10%"), "10m", "nobody could be asked");
  });

  test("has time for the controller manager, which adopts, deletes and makes pods at 20 requests a second", () => {
    assert.equal(rolloutTimeout(399, "10%"), "12m");
    assert.equal(rolloutTimeout(400, "10%"), "13m");
    assert.equal(rolloutTimeout(3500, "10%"), "20m");
    assert.equal(rolloutTimeout(15_000, "10%"), "49m");
    assert.equal(handoverSeconds(3500), 3500 / 40 + 3500 / 20);
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
    const args = { ...settings, facts };
    assert.deepEqual(waitsOf({ ...args, pools }), [both("3m"), both("5m")]);
    assert.deepEqual(waitsOf(args), [both("6m")]);
    const half = { rollingUpdate: { maxUnavailable: "50%" } };
    assert.deepEqual(waitsOf({ ...args, updateStrategy: half }), [both("4m")]);
  });

  test("all at once is no longer than rolling; a change in place rolls all the same, as kubeadm has it", () => {
    const nodes = Array.from({ length: 1000 }, (_, index) => {
      return { name: `node-${index}`, labels: {}, taints: [], ready: "True" };
    });
    const facts = { daemonSets: [], configMaps: [], helpers: [], nodes };
    const args = { ...settings, facts, restartStrategy: RestartStrategy.Recreate };
    assert.deepEqual(waitsOf(args), [{ create: "14m", update: "1004m" }]);
    assert.deepEqual(waitsOf({ ...args, facts: factsAfter(settings, nodes) }), [both("1004m")]);
  });

  test("what the user sets is in force, and so in the preview", () => {
    const args = { ...settings, timeouts: { create: "20m" } };
    assert.deepEqual(waitsOf(args), [both("20m")]);
    assert.deepEqual(waitsOf({ ...settings, timeouts: { update: "20m" } }), [
      { create: "10m", update: "20m" },
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
