/** A snapshot as a Secret: what is in it, what is too large for one, and what is none of ours. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { suite, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import type { ApiObject } from "../../../components/cluster/objects.ts";
import { formatSnapshot, type Snapshot } from "../../../components/cluster/snapshot/format.ts";
import { secretOf, snapshotOf } from "../../../components/cluster/snapshot/secret.ts";
import { ProblemsError } from "../../../components/input/problems.ts";

const MiB = 1024 * 1024;

function snapshotWith(text: string): Snapshot {
  const metadata = { namespace: "kube-system", name: "kube-proxy" };
  return {
    cluster: "uid-1",
    server: "https://127.0.0.1",
    time: new Date("2026-11-23T10:15:07.123Z"),
    objects: [{ apiVersion: "v1", kind: "ConfigMap", metadata, data: { text } }],
  };
}

const secret = secretOf(snapshotWith("hidden"));

/** The same Secret with other bytes in it. */
const holding = (bytes: Buffer): ApiObject => ({
  ...secret,
  data: { "snapshot.yaml.gz": bytes.toString("base64") },
});

suite("a snapshot as a Secret", () => {
  test("is an immutable one of a type of its own, named by its time, with the file's text packed by gzip", () => {
    const { data, ...rest } = secret;
    assert.deepEqual(rest, {
      apiVersion: "v1",
      kind: "Secret",
      type: "kube-proxy/snapshot",
      immutable: true,
      metadata: {
        name: "2026-11-23t10-15-07.123z",
        namespace: "kube-proxy-snapshots",
        labels: { "app.kubernetes.io/managed-by": "kube-proxy-as-code" },
      },
    });
    const [[key, packed] = ["", ""], ...others] = Object.entries(data as Record<string, string>);
    assert.deepEqual([key, others], ["snapshot.yaml.gz", []]);
    const text = gunzipSync(Buffer.from(packed, "base64")).toString();
    assert.equal(text, formatSnapshot(snapshotWith("hidden")));
  });

  test("is the same snapshot when it is read", () => {
    assert.deepEqual(snapshotOf(secret), snapshotWith("hidden"));
  });

  test("is refused where it is larger than a Secret may be, with what to do, and nothing of what is in it", () => {
    for (const text of [randomBytes(MiB).toString("base64"), "hidden".repeat(2 * MiB)]) {
      assert.throws(
        () => secretOf(snapshotWith(text)),
        ({ message }: Error) => {
          assert.match(message, /^1 problem in where snapshots are kept:\n {2}snapshotIn: "cluster" is not/);
          assert.match(message, /at most 1048576 bytes once it is compressed.*; this one has \d+ and \d+: /);
          assert.match(message, /set it, or --in, to folder, or take out/);
          assert.ok(message.length < 500, message);
          return true;
        },
      );
    }
    // Half of it is no more than a Secret holds.
    assert.ok(secretOf(snapshotWith(randomBytes(MiB / 2).toString("base64"))));
  });
});

suite("a Secret that is there", () => {
  test("is somebody else's without this program's type, label and way of naming", () => {
    const { metadata } = secret;
    const others: readonly Partial<ApiObject>[] = [
      { type: "Opaque" },
      { type: "helm.sh/release.v1" },
      { metadata: { ...metadata, labels: {} } },
      { metadata: { ...metadata, labels: { "app.kubernetes.io/managed-by": "Helm" } } },
      ...["notes", "2026-11-23", "2026-11-23t10-15-07.123z.bak", "x2026-11-23t10-15-07.123z"].map((name) => ({
        metadata: { ...metadata, name },
      })),
    ];
    for (const other of others) {
      assert.equal(snapshotOf({ ...secret, ...other }), undefined, JSON.stringify(other));
    }
  });

  test("is refused where it holds no snapshot, however it is packed, and tells nothing of what is in it", () => {
    const valid = formatSnapshot(snapshotWith("hidden"));
    const broken: Readonly<Record<string, readonly [ApiObject, RegExp]>> = {
      "no gzip": [holding(Buffer.from("hidden")), /packed by gzip; this is none: incorrect header/],
      "cut off": [holding(gzipSync(valid).subarray(0, -20)), /this is none: unexpected end/],
      "a bomb": [holding(gzipSync(Buffer.alloc(64 * MiB))), /a text of at most 8388608 bytes/],
      "no text": [holding(gzipSync(Buffer.from([0xff, 0xfe, 0xfd]))), /this is none: .*utf-8/i],
      "no snapshot": [holding(gzipSync("hidden")), /SNAPSHOT: a file that `npm run snapshot` wrote/],
      "another object": [
        holding(gzipSync(valid.replace("kind: ConfigMap", "kind: Pod"))),
        /document 1: "Pod kube-system\/kube-proxy" is not accepted/,
      ],
      "another key": [{ ...secret, data: { other: "" } }, /packed by gzip/],
      "no data": [{ ...secret, data: null }, /packed by gzip/],
    };
    for (const [what, [one, expected]] of Object.entries(broken)) {
      assert.throws(
        () => snapshotOf(one),
        (error: Error) => {
          assert.ok(error instanceof ProblemsError, what);
          assert.match(error.message, /Secret kube-proxy-snapshots\/2026-11-23t10-15-07\.123z/, what);
          assert.match(error.message, expected, what);
          assert.doesNotMatch(error.message, /hidden/, what);
          return true;
        },
      );
    }
  });
});
