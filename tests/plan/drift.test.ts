import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ClusterFacts, DaemonSetFacts } from "../../components/index.ts";
import { differing, driftOf, repairAnnotation, withRepair } from "../../components/plan/drift.ts";
import { type Plain, planOf } from "../../components/plan/plan.ts";
import { restartAnnotation, restartOptions } from "../../components/restart/restart.ts";
import { factsAfter, foretold } from "./facts.ts";

const plain: Plain = {
  kubernetesVersion: "v1.37.2",
  controlPlaneEndpoint: "192.0.2.10",
  resources: { requests: { cpu: "1000m" } },
  env: [{ name: "EMPTY", value: "" }],
};
const nodes = ["a", "b"].map((name) => ({
  name,
  labels: { "kubernetes.io/os": "linux" },
  taints: [],
  ready: "True",
}));
const before = factsAfter(plain, nodes);
const [written] = before.daemonSets;
assert.ok(written);

/** A DaemonSet's spec, as far as it is changed here. */
interface Spec {
  revisionHistoryLimit?: number;
  template: {
    metadata: { annotations?: Record<string, string> };
    spec: { dnsPolicy?: string; containers: Record<string, unknown>[] };
  };
}

/** The cluster after somebody has changed the DaemonSet; the spec may be changed as it is. */
function changed(change: (spec: Spec) => Partial<DaemonSetFacts>): ClusterFacts {
  const spec = structuredClone(written?.spec) as Spec;
  const more = change(spec);
  return { ...before, daemonSets: [{ ...(written as DaemonSetFacts), generation: 2, spec, ...more }] };
}

/** kubeadm's PUT: its own spec, and none of the annotations. */
const overwritten = changed(({ template }) => {
  delete template.metadata.annotations;
  return { annotations: {}, managers: ["kubeadm", "pulumi-kubernetes"] };
});
const edited = changed(({ template }) => {
  Object.assign(template.spec.containers[0] ?? {}, { image: "example.com/p:1" });
  return { managers: ["kubectl-edit", "pulumi-kubernetes"] };
});
const reconfigured = {
  ...before,
  configMaps: before.configMaps.map((one) => ({
    ...one,
    resourceVersion: "8",
    data: { ...one.data, "config.conf": "mode: nftables" },
  })),
};

const markerOf = (facts: ClusterFacts, more: Partial<Plain> = {}) =>
  planOf({ ...plain, ...more }, facts).waves[0].daemonSet.metadata.annotations?.[repairAnnotation];
const wave = planOf(plain).waves[0];
const tell = (facts: ClusterFacts, more: Partial<Plain> = {}) =>
  foretold({ ...plain, ...more }, facts, "12m");

