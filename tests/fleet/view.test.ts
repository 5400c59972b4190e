/** What a run shows, by the events of Pulumi's engine. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { EngineEvent } from "@pulumi/pulumi/automation/events.js";
import { formatProgress } from "../../components/cluster/verify/progress.ts";
import { formatReport, type Report } from "../../components/cluster/verify/index.ts";
import type { LastUpdate } from "../../fleet/already.ts";
import { alreadyDone } from "../../fleet/already.ts";
import { fleetPage } from "../../fleet/page.ts";
import { isUnreachable, nothingYet, type Progress, proofOf, withEvent } from "../../fleet/progress.ts";
import { headline, liveLines, secondsLeft, summary, type Update, type View } from "../../fleet/view.ts";
import { play } from "./played.ts";

const urn = "urn:pulumi:prod::kube-proxy::command:local:Command::kube-proxy-verify";

function event(some: object): EngineEvent {
  return { sequence: 0, timestamp: 0, ...some };
}

function said(message: string, severity = "info", of = urn): EngineEvent {
  return event({ diagnosticEvent: { urn: of, message: `${message}\n`, color: "never", severity } });
}

function step(op: string, type: string, custom: boolean): EngineEvent {
  const metadata = { op, urn: `urn:pulumi:prod::kube-proxy::${type}::some-name`, type, new: { custom } };
  return event({ resourcePreEvent: { metadata } });
}

const after = (...events: EngineEvent[]): Progress => events.reduce(withEvent, nothingYet);

const report: Report = {
  ...{ daemonSet: "kube-proxy", ok: true, verified: 48, failed: 2, excluded: 1, seconds: 60, nodes: [] },
};

suite("the progress of a stack", () => {
  test("is read from what verify prints, on the way and at the end", () => {
    const running = after(said(formatProgress(["node-1"], 50, 12)));
    assert.deepEqual(proofOf(running), { proved: 49, nodes: 50, isOver: false });
    const over = withEvent(running, said(formatReport(report)));
    assert.deepEqual(proofOf(over), { proved: 48, nodes: 50, isOver: true });
    // The two come by two streams: in any order.
    const late = withEvent(over, said(formatProgress(["node-1"], 50, 12)));
    assert.deepEqual(proofOf(late), { proved: 48, nodes: 50, isOver: true });
    assert.equal(proofOf(after(said(formatProgress([], 0, 1)))), undefined);
    // The CLI tells its state in words of its own, which are for those who debug it.
    assert.equal(proofOf(after(said(formatReport(report), "debug", ""))), undefined);
    // The component says it once more.
    const again = "urn:pulumi:prod::kube-proxy::kube-proxy:index:KubeProxy::kube-proxy";
    assert.deepEqual(proofOf(withEvent(over, said(formatReport(report), "info", again))), proofOf(over));
  });

  test("is the sum of all DaemonSets", () => {
    const two = after(said(formatReport(report)), said(formatReport(report), "info", `${urn}-2`));
    assert.deepEqual(proofOf(two), { proved: 96, nodes: 100, isOver: true });
  });

  test("names the step, of what does something", () => {
    assert.equal(after(step("create-replacement", "command:local:Command", true)).step, "creating some-name");
    for (const quiet of [
      step("same", "command:local:Command", true),
      step("update", "kube-proxy:index:KubeProxy", false),
      step("update", "pulumi:providers:kubernetes", true),
    ]) {
      assert.deepEqual(after(quiet), nothingYet);
    }
  });

  test("a cluster is unreachable only where nothing was changed", () => {
    const silent = said("https://192.0.2.1:6443 does not answer: no answer in time", "error");
    assert.ok(isUnreachable(after(silent)));
    assert.ok(
      isUnreachable(after(said("configured Kubernetes cluster is unreachable: no such host", "error"))),
    );
    assert.ok(!isUnreachable(after(step("update", "kubernetes:apps/v1:DaemonSet", true), silent)));
    assert.ok(!isUnreachable(after(said("node-unreachable: the kubelet does not answer", "error"))));
  });

  test("keeps each error once, and few", () => {
    const many = Array.from({ length: 50 }, (_, index) => said(`error ${index % 20}`, "error"));
    assert.equal(after(...many, said("update failed", "error")).errors.length, 10);
    assert.deepEqual(after(said("update failed", "error")).errors, []);
  });
});

const names = Array.from({ length: 30 }, (_, index) => `stack-${index}`);
const waves = [
  { name: "canary", stacks: names.slice(0, 2), concurrency: 1, maxFailed: 0, pause: 0 },
  { name: "rest", stacks: names.slice(2), concurrency: 7, maxFailed: 0, pause: 0 },
];

/** After some have been started, and all but the last seven of them have ended, a minute each. */
function view(): View {
  const { rollout, started } = play({ waves, unreachable: "halt" }, { interruptAfter: 9 });
  const standings = new Map(rollout.standings);
  const updates = new Map<string, Update>();
  for (const [index, stack] of started.entries()) {
    const isRunning = index >= 2;
    const progress = after(said(formatProgress(["node-1"], 50, 12)));
    updates.set(stack, { began: 60_000, ended: isRunning ? undefined : 120_000, progress });
    if (isRunning) standings.set(stack, "running");
  }
  return { rollout: { ...rollout, standings, halt: undefined }, updates };
}

