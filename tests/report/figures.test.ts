import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  figuresOf,
  isBare,
  slowestOf,
  spreadOf,
  unsyncedOf,
  withoutOf,
} from "../../components/report/figures.ts";
import type { NodeCourse, UpdateReport } from "../../components/report/types.ts";
import { count, duration } from "../../components/report/words.ts";
import { sample } from "./sample.ts";

const course: NodeCourse = {
  node: "a",
  oldPod: "old",
  newPod: "new",
  deleted: 1,
  stopped: 2,
  created: 2.5,
  ready: 3.5,
  synced: 4,
  isExact: true,
};

/** A report whose one wave has these nodes. */
function withNodes(...nodes: readonly Partial<NodeCourse>[]): UpdateReport {
  const report = sample({ nodes: 1 });
  return {
    ...report,
    waves: report.waves.map((wave) => ({ ...wave, nodes: nodes.map((each) => ({ ...course, ...each })) })),
  };
}

suite("the numbers of a node", () => {
  test("without is from the end of the old process to the new pod's being ready, unsynced to its first sync", () => {
    assert.equal(withoutOf(course), 1.5);
    assert.equal(unsyncedOf(course), 2);
  });
  test("are null where an end was not seen, and 0 where the new pod was there first", () => {
    assert.equal(withoutOf({ ...course, stopped: null }), null);
    assert.equal(unsyncedOf({ ...course, synced: null }), null);
    assert.equal(withoutOf({ ...course, ready: 1 }), 0);
  });
  test("a node is bare whose old pod is gone and whose new one is not ready", () => {
    assert.equal(isBare({ ...course, ready: null }), true);
    assert.equal(isBare({ ...course, ready: null, stopped: null }), false);
    assert.equal(isBare(course), false);
  });
});

suite("the numbers of a report", () => {
  test("a spread has the median, the nearest rank of 99 % and the longest", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.deepEqual(spreadOf([null, ...hundred]), { count: 100, median: 51, p99: 99, longest: 100 });
    assert.deepEqual(spreadOf([2]), { count: 1, median: 2, p99: 2, longest: 2 });
    assert.equal(spreadOf([null]), null);
  });
  test("at once counts who is without at the same time, not who begins when another ends", () => {
    assert.equal(figuresOf(withNodes({}, { node: "b", stopped: 3.5, ready: 5 })).atOnce, 1);
    assert.equal(figuresOf(withNodes({}, { node: "b", stopped: 3.4, ready: null })).atOnce, 2);
    assert.equal(figuresOf(withNodes({ ready: 1 })).atOnce, 0);
  });
  test("the slowest are those still without, then by how long, then by name", () => {
    const report = withNodes(
      { node: "c" },
      { node: "b" },
      { node: "slow", synced: 9 },
      { node: "bare", ready: null, synced: null },
      { node: "kept", stopped: null },
    );
    const names = (most: number) => slowestOf(report, most).map(({ course: { node } }) => node);
    assert.deepEqual(names(20), ["bare", "slow", "b", "c"]);
    assert.deepEqual(names(2), ["bare", "slow"]);
  });
  test("of an update that has not ended are until the report was written", () => {
    const figures = figuresOf({
      ...withNodes(course),
      ended: null,
      began: "2026-01-01T00:00:00Z",
      written: "2026-01-01T00:01:30Z",
    });
    assert.equal(figures.seconds, 90);
  });
  test("are none, and not wrong ones, where nothing was recorded", () => {
    const { without, unsynced, nodes, atOnce } = figuresOf({ ...sample({ nodes: 1 }), waves: [] });
    assert.deepEqual(
      { without, unsynced, nodes, atOnce },
      { without: null, unsynced: null, nodes: 0, atOnce: 0 },
    );
  });
});

test("durations and counts in words", () => {
  const durations = [null, 0, 0.004, 0.42, 12.34, 59.96, 245, 7800].map(duration);
  assert.deepEqual(durations, [
    "–",
    "0.0 s",
    "4 ms",
    "0.42 s",
    "12.3 s",
    "1 min 00 s",
    "4 min 05 s",
    "2 h 10 min",
  ]);
  assert.equal(count(1234567), "1\u202f234\u202f567");
});
