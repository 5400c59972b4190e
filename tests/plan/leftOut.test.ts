/** Rollouts that some nodes cannot join. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { NodeFacts } from "../../components/index.ts";
import { waitForAnnotation } from "../../components/plan/leftOut.ts";
import { type Plain, planOf } from "../../components/plan/plan.ts";
import { failuresAllowed, isMaxFailed } from "../../components/pools/budget.ts";
import { factsAfter } from "./facts.ts";

const plain: Plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10:6443" };
const nodesOf = (count: number, dead: number): NodeFacts[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `node-${index}`,
    labels: { "kubernetes.io/os": "linux" },
    taints: [],
    ready: index < dead ? "Unknown" : "True",
  }));

/** What a restart waits for, and its `maxUnavailable`. */
function restarted(nodes: NodeFacts[], more: Partial<Plain> = {}) {
  const { waves } = planOf({ ...plain, ...more, restart: "2" }, factsAfter(plain, nodes));
  const { metadata, spec } = waves[0].daemonSet;
  return [metadata.annotations?.[waitForAnnotation], spec.updateStrategy.rollingUpdate?.maxUnavailable];
}

const atLeast = (nodes: number) =>
  `jsonpath={$[?@.updatedNumberScheduled > ${nodes - 1} && @.numberAvailable > ${nodes - 1}]}`;

suite("a rollout", () => {
  test("waits for all nodes where none is dead and none may fail", () => {
    assert.deepEqual(restarted(nodesOf(20, 0)), [undefined, "10%"]);
  });

  test("waits for all but the dead ones, which use up nothing of what may be unavailable", () => {
    assert.deepEqual(restarted(nodesOf(20, 3)), [atLeast(17), 5]);
  });

  test("waits for all but as many as may fail", () => {
    assert.deepEqual(restarted(nodesOf(20, 0), { maxFailed: "10%" }), [atLeast(18), "10%"]);
    assert.deepEqual(restarted(nodesOf(20, 10), { maxFailed: "10%" }), [atLeast(9), 12]);
  });

  test("of dead nodes alone has nobody to wait for", () => {
    assert.deepEqual(restarted(nodesOf(3, 3)), [undefined, "10%"]);
  });

  test("stays as it was when a node comes back, until the pods change the next time", () => {
    const restart = { ...plain, restart: "2" };
    const rolled = planOf(restart, factsAfter(plain, nodesOf(20, 3))).waves[0];
    const facts = factsAfter(restart, nodesOf(20, 0));
    const daemonSets = facts.daemonSets.map((one) => ({
      ...one,
      annotations: { ...rolled.daemonSet.metadata.annotations },
      spec: structuredClone(rolled.daemonSet.spec),
    }));
    const later = (token: string) => {
      const { metadata, spec } = planOf({ ...plain, restart: token }, { ...facts, daemonSets }).waves[0]
        .daemonSet;
      return [metadata.annotations?.[waitForAnnotation], spec.updateStrategy.rollingUpdate?.maxUnavailable];
    };
    assert.deepEqual(later("2"), [atLeast(17), 5]);
    assert.deepEqual(later("3"), [undefined, "10%"]);
  });
});

test("how many nodes may fail is rounded down, and never all", () => {
  const allowed = (maxFailed: string | undefined, nodes: number) => failuresAllowed(maxFailed, nodes);
  assert.deepEqual(
    [allowed(undefined, 9), allowed("2", 9), allowed("10%", 9), allowed("10%", 10)],
    [0, 2, 0, 1],
  );
  assert.deepEqual([allowed("5", 3), allowed("5", 0)], [2, 0]);
  assert.deepEqual(["0", 2, "99%", "100%", "-1", "1.5", ""].map(isMaxFailed), [
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
