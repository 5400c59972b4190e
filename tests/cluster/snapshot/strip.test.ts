import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import type { ApiObject } from "../../../components/cluster/objects.ts";
import { strip } from "../../../components/cluster/snapshot/strip.ts";

const own = { name: "kube-proxy", namespace: "kube-system" };
const serverMetadata = {
  uid: "5b1a",
  resourceVersion: "12",
  generation: 3,
  creationTimestamp: "2026-11-23T10:00:00Z",
  deletionTimestamp: "2026-11-23T10:00:00Z",
  deletionGracePeriodSeconds: 0,
  selfLink: "/api/v1/x",
  managedFields: [{ manager: "kubeadm" }],
};
const generation = "deprecated.daemonset.template.generation";
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

const object = (kind: string, metadata: object, fields: object = {}): ApiObject => ({
  apiVersion: "v1",
  kind,
  metadata: { ...own, ...metadata },
  ...fields,
});

suite("stripping what the server added", () => {
  const cases: readonly (readonly [string, ApiObject, ApiObject])[] = [
    ["its metadata", object("Role", serverMetadata), object("Role", {})],
    [
      "status",
      object("DaemonSet", {}, { spec: {}, status: { numberReady: 1 } }),
      object("DaemonSet", {}, { spec: {} }),
    ],
    [
      "the template's creationTimestamp, which older servers write, and nothing else there",
      object(
        "DaemonSet",
        {},
        { spec: { template: { metadata: { creationTimestamp: null, labels: { a: "b" } } } } },
      ),
      object("DaemonSet", {}, { spec: { template: { metadata: { labels: { a: "b" } } } } }),
    ],
    [
      "its annotations and kubectl's, but no other",
      object("DaemonSet", {
        annotations: { [generation]: "4", [lastApplied]: "{}", "example.com/by": "hand" },
      }),
      object("DaemonSet", { annotations: { "example.com/by": "hand" } }),
    ],
    [
      "an annotations map with nothing left",
      object("DaemonSet", { annotations: { [generation]: "4" } }),
      object("DaemonSet", {}),
    ],
    [
      "the finalizers of a deletion, but no other",
      object("ConfigMap", { finalizers: ["foregroundDeletion", "orphan", "example.com/keep"] }),
      object("ConfigMap", { finalizers: ["example.com/keep"] }),
    ],
    [
      "the token Secret of Kubernetes up to 1.23, but no other",
      object("ServiceAccount", {}, { secrets: [{ name: "kube-proxy-token-x7k2p" }, { name: "mine" }] }),
      object("ServiceAccount", {}, { secrets: [{ name: "mine" }] }),
    ],
    [
      "nothing that is only named like it",
      object("ConfigMap", { labels: { uid: "1" } }, { data: { status: "x", managedFields: "y", uid: "z" } }),
      object("ConfigMap", { labels: { uid: "1" } }, { data: { status: "x", managedFields: "y", uid: "z" } }),
    ],
  ];
  for (const [name, live, expected] of cases) {
    test(name, () => {
      assert.deepEqual(asJson(strip(live)), asJson(expected));
    });
  }

  test("the object itself is not changed", () => {
    const live = object(
      "DaemonSet",
      { ...serverMetadata, annotations: { [generation]: "1" } },
      { status: {} },
    );
    const before = structuredClone(live);
    strip(live);
    assert.deepEqual(live, before);
  });

  test("is idempotent and keeps every field a user can set", () => {
    const key = fc.stringMatching(/^[a-z]{1,8}(\.example\.com\/[a-zA-Z]{1,8})?$/);
    const map = fc.dictionary(key, fc.string(), { minKeys: 1, noNullPrototype: true });
    const json = fc.jsonValue({ maxDepth: 3 });
    const user = fc.record({
      kind: fc.constantFrom("ServiceAccount", "ConfigMap", "DaemonSet", "RoleBinding"),
      metadata: fc.record(
        { labels: map, annotations: map, finalizers: fc.uniqueArray(key, { minLength: 1 }) },
        { requiredKeys: [] },
      ),
      fields: fc.record(
        {
          data: map,
          spec: fc.dictionary(key, json, { noNullPrototype: true }),
          imagePullSecrets: fc.array(fc.record({ name: key })),
          rules: json,
        },
        { requiredKeys: [] },
      ),
    });
    fc.assert(
      fc.property(user, ({ kind, metadata, fields }) => {
        const declared = object(kind, metadata, fields);
        const annotations = { ...metadata.annotations, [generation]: "1" };
        const live = object(kind, { ...metadata, ...serverMetadata, annotations }, { ...fields, status: {} });
        assert.deepEqual(asJson(strip(live)), asJson(declared));
        assert.deepEqual(strip(strip(live)), strip(live));
      }),
    );
  });
});

/** As JSON sees it: a key whose value is undefined is none. */
function asJson(value: ApiObject): unknown {
  return JSON.parse(JSON.stringify(value));
}
