import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Fleet, Wave } from "../../fleet/file.ts";
import { countOf, isComplete } from "../../fleet/rollout.ts";
import { play } from "./played.ts";

const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);

function wave(name: string, count: number, more: Partial<Wave> = {}): Wave {
  return { name, stacks: names(name, count), concurrency: 1, maxFailed: 0, pause: 0, ...more };
}

/** 200 stacks. */
const fleet: Pick<Fleet, "waves" | "unreachable"> = {
  unreachable: "halt",
  waves: [
    wave("canary", 1, { pause: 60_000 }),
    wave("first", 19, { concurrency: 5, maxFailed: 1, pause: "ask" }),
    wave("rest", 180, { concurrency: 20, maxFailed: "5%" }),
  ],
};
const all = fleet.waves.flatMap(({ stacks }) => stacks);
const where = (broken: readonly string[]) => (stack: string) => (broken.includes(stack) ? "failed" : "done");

suite("what a run over 200 clusters does next", () => {
  test("waves and stacks in their order, no more at a time than a wave says, each once", () => {
    const { started, atOnce, rollout, ended, log } = play(fleet);
    assert.deepEqual(started, all);
    assert.deepEqual(Object.fromEntries(atOnce), { canary: 1, first: 5, rest: 20 });
    assert.ok(isComplete(rollout));
    assert.equal(rollout.halt, undefined);
    // One second each: the canary, its pause, 4 times five, 9 times twenty.
    assert.equal(ended, 1000 + 60_000 + 4000 + 9000);
    assert.deepEqual(
      log.filter((line) => !line.startsWith("start")),
      ["pause first 61000", "ask rest", "end"],
    );
  });

  test("no wave begins before the one before it has ended, however long one of its stacks takes", () => {
    const { log } = play(fleet, { duration: (stack) => (stack === "first-2" ? 1e6 : 10) });
    assert.ok(log.indexOf("ask rest") > log.indexOf("start first-19"));
    assert.ok(log.indexOf("ask rest") < log.indexOf("start rest-1"));
  });

  test("the first that fails halts a wave that allows none: nothing of the next is touched", () => {
    const { started, rollout } = play(fleet, { outcome: where(["canary-1"]) });
    assert.deepEqual(started, ["canary-1"]);
    assert.deepEqual(rollout.halt, { reason: "failed", wave: "canary" });
    assert.equal(countOf(rollout, ["waiting"]), 199);
  });

  test("so many may fail as the wave allows, and one more halts it; what runs then is waited for", () => {
    const within = play(fleet, { outcome: where(["first-3", ...names("rest", 9)]) });
    assert.equal(within.rollout.halt, undefined);
    assert.equal(within.started.length, 200);
    assert.ok(!isComplete(within.rollout));
    const beyond = play(fleet, {
      outcome: where(["first-3", "first-7"]),
      duration: (stack) => stack.length * 100,
    });
    assert.deepEqual(beyond.rollout.halt, { reason: "failed", wave: "first" });
    assert.equal(countOf(beyond.rollout, ["running"]), 0);
    assert.ok(beyond.started.every((stack) => !stack.startsWith("rest")));
    assert.ok(beyond.started.length < 20);
  });

  test("a wave of which nothing is done proves nothing, whatever it allows", () => {
    const [canary, ...others] = fleet.waves;
    const lenient = {
      ...fleet,
      unreachable: "skip" as const,
      waves: [{ ...canary, maxFailed: 5 } as Wave, ...others],
    };
    const { started, rollout } = play(lenient, { outcome: () => "unreachable" });
    assert.deepEqual(started, ["canary-1"]);
    assert.deepEqual(rollout.halt, { reason: "unproved", wave: "canary" });
  });

  test("a cluster that does not answer halts by the one rule, and is left out by the other", () => {
    const outcome = (stack: string) => (stack === "first-2" ? "unreachable" : "done");
    const halted = play(fleet, { outcome });
    assert.deepEqual(halted.rollout.halt, { reason: "unreachable", wave: "first" });
    const skipped = play({ ...fleet, unreachable: "skip" }, { outcome });
    assert.equal(skipped.rollout.halt, undefined);
    assert.equal(countOf(skipped.rollout, ["done"]), 199);
    assert.ok(!isComplete(skipped.rollout));
  });

  test("Ctrl-C starts nothing more, and ends when what runs has ended", () => {
    const { started, rollout, ended } = play(fleet, { interruptAfter: 40 });
    assert.equal(started.length, 40);
    assert.deepEqual(rollout.halt, { reason: "interrupted", wave: "rest" });
    assert.equal(countOf(rollout, ["done"]), 40);
    assert.equal(countOf(rollout, ["running"]), 0);
    assert.equal(ended, 1000 + 60_000 + 4000 + 1000);
  });

  test("a question that is answered with no ends it", () => {
    const { started, rollout } = play(fleet, { answer: false });
    assert.equal(started.length, 20);
    assert.deepEqual(rollout.halt, { reason: "declined", wave: "rest" });
  });

  test("the next run does what is left, in the same order, and asks nothing that was answered", () => {
    const first = play(fleet, { interruptAfter: 40 });
    const already = first.rollout.ends;
    assert.equal(already.size, 40);
    const second = play(fleet, { already, from: first.ended });
    assert.deepEqual(second.started, all.slice(40));
    assert.deepEqual(
      second.log.filter((line) => !line.startsWith("start")),
      ["end"],
    );
    assert.ok(isComplete(second.rollout));
    assert.deepEqual(play(fleet, { already: second.rollout.ends }).log, ["end"]);
  });

  test("a question that was not answered is asked again, and a pause goes on where it was", () => {
    const declined = play(fleet, { answer: false });
    assert.deepEqual(play(fleet, { already: declined.rollout.ends, from: 1e6 }).log.slice(0, 2), [
      "ask rest",
      "start rest-1",
    ]);
    const already = new Map([["canary-1", 1000]]);
    assert.equal(play(fleet, { already, from: 31_000 }).log[0], "pause first 61000");
    assert.equal(play(fleet, { already, from: 61_000 }).log[0], "start first-1");
  });

  test("what failed before is tried again", () => {
    const first = play(fleet, { outcome: where(["first-3", "first-7"]) });
    const second = play(fleet, { already: first.rollout.ends, from: first.ended });
    assert.equal(second.started[0], "first-3");
    assert.equal(second.started[1], "first-7");
    assert.ok(isComplete(second.rollout));
  });

  test("a trial takes all of them without a pause, whatever fails", () => {
    const { started, rollout, log, ended } = play(fleet, { isTrial: true, outcome: () => "failed" });
    assert.deepEqual(started, all);
    assert.equal(rollout.halt, undefined);
    assert.deepEqual(
      log.filter((line) => !line.startsWith("start")),
      ["end"],
    );
    assert.equal(ended, 1000 + 4000 + 9000);
  });
});
