import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ApiObject } from "../../../components/cluster/objects.ts";
import { Action, plan, withFreshGeneration } from "../../../components/cluster/snapshot/plan.ts";
import { rolloutOf } from "../../../components/cluster/snapshot/rollout.ts";

const own = { namespace: "kube-system", name: "kube-proxy" };

function object(kind: string, fields: object, metadata: object = {}): ApiObject {
  return { apiVersion: "v1", kind, metadata: { ...own, ...metadata }, ...fields };
}

suite("what a restore does with an object", () => {
  const selector = { matchLabels: { "k8s-app": "kube-proxy" } };
  const other = { matchLabels: { app: "other" } };
  const cases: readonly (readonly [string, ApiObject, ApiObject | undefined, Action])[] = [
    ["missing", object("ConfigMap", {}), undefined, Action.create],
    [
      "the same but for what the server added",
      object("ConfigMap", { data: { a: "b" } }),
      object("ConfigMap", { data: { a: "b" } }, { uid: "1", resourceVersion: "7" }),
      Action.leave,
    ],
    ["changed", object("ConfigMap", { data: { a: "b" } }), object("ConfigMap", { data: {} }), Action.replace],
    [
      "changed and immutable",
      object("ConfigMap", { data: { a: "b" } }),
      object("ConfigMap", { data: {}, immutable: true }),
      Action.recreate,
    ],
    [
      "with another label only, though immutable",
      object("ConfigMap", { immutable: true }),
      object("ConfigMap", { immutable: true }, { labels: { a: "b" } }),
      Action.replace,
    ],
    [
      "bound to another role",
      object("RoleBinding", { roleRef: { name: "a" } }),
      object("RoleBinding", { roleRef: { name: "b" } }),
      Action.recreate,
    ],
    [
      "with another selector",
      object("DaemonSet", { spec: { selector } }),
      object("DaemonSet", { spec: { selector: other } }),
      Action.recreate,
    ],
    [
      "on its way to deletion",
      object("DaemonSet", { spec: { selector } }),
      object("DaemonSet", { spec: { selector } }, { deletionTimestamp: "2026-11-23T10:00:00Z" }),
      Action.recreate,
    ],
  ];
  for (const [name, wanted, live, expected] of cases) {
    test(`${name}: ${expected}`, () => {
      assert.deepEqual(plan([wanted], live === undefined ? [] : [live]), [
        { object: wanted, action: expected },
      ]);
    });
  }
});

suite("a DaemonSet created where pods were left", () => {
  const daemonSet = object("DaemonSet", {}, { annotations: { "example.com/by": "hand" } });
  const pod = (generation: string) =>
    object("Pod", {}, { labels: { "pod-template-generation": generation } });
  const generation = "deprecated.daemonset.template.generation";

  test("counts its template after every number that a pod carries, also beyond 53 bits", () => {
    const pods = [pod("3"), pod("4611686018427387904"), object("Pod", {}), pod("none")];
    const { annotations } = withFreshGeneration(daemonSet, pods).metadata;
    assert.deepEqual(annotations, { "example.com/by": "hand", [generation]: "4611686018427387905" });
  });

  test("without pods it is the snapshot's", () => {
    assert.deepEqual(withFreshGeneration(daemonSet, []), daemonSet);
  });
});

suite("how far a rollout is", () => {
  const live = (generation: number, status: object, type = "RollingUpdate") =>
    object("DaemonSet", { spec: { updateStrategy: { type } }, status }, { generation });
  const done = {
    observedGeneration: 2,
    desiredNumberScheduled: 3,
    updatedNumberScheduled: 3,
    numberAvailable: 3,
  };

  test("done when the controller saw the change and all pods are up to date and available", () => {
    assert.deepEqual(rolloutOf(live(2, done)), {
      isDone: true,
      text: "of 3 pods 3 are up to date and 3 available",
    });
    assert.equal(rolloutOf(live(3, done)).isDone, false);
    assert.equal(rolloutOf(live(2, { ...done, updatedNumberScheduled: 2 })).isDone, false);
    assert.equal(rolloutOf(live(2, { ...done, numberAvailable: 2 })).isDone, false);
    assert.equal(rolloutOf(live(2, { ...done, updatedNumberScheduled: 2 }, "OnDelete")).isDone, true);
  });

  test("done without the pods on nodes that do not answer, which are told", () => {
    const status = { ...done, updatedNumberScheduled: 2, numberAvailable: 2 };
    assert.deepEqual(rolloutOf(live(2, status), 1), {
      isDone: true,
      text: "of 3 pods 2 are up to date and 2 available; nodes that are not Ready: 1",
    });
    assert.equal(rolloutOf(live(2, { ...status, numberAvailable: 1 }), 1).isDone, false);
  });

  test("not done before there is a status, or when the DaemonSet is gone", () => {
    assert.equal(rolloutOf(object("DaemonSet", {}, { generation: 1 })).isDone, false);
    assert.equal(rolloutOf(undefined).isDone, false);
  });
});
