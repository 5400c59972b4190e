import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { isEnding } from "../../components/cluster/orphans.ts";
import type { Pod } from "../../components/cluster/workload.ts";

const began = Date.parse("2026-11-24T00:00:00Z");
const after = (seconds: number): number => began + seconds * 1000;

/** A pod with a grace period of 30 s, which by the API server's clock ends so many seconds after the wait began. */
function deleted(seconds: number): Pick<Pod, "metadata"> {
  const deletionTimestamp = new Date(after(seconds)).toISOString();
  return { metadata: { name: "a", uid: "1", deletionTimestamp, deletionGracePeriodSeconds: 30 } };
}

suite("a pod that is about to end", () => {
  test("is one that was deleted", () => {
    assert.equal(isEnding({ metadata: { name: "a", uid: "1" } }, began, began), false);
    assert.equal(isEnding(deleted(30), began, began), true);
  });
  test("is waited for 10 s beyond its grace period: then its node is not there", () => {
    assert.equal(isEnding(deleted(25), after(34), began), true);
    assert.equal(isEnding(deleted(25), after(36), began), false);
    assert.equal(isEnding(deleted(-60), began, began), false);
  });
  test("is waited for no longer when the API server's clock is ahead", () => {
    assert.equal(isEnding(deleted(3600), after(39), began), true);
    assert.equal(isEnding(deleted(3600), after(41), began), false);
  });
});
