/** Reading the CLI's event log; the events are in the form of apitype/events.go. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { StepRecorder } from "./events.ts";
import type { Step } from "./types.ts";

const urn = (type: string, name: string): string => `urn:pulumi:dev::kube-proxy::${type}::${name}`;
const daemonSet = "kubernetes:apps/v1:DaemonSet";
const nested = `kube-proxy:index:KubeProxy$${daemonSet}`;

let sequence = 0;
function event(kind: string, metadata: object): string {
  const timestamp = 1_790_000_000;
  const body = kind === "resOpFailedEvent" ? { metadata, status: 0, steps: 3 } : { metadata };
  return `${JSON.stringify({ sequence: sequence++, timestamp, [kind]: body })}\n`;
}

function metadata(
  op: string,
  options: { type?: string; name?: string; qualified?: string; custom?: boolean } & Record<
    string,
    unknown
  > = {},
): object {
  const {
    type = daemonSet,
    name = "kube-proxy",
    qualified = type,
    custom = true,
    outputs = {},
    ...rest
  } = options;
  const state = {
    type,
    urn: urn(qualified, name),
    custom,
    id: "x",
    parent: "",
    inputs: {},
    outputs,
    provider: "",
  };
  const deleted = op.startsWith("delete");
  return {
    op,
    urn: urn(qualified, name),
    type,
    old: op === "create" ? null : state,
    new: deleted ? null : state,
    detailedDiff: null,
    provider: "",
    ...rest,
  };
}

function record(...lines: string[]): StepRecorder {
  const recorder = new StepRecorder();
  for (const line of lines) recorder.read(line);
  return recorder;
}

test("a replacement that deletes first, in the order of its steps", () => {
  const detailedDiff = {
    'metadata.annotations["kube-proxy/restart"]': { diffKind: "update-replace", inputDiff: false },
  };
  const options = { qualified: nested, detailedDiff };
  const { steps } = record(
    ...["delete-replaced", "replace", "create-replacement"].flatMap((op) => [
      event("resourcePreEvent", metadata(op, op === "delete-replaced" ? { qualified: nested } : options)),
      event("resOutputsEvent", metadata(op, op === "delete-replaced" ? { qualified: nested } : options)),
    ]),
  );
  assert.deepEqual(
    steps.map(({ op, status }) => [op, status]),
    [
      ["delete-replaced", "done"],
      ["replace", "done"],
      ["create-replacement", "done"],
    ],
  );
  const [first, , last] = steps as [Step, Step, Step];
  assert.deepEqual(last.diff, Object.keys(detailedDiff));
  assert.equal(first.diff, undefined);
  assert.deepEqual([last.type, last.name, last.urn], [daemonSet, "kube-proxy", urn(nested, "kube-proxy")]);
});

test("top-level keys stand in where the provider gives no detailed diff", () => {
  const { steps } = record(event("resourcePreEvent", metadata("update", { diffs: ["data"] })));
  assert.deepEqual(steps[0]?.diff, ["data"]);
});

test("a failed step, and one that a kill left open", () => {
  const { steps } = record(
    event("resourcePreEvent", metadata("create", { name: "one" })),
    event("resourcePreEvent", metadata("create", { name: "two" })),
    event("resOpFailedEvent", metadata("create", { name: "one" })),
  );
  assert.deepEqual(
    steps.map(({ name, status }) => [name, status]),
    [
      ["one", "failed"],
      ["two", "started"],
    ],
  );
});

test("a component counts as done when it starts: only registerOutputs would tell", () => {
  const { steps } = record(
    event("resourcePreEvent", metadata("create", { type: "kube-proxy:index:KubeProxy", custom: false })),
  );
  assert.equal(steps[0]?.status, "done");
});

test("in a preview a component that reports twice is one step", () => {
  const component = metadata("create", { type: "kube-proxy:index:KubeProxy", custom: false });
  const { steps } = record(
    event("resourcePreEvent", component),
    event("resOutputsEvent", component),
    event("resOutputsEvent", component),
  );
  assert.equal(steps.length, 1);
});

test("refreshes and default providers are bookkeeping, an explicit provider is not", () => {
  const { steps } = record(
    event("resourcePreEvent", metadata("refresh")),
    event("resOutputsEvent", metadata("refresh")),
    event(
      "resourcePreEvent",
      metadata("create", { type: "pulumi:providers:command", name: "default_1_2_1" }),
    ),
    event(
      "resourcePreEvent",
      metadata("create", { type: "pulumi:providers:kubernetes", name: "default-cluster" }),
    ),
  );
  assert.deepEqual(
    steps.map(({ name }) => name),
    ["default-cluster"],
  );
});

test("outputs come from the stack, with secrets blinded and unknown values named", () => {
  const outputs = {
    uid: "1",
    token: {
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      ciphertext: "[secret]",
    },
    list: ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"],
  };
  const stack = { type: "pulumi:pulumi:Stack", name: "kube-proxy-dev", custom: false };
  const recorder = record(
    event("resourcePreEvent", metadata("same", stack)),
    event("resOutputsEvent", metadata("same", { ...stack, outputs })),
  );
  assert.deepEqual(recorder.outputs, { uid: "1", token: "[secret]", list: ["[unknown]"] });
});

test("a destroyed stack has no outputs", () => {
  const stack = {
    type: "pulumi:pulumi:Stack",
    name: "kube-proxy-dev",
    custom: false,
    outputs: { uid: "1" },
  };
  assert.deepEqual(record(event("resOutputsEvent", metadata("delete", stack))).outputs, {});
});

test("other events, and pieces that end inside a line, do no harm", () => {
  const log =
    `${JSON.stringify({ sequence: 0, timestamp: 0, preludeEvent: { config: {} } })}\n` +
    `${JSON.stringify({ sequence: 1, timestamp: 0, diagnosticEvent: { message: "x", color: "never", severity: "info" } })}\n` +
    event("resourcePreEvent", metadata("create")) +
    `${JSON.stringify({ sequence: 3, timestamp: 0, summaryEvent: { resourceChanges: { create: 1 } } })}\n` +
    '{"sequence": 4, "cut';
  const recorder = record(...(log.match(/[^]{1,7}/g) ?? []));
  assert.deepEqual(
    recorder.steps.map(({ op }) => op),
    ["create"],
  );
});

test("listeners hear of a step when it starts and when it ends", () => {
  const heard: string[] = [];
  const recorder = new StepRecorder();
  recorder.onStep(({ op, status }) => heard.push(`${op} ${status}`));
  recorder.read(event("resourcePreEvent", metadata("create")));
  recorder.read(event("resOutputsEvent", metadata("create")));
  assert.deepEqual(heard, ["create started", "create done"]);
});
