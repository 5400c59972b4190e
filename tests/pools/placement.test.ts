import assert from "node:assert/strict";
import { test } from "node:test";
import {
  selects,
  type Place,
  type Placement,
  type Requirement,
  type Taint,
} from "../../components/pools/placement.ts";

const node = (taints: Taint[]): Place => ({
  metadata: { name: "node-1", labels: { "kubernetes.io/os": "linux", pool: "a", size: "8" } },
  spec: { taints },
});
const affinity = (matchExpressions: Requirement[], matchFields: Requirement[] = []): Placement => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions, matchFields }],
      },
    },
  },
});
const noSchedule = (key: string, value = "") => ({ key, value, effect: "NoSchedule" });

const cases: [string, Placement, Taint[], boolean][] = [
  ["nothing asked", {}, [], true],
  ["its labels", { nodeSelector: { pool: "a" } }, [], true],
  ["other labels", { nodeSelector: { pool: "b" } }, [], false],
  ["another node's name", { nodeName: "node-2" }, [], false],
  ["In", affinity([{ key: "pool", operator: "In", values: ["a", "b"] }]), [], true],
  ["In, other values", affinity([{ key: "pool", operator: "In", values: ["b"] }]), [], false],
  ["NotIn", affinity([{ key: "pool", operator: "NotIn", values: ["a"] }]), [], false],
  ["NotIn, no such label", affinity([{ key: "none", operator: "NotIn", values: ["a"] }]), [], true],
  ["Exists", affinity([{ key: "pool", operator: "Exists" }]), [], true],
  ["DoesNotExist", affinity([{ key: "pool", operator: "DoesNotExist" }]), [], false],
  ["Gt", affinity([{ key: "size", operator: "Gt", values: ["7"] }]), [], true],
  ["Lt", affinity([{ key: "size", operator: "Lt", values: ["8"] }]), [], false],
  ["its name", affinity([], [{ key: "metadata.name", operator: "In", values: ["node-1"] }]), [], true],
  ["an empty term", affinity([]), [], false],
  ["a taint", {}, [noSchedule("dedicated")], false],
  ["a taint that only repels", {}, [{ key: "dedicated", effect: "PreferNoSchedule" }], true],
  ["a taint that DaemonSets tolerate", {}, [noSchedule("node.kubernetes.io/unschedulable")], true],
  ["any taint tolerated", { tolerations: [{ operator: "Exists" }] }, [noSchedule("dedicated", "db")], true],
  [
    "this value tolerated",
    { tolerations: [{ key: "dedicated", value: "db" }] },
    [noSchedule("dedicated", "db")],
    true,
  ],
  [
    "another value tolerated",
    { tolerations: [{ key: "dedicated", value: "db" }] },
    [noSchedule("dedicated", "web")],
    false,
  ],
  [
    "another effect tolerated",
    { tolerations: [{ key: "dedicated", operator: "Exists", effect: "NoExecute" }] },
    [noSchedule("dedicated")],
    false,
  ],
];

for (const [name, spec, taints, expected] of cases) {
  test(`a DaemonSet's node: ${name}`, () => {
    assert.equal(selects(spec, node(taints)), expected);
  });
}