suite("what is seen of a run", () => {
  test("one line for all, with the time left by the speed that was measured", () => {
    // 21 stacks wait, of which seven run at a time, and seven have half a minute left: 3.5 minutes.
    assert.equal(secondsLeft(view(), 90_000), 210);
    assert.equal(
      headline(view(), 90_000),
      "wave 2 of 2, rest: 0 of 28 clusters done; 2 of 30 in all; 441 nodes proved; about 3m30s left",
    );
    assert.equal(secondsLeft({ ...view(), updates: new Map() }, 0), undefined);
  });

  test("a table of what runs, no larger than the terminal", () => {
    const lines = liveLines(view(), 90_000, { columns: 80, rows: 24 });
    assert.match(lines[2] ?? "", /^STACK +NODES PROVED +TIME +STEP$/);
    assert.match(lines[3] ?? "", /^stack-2 +49 of 50 +30s +reads the cluster$/);
    assert.equal(lines.length, 3 + 7);
    const small = liveLines(view(), 90_000, { columns: 20, rows: 9 });
    assert.ok(small.length < 9 && small.every((line) => line.length < 20), small.join("\n"));
    assert.equal(small.at(-1), "… 3 more");
  });

  test("what comes from a cluster moves no cursor and begins no line", () => {
    const evil = after(said("bad \u001b[2J\rnews", "error"));
    const updates = new Map([
      ["stack-2", { began: 0, ended: undefined, progress: { ...evil, step: "a\nb\u001b[2J" } }],
    ]);
    for (const line of liveLines({ ...view(), updates }, 0, { columns: 80, rows: 24 })) {
      assert.doesNotMatch(line, /[\u0000-\u001f]/);
    }
  });

  test("at the end all that is not done is named, and why it halted", () => {
    const { rollout } = play(
      { waves, unreachable: "halt" },
      { outcome: (stack) => (stack === "stack-4" ? "failed" : "done") },
    );
    const text = summary({ rollout, updates: new Map() });
    assert.match(text, /^10 of 30 clusters are done/);
    assert.match(text, /^ {2}FAILED: stack-4$/m);
    assert.match(text, /^ {2}not reached: stack-11, .*, stack-29$/m);
    assert.match(text, /^HALTED at wave rest: more clusters have failed than it allows/m);
  });

  test("a page has a row for each cluster, and shows names as text", () => {
    const html = fleetPage(view(), { what: "restart <b>", now: new Date(0), reports: new Map() });
    assert.equal(html.match(/<th scope="row">/g)?.length, 30);
    assert.ok(html.includes("restart &#60;b&#62;"));
    assert.doesNotMatch(html, /<script|<b>t/);
  });
});

suite("what an earlier run has done", () => {
  const last: LastUpdate = {
    ...{ kind: "update", result: "succeeded", message: "a new image", startTime: new Date(0) },
    ...{ endTime: new Date(1000), config: { "kube-proxy:restart": { value: "T1" } } },
  };
  const done = (goal: { token?: string; message?: string }, change: Partial<LastUpdate> = {}) => {
    const { token, message } = goal;
    return [...alreadyDone({ token, message }, "kube-proxy", new Map([["a", { ...last, ...change }]]))];
  };

  test("is a last update that succeeded with the token, or with the message", () => {
    assert.deepEqual(done({ token: "T1" }), [["a", 1000]]);
    assert.deepEqual(done({ message: "a new image" }), [["a", 1000]]);
  });

  test("is nothing that failed, had another token, was a destroy or refresh, or that nobody can tell", () => {
    assert.deepEqual(done({ token: "T2" }), []);
    assert.deepEqual(done({ message: "another" }), []);
    assert.deepEqual(done({ token: "T1" }, { result: "failed" }), []);
    assert.deepEqual(done({ token: "T1" }, { kind: "destroy" }), []);
    assert.deepEqual(done({ token: "T1" }, { kind: "refresh" }), []);
    assert.deepEqual(done({ token: "T1" }, { config: {} }), []);
    assert.deepEqual(done({}), []);
  });
});
