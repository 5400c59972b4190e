/** A report as it grows, and however the update ends. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { asReport } from "../../components/report/read.ts";
import { type Expected, UpdateRecord } from "../../components/report/record.ts";
import { beginLine, markdownOf, waveLine } from "../../components/report/summary.ts";
import type { ProofReport } from "../../components/report/types.ts";

const began = Date.parse("2026-11-29T10:00:00Z");
const after = { image: "kube-proxy:v1.37.2", mode: "iptables", token: "t", configuration: "mode: iptables" };
const wave = (daemonSet: string): Expected["waves"][number] => ({
  ...{ daemonSet, pool: null, state: "waiting", changes: [], before: null, after },
});
const expected: Expected = {
  ...{ occasions: ["restart"], by: "me@here", token: "t", strategy: "Rolling", stack: null, snapshot: null },
  cluster: { id: "1", server: "https://api", context: null },
  ...{ told: [], skipped: [] },
  waves: [{ ...wave("kube-proxy-a"), state: "unchanged" }, wave("kube-proxy-b"), wave("kube-proxy-c")],
};
const proof: ProofReport = {
  ...{ daemonSet: "kube-proxy-b", ok: true, verified: 2, failed: 0, excluded: 0, seconds: 1, nodes: [] },
};
const recordOf = (more: Partial<Expected> = {}) =>
  new UpdateRecord({ ...expected, ...more }, began, { pid: 1, host: "here" });
const statesOf = (record: UpdateRecord) => record.report(began, null).waves.map(({ state }) => state);

suite("the record of an update", () => {
  test("a wave begins once, ends once, and only what has begun ends", () => {
    const record = recordOf();
    assert.equal(record.waveEnded("kube-proxy-b", began, null), false);
    assert.equal(record.waveBegan("kube-proxy-b", began + 1000), true);
    assert.equal(record.waveBegan("kube-proxy-b", began + 2000), false);
    assert.deepEqual(record.running(), ["kube-proxy-b"]);
    assert.equal(record.waveEnded("kube-proxy-b", began + 3000, proof), true);
    assert.equal(record.waveEnded("kube-proxy-b", began + 4000, proof), false);
    const [, b] = record.report(began + 5000, "/s.yaml").waves;
    assert.deepEqual([b?.began, b?.ended, b?.state, b?.proof], [1, 3, "proved", proof]);
    assert.equal(record.waveBegan("kube-proxy-unknown", began), false);
  });

  test("without a proof it is done", () => {
    const record = recordOf();
    record.waveBegan("kube-proxy-c", began);
    record.waveEnded("kube-proxy-c", began, null);
    assert.deepEqual(statesOf(record), ["unchanged", "waiting", "done"]);
  });

  test("as long as it runs there is no end, and what the next one does is said", () => {
    const record = recordOf();
    record.waveBegan("kube-proxy-b", began);
    const report = record.report(began + 1, null);
    assert.equal(report.ended, null);
    assert.equal(report.outcome, "running");
    assert.deepEqual(report.next, [
      "As long as it is under way, another one is refused. It goes on with DaemonSet kube-proxy-b as it stands: pods that are " +
        "new and ready stay, the others are waited for, and every node is proved.",
      "Only when that is proved does it touch DaemonSet kube-proxy-c.",
      "It leaves DaemonSet kube-proxy-a as it is.",
    ]);
  });

  test("one that fails says which wave, with what its proof has found, and ends only once", () => {
    const record = recordOf();
    record.waveBegan("kube-proxy-b", began);
    const failed = { ...proof, ok: false, failed: 1 };
    record.end("failed", began + 2000, new Map([["kube-proxy-b", failed]]));
    record.end("succeeded", began + 3000);
    const report = record.report(began + 4000, null);
    assert.equal(report.outcome, "failed");
    assert.equal(report.ended, "2026-11-29T10:00:02.000Z");
    assert.deepEqual(statesOf(record), ["unchanged", "failed", "waiting"]);
    assert.deepEqual(report.waves[1]?.proof, failed);
    assert.match(report.next[0] ?? "", /^It goes on with DaemonSet kube-proxy-b/);
  });

  test("one that fails before its first wave begins with it the next time", () => {
    const record = recordOf();
    record.end("failed", began);
    assert.deepEqual(record.report(began, null).next, [
      "It begins with DaemonSet kube-proxy-b, kube-proxy-c, of which nothing was changed.",
      "It leaves DaemonSet kube-proxy-a as it is.",
    ]);
  });

  test("one that has succeeded leaves nothing to do but what is held", () => {
    const record = recordOf({ skipped: [{ what: "pool slow", why: "pause" }] });
    record.end("succeeded", began);
    assert.deepEqual(record.report(began, null).next, ["With a smaller pause it goes on with pool slow."]);
  });

  test("is read back as it was written, and nothing else is read", () => {
    const record = recordOf();
    record.lacks("Events could not be written: no.");
    record.lacks("Events could not be written: no.");
    const report = record.report(began, null);
    assert.deepEqual(report.unrecorded, ["Events could not be written: no."]);
    assert.deepEqual(asReport(JSON.parse(JSON.stringify(report))), report);
    for (const [key, value] of Object.entries({
      version: 2,
      kind: "x",
      waves: [{}],
      began: "soon",
      token: 7,
    })) {
      assert.equal(asReport({ ...report, [key]: value }), undefined, key);
    }
    assert.ok(asReport({ ...report, later: 1 }), "what a newer release adds is no fault");
  });
});

suite("a report in a few words", () => {
  test("says how a wave ended, how long it took, and how long a node was without kube-proxy", () => {
    const node = {
      ...{ node: "a", oldPod: "x", newPod: "y", deleted: 1, stopped: 2, created: 3, ready: 4.5, synced: 5 },
      isExact: true,
    };
    const ended = { ...wave("b"), began: 1, ended: 11, nodes: [node], failure: null, proof };
    assert.equal(
      waveLine({ ...ended, state: "proved" }),
      "proved after 10.0 s: 2 of 2 nodes verified; a node was 2.5 s without kube-proxy at most",
    );
    assert.equal(
      waveLine({ ...ended, state: "failed", proof: null, failure: "without a ready new pod: a" }),
      "failed after 10.0 s; without a ready new pod: a",
    );
  });

  test("says of a wave that begins who, why and what", () => {
    assert.equal(
      beginLine(expected, "kube-proxy-b"),
      "restart (restart token t) by me@here begins, Rolling, wave 2 of 3",
    );
  });

  test("is Markdown whose every text stays text", () => {
    const hostile = "<script>|*_`[x](http://e.example)\n# no";
    const record = recordOf({ token: hostile, by: hostile });
    const text = markdownOf(record.report(began, null));
    for (const sign of ["<", "`", "](", "\n# no", "[x"]) assert.ok(!text.includes(sign), sign);
    assert.match(text, /^### kube-proxy: restart/);
    assert.match(text, /\| kube-proxy-b \|/);
  });
});
