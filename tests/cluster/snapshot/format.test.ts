import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import type { ApiObject } from "../../../components/cluster/objects.ts";
import { formatSnapshot, parseSnapshot, type Snapshot } from "../../../components/cluster/snapshot/format.ts";

const own = { namespace: "kube-system", name: "kube-proxy" };

function snapshotOf(...objects: ApiObject[]): Snapshot {
  return {
    cluster: "0d7c1a4e-0000-4000-8000-000000000001",
    server: "https://127.0.0.1:6443",
    time: new Date("2026-11-23T10:15:00.123Z"),
    objects,
  };
}

const configMap = (data: Record<string, string>): ApiObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: own,
  data,
});
const account: ApiObject = { apiVersion: "v1", kind: "ServiceAccount", metadata: own };

function problem(text: string): string {
  try {
    parseSnapshot(text, "file");
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

suite("a snapshot's file", () => {
  test("reads back as it was written, whatever text is in it", () => {
    const awkward = fc.constantFrom(
      ..."\n \t \r \u0085 \u2028 \ufeff # - : --- ... ~ y no 0o7 1e3 1:20 << 2026-11-23 null".split(
        /(?<=.) /s,
      ),
      "\n---\n",
      "\n# end of the snapshot: 1 objects\n",
    );
    const text = fc
      .array(fc.oneof(fc.string({ unit: "binary" }), awkward), { maxLength: 6 })
      .map((parts) => parts.join(""));
    const data = fc.dictionary(fc.string({ minLength: 1 }), text, { noNullPrototype: true });
    fc.assert(
      fc.property(data, (data) => {
        const snapshot = snapshotOf(account, configMap(data));
        assert.deepEqual(parseSnapshot(formatSnapshot(snapshot), "file"), snapshot);
      }),
    );
  });

  test("says that it holds secrets, and has none in its header", () => {
    const env = [{ name: "API_KEY", value: "kept" }];
    const daemonSet = { ...account, apiVersion: "apps/v1", kind: "DaemonSet", spec: { env } };
    const text = formatSnapshot(snapshotOf(daemonSet));
    assert.match(text, /^# It holds .* secrets included, .*: keep it to yourself\.$/m);
    assert.match(text, /value: kept/);
    const older = text.replace("https://127", "https://me:hidden@127");
    assert.equal(parseSnapshot(older, "file").server, "https://127.0.0.1:6443");
  });

  test("says in its header which cluster it is of, where, when, and what it is", () => {
    const header = formatSnapshot(snapshotOf(account)).split("---\n")[0] ?? "";
    assert.match(header, /^# kube-proxy's objects .* `npm run restore`/);
    assert.match(header, /^# cluster: 0d7c1a4e-0000-4000-8000-000000000001$/m);
    assert.match(header, /^# server: https:\/\/127\.0\.0\.1:6443$/m);
    assert.match(header, /^# time: 2026-11-23T10:15:00\.123Z$/m);
  });

  test("cut off anywhere it is refused", () => {
    const whole = formatSnapshot(snapshotOf(account, configMap({ "config.conf": "a: b\nc: d\n" })));
    for (let length = 0; length < whole.length; length++) {
      assert.match(
        problem(whole.slice(0, length)),
        /SNAPSHOT: a (?:file that `npm run snapshot` wrote|whole)/,
        `${length}`,
      );
    }
    assert.equal(problem(whole), "");
  });

  test("a pool's ConfigMap and DaemonSet are kube-proxy's; nothing else is that is only named like one", () => {
    const namespace = own.namespace;
    const pool = (name: string): ApiObject[] => [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name } },
      { apiVersion: "apps/v1", kind: "DaemonSet", metadata: { namespace, name } },
    ];
    for (const name of ["a", "workers-2", "x".repeat(52)].map((pool) => `kube-proxy-${pool}`)) {
      const snapshot = snapshotOf(...pool(name));
      assert.deepEqual(parseSnapshot(formatSnapshot(snapshot), "file"), snapshot);
    }
    const strangers = [
      ...["kube-proxy-", "kube-proxy-a.b", "kube-proxy-a-", "kube-proxy--a", "other"].flatMap(pool),
      ...pool(`kube-proxy-${"x".repeat(53)}`),
      ...pool("kube-proxy-a").map(({ kind, apiVersion, metadata }) => ({
        ...{ kind, apiVersion },
        metadata: { ...metadata, namespace: "default" },
      })),
      { apiVersion: "v1", kind: "Secret", metadata: { namespace, name: "kube-proxy-a" } },
      { apiVersion: "apps/v1beta1", kind: "DaemonSet", metadata: { namespace, name: "kube-proxy-a" } },
    ];
    for (const object of strangers) {
      const message = problem(formatSnapshot(snapshotOf(object)));
      assert.match(
        message,
        /document 1: ".*" is not accepted; accepted: .*kube-proxy-POOL$/,
        JSON.stringify(object),
      );
    }
  });

  test("other files are refused with what is wrong", () => {
    const whole = formatSnapshot(snapshotOf(account));
    assert.match(problem("apiVersion: v1\nkind: Secret\n"), /does not start like one/);
    assert.match(problem(whole.replace("metadata:", "metadata: [")), /YAML, which this is not/);
    assert.match(
      problem(whole.replace("metadata:", "a: *nowhere\nmetadata:")),
      /\*nowhere is an alias of nothing/,
    );
    for (const [from, to, told] of [
      ["metadata:", "a: &a [*a]\nmetadata:", /anchor a contains itself/],
      ["metadata:", "? a: 1\n: 2\nmetadata:", /a mapping or list is a key/],
      ["metadata:", "<<: 1\nmetadata:", /a merge \(<<\) of something else/],
      [
        "name: kube-proxy",
        "name: {toString: 1}",
        /document 1: .*one of ServiceAccount kube-system\/kube-proxy/,
      ],
      ["namespace: kube-system", "namespace: [{toString: 1}]", /document 1: .*one of ServiceAccount/],
      ["kind: ServiceAccount", "kind: {toString: 1, valueOf: 1}", /document 1: .*one of ServiceAccount/],
      ["apiVersion: v1", "apiVersion: {toString: 1}", /document 1: .*one of ServiceAccount/],
    ] as const) {
      assert.match(problem(whole.replace(from, to)), told);
    }
    assert.match(
      problem(whole.replace("ServiceAccount", "Secret")),
      /document 1: "Secret kube-system\/kube-proxy" is not accepted; accepted: one of ServiceAccount kube-system/,
    );
    assert.match(
      problem(whole.replace("namespace: kube-system", "namespace: default")),
      /document 1: "ServiceAccount default\/kube-proxy" is not accepted; accepted: one of/,
    );
    assert.match(problem(whole.replace(/^# cluster: .*\n/m, "")), /header names its cluster/);
    assert.match(
      problem(whole.replace("---\n", "---\nkind: Secret\n---\n")),
      /objects were taken out or added/,
    );
  });
});
