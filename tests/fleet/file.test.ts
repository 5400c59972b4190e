import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ProblemsError } from "../../components/input/problems.ts";
import { type Fleet, readFleet } from "../../fleet/file.ts";

const read = (content: string): Fleet => readFleet("/etc/fleets/fleet.yaml", content);

/** What is told of a file that is refused, a line each. */
function refusal(content: string): string[] {
  try {
    read(content);
  } catch (error) {
    assert.ok(error instanceof ProblemsError);
    return error.problems.map(({ path, accepted }) => `${path}: ${accepted}`);
  }
  throw new Error("it was accepted");
}

suite("fleet.yaml", () => {
  test("what is left out has its default", () => {
    assert.deepEqual(read("waves: [{name: all, stacks: [a, acme/kube-proxy/b]}]"), {
      program: "/etc/fleets",
      unreachable: "halt",
      waves: [{ name: "all", stacks: ["a", "acme/kube-proxy/b"], concurrency: 1, maxFailed: 0, pause: 0 }],
    });
  });

  test("what is written counts; a program goes by the file", () => {
    const fleet = read(`
program: ../kube-proxy
unreachable: skip
waves:
  - {name: canary, stacks: [a], pause: 1h30m}
  - {name: first, stacks: [b, c], concurrency: 2, maxFailed: 1, pause: ask}
  - {name: rest, stacks: [d], concurrency: 100, maxFailed: 99%}
`);
    assert.equal(fleet.program, "/etc/kube-proxy");
    assert.equal(fleet.unreachable, "skip");
    assert.deepEqual(
      fleet.waves.map(({ pause, concurrency, maxFailed }) => [pause, concurrency, maxFailed]),
      [
        [5_400_000, 1, 0],
        ["ask", 2, 1],
        [0, 100, "99%"],
      ],
    );
  });

  test("every mistake is told at once, with what is accepted", () => {
    const told = refusal(`
unreachable: ignore
stacks: [a]
waves:
  - {name: "a b", stacks: [], pase: 1m}
  - {name: b, stacks: ["a b"], concurrency: 0, maxFailed: 100%, pause: 5}
  - {name: c, stacks: [a], concurrency: 1.5, maxFailed: -1, pause: -5m}
`);
    assert.deepEqual(
      told.map((line) => line.split(":")[0]).sort(),
      [
        "stacks",
        "unreachable",
        "waves[0].name",
        "waves[0].pase",
        "waves[0].stacks",
        "waves[1].concurrency",
        "waves[1].maxFailed",
        "waves[1].pause",
        "waves[1].stacks[0]",
        "waves[2].concurrency",
        "waves[2].maxFailed",
        "waves[2].pause",
      ],
      told.join("\n"),
    );
    assert.ok(told.includes("waves[0].pase: unknown key; did you mean pause?"));
    assert.ok(told.includes("waves[1].pause: a time such as 90s, 30m or 2h, or ask for a question"));
  });

  test("a stack in two waves, a name that stands twice, and a pause after the last wave are refused", () => {
    assert.deepEqual(refusal("waves: [{name: a, stacks: [x, y]}, {name: a, stacks: [y], pause: 1m}]"), [
      "waves[1].name: a name that no wave before it has",
      "waves[1].stacks[0]: a stack that is named once: each is in one wave",
      "waves[1].pause: no pause: there is no wave after it",
    ]);
  });

  test("what is no YAML, no mapping, or has no wave is refused in a sentence", () => {
    assert.match(refusal("waves: [")[0] ?? "", /^the file: YAML: /);
    for (const content of ["", "[]", "waves: []", "waves: {}"])
      assert.equal(refusal(content).length, 1, content);
  });
});