suite("what others have changed", () => {
  test("nothing, where they have not", () => {
    assert.equal(driftOf(wave, before), undefined);
    assert.equal(markerOf(before), undefined);
    assert.deepEqual(withRepair(wave, before), wave);
    assert.deepEqual(tell(before), { lines: [], warnings: [], problems: [] });
  });

  test("what the API server fills in, leaves out and writes in its own way is no change", () => {
    const normalised = changed((spec) => {
      const { metadata, spec: pod } = spec.template;
      Object.assign(pod.containers[0] ?? {}, {
        resources: { requests: { cpu: "1" } },
        env: [(pod.containers[0]?.["env"] as object[])[0], { name: "EMPTY" }],
        terminationMessagePath: "/dev/termination-log",
      });
      Object.assign(pod, { dnsPolicy: "ClusterFirst" });
      Object.assign(metadata.annotations ?? {}, { "kubectl.kubernetes.io/restartedAt": "now" });
      spec.revisionHistoryLimit = 10;
      return {};
    });
    assert.equal(driftOf(wave, normalised), undefined);
  });

  test("a field: named, changed back in place, and a reason for a snapshot and a proof", () => {
    const image = "spec.template.spec.containers[0].image";
    assert.deepEqual(driftOf(wave, edited), { overwritten: false, fields: [image], configMap: false });
    assert.equal(markerOf(edited), `1/2/${before.configMaps[0]?.resourceVersion}`);
    assert.deepEqual(tell(edited).lines, [
      `DaemonSet kube-proxy was changed by kubectl-edit (${image}): it is changed back in place, at most 1 of 2 nodes at a time; waits up to 12m.`,
      "DaemonSet kube-proxy changes: image example.com/p:1 -> registry.k8s.io/kube-proxy:v1.37.2.",
    ]);
  });

  test("a wanted change is not taken for somebody else's", () => {
    const more = { image: "example.com/p:2" };
    assert.equal(driftOf(planOf({ ...plain, ...more }).waves[0], edited), undefined);
    assert.match(tell(edited, more).lines[0] ?? "", /is changed in place/);
    assert.equal(
      markerOf(before, { updateStrategy: { rollingUpdate: { maxUnavailable: "50%" } } }),
      undefined,
    );
  });

  test("the whole DaemonSet, as by kubeadm: repaired in place, not replaced with all its pods", () => {
    assert.equal(driftOf(wave, overwritten)?.overwritten, true);
    const line =
      "DaemonSet kube-proxy was overwritten by kubeadm: it is changed back in place, at most 1 of 2 nodes at a time; waits up to 12m.";
    assert.deepEqual(tell(overwritten).lines, [line]);
    assert.deepEqual(tell(overwritten, { restart: "2" }), { lines: [line], warnings: [], problems: [] });
    const [live] = overwritten.daemonSets;
    const optionsOf = (annotations: Record<string, string> | undefined) => restartOptions(annotations, "2");
    assert.deepEqual(optionsOf(live?.annotations).replaceOnChanges, []);
    assert.equal(optionsOf(live?.annotations).ignoreChanges.length, 1, "the traces are written again");
    for (const annotations of [undefined, written.annotations]) {
      assert.match(optionsOf(annotations).replaceOnChanges.join(), new RegExp(restartAnnotation));
    }
  });

  test("the ConfigMap alone: pods stay, and the preview says which may have read it", () => {
    assert.equal(driftOf(wave, reconfigured)?.configMap, true);
    const { lines, warnings } = tell(reconfigured);
    assert.deepEqual(lines, []);
    assert.match(
      warnings.join(),
      /^ConfigMap kube-proxy was changed by somebody else\. .* has started since/,
    );
  });

  test("a DaemonSet that was deleted beside its ConfigMap", () => {
    assert.match(markerOf({ ...before, daemonSets: [] }) ?? "", /^none\/0\//);
    assert.equal(markerOf({ ...before, daemonSets: [], configMaps: [] }), undefined, "the first up");
  });

  test("nothing of somebody else's DaemonSet", () => {
    const foreign = changed(() => ({ annotations: {}, managers: ["kubeadm"] }));
    assert.equal(driftOf(wave, foreign), undefined);
    assert.equal(markerOf(foreign), undefined);
  });

  test("once taken back it leaves no difference, also where a webhook insists", () => {
    for (const drifted of [edited, overwritten, reconfigured]) {
      const marker = markerOf(drifted);
      assert.ok(marker);
      const repaired: ClusterFacts = {
        ...before,
        daemonSets: [
          { ...written, generation: 3, annotations: { ...written.annotations, [repairAnnotation]: marker } },
        ],
      };
      assert.equal(markerOf(repaired), marker);
      assert.deepEqual(tell(repaired).lines, []);
    }
    const marker = markerOf(edited) ?? "";
    const insisted = changed(() => ({
      ...edited.daemonSets[0],
      annotations: { ...written.annotations, [repairAnnotation]: marker },
    }));
    assert.equal(driftOf(wave, insisted), undefined);
    assert.equal(markerOf(insisted), marker);
  });

  test("the same again is another change", () => {
    const marker = markerOf(edited);
    const again = changed(() => ({
      ...edited.daemonSets[0],
      generation: 4,
      annotations: { ...written.annotations, [repairAnnotation]: marker ?? "" },
    }));
    assert.notEqual(markerOf(again), marker);
  });
});

suite("paths that differ", () => {
  const cases: readonly [wanted: unknown, live: unknown, expected: string[]][] = [
    [{ a: 1 }, { a: 1, b: 2 }, []],
    [{ a: 1 }, { a: 2 }, ["x.a"]],
    [{ a: 1 }, {}, ["x.a"]],
    [{ a: {} }, {}, []],
    [{ a: {} }, { a: { b: 1 } }, []],
    [{ a: "" }, {}, []],
    [{ a: false }, { a: true }, ["x.a"]],
    [{ a: [] }, { a: [1] }, ["x.a"]],
    [{ a: [1, 2] }, { a: [1, 3] }, ["x.a[1]"]],
    [{ a: [1] }, { a: [1, 2] }, ["x.a"]],
    [{ a: { b: 1 } }, { a: "text" }, ["x.a"]],
    [{ a: "1000m" }, { a: "1" }, ["x.a"]],
  ];
  for (const [wanted, live, expected] of cases) {
    test(`${JSON.stringify(wanted)} and ${JSON.stringify(live)}`, () => {
      assert.deepEqual(differing(wanted, live, "x"), expected);
    });
  }
});
