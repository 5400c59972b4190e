/** The watcher of the recovery tests can fail. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Change } from "../../cluster/followPods.ts";
import type { LivePod } from "../scenario.ts";
import { RunningPods, shortcomings, type WatchedPod } from "./onePerNode.ts";

/** What {@link RunningPods} says to some changes: the change, the pod, its node and its phase. */
function violations(...changes: [Change, string, string | undefined, string][]): readonly string[] {
  const running = new RunningPods();
  for (const [change, name, nodeName, phase] of changes) {
    const spec = nodeName === undefined ? {} : { nodeName };
    const pod: WatchedPod = { metadata: { name, resourceVersion: "1" }, spec, status: { phase } };
    running.see(change, pod);
  }
  return running.violations;
}

suite("two kube-proxies on a node", () => {
  test("are seen, once", () => {
    assert.deepEqual(
      violations(
        ["ADDED", "a", "node-1", "Running"],
        ["ADDED", "b", "node-1", "Pending"],
        ["MODIFIED", "b", "node-1", "Running"],
        ["MODIFIED", "b", "node-1", "Running"],
      ),
      ["b ran on node-1 beside a"],
    );
  });

  test("are seen by a watch that was lost and begins anew, and none is made up of what went meanwhile", () => {
    const running = new RunningPods();
    const see = (name: string, nodeName: string): void => {
      const metadata = { name, resourceVersion: "1" };
      running.see("ADDED", { metadata, spec: { nodeName }, status: { phase: "Running" } });
    };
    see("a", "node-1");
    running.forget();
    see("b", "node-1");
    assert.deepEqual(running.violations, []);
    see("c", "node-1");
    assert.deepEqual(running.violations, ["c ran on node-1 beside b"]);
  });

  test("are two even when one is about to end: it runs until it is gone", () => {
    assert.deepEqual(
      violations(
        ["ADDED", "a", "node-1", "Running"],
        // Its deletion has begun.
        ["MODIFIED", "a", "node-1", "Running"],
        ["MODIFIED", "b", "node-1", "Running"],
      ),
      ["b ran on node-1 beside a"],
    );
  });

  test("are none when the other is gone, has ended, waits, or is on another node", () => {
    assert.deepEqual(
      violations(
        ["ADDED", "a", "node-1", "Running"],
        ["DELETED", "a", "node-1", "Running"],
        ["ADDED", "b", "node-1", "Running"],
        ["MODIFIED", "b", "node-1", "Failed"],
        ["ADDED", "c", "node-1", "Running"],
        ["ADDED", "d", "node-1", "Pending"],
        ["ADDED", "e", undefined, "Pending"],
        ["ADDED", "f", "node-2", "Running"],
      ),
      [],
    );
  });
});

suite("what is wrong in the end", () => {
  const pod = (
    nodeName: string,
    more: { token?: string; ready?: string; deleted?: string } = {},
  ): LivePod => {
    const { token = "now", ready = "True", deleted } = more;
    return {
      metadata: {
        ...{ name: "", uid: "", generation: 1, resourceVersion: "1" },
        annotations: { "kube-proxy/restart": token },
        ...(deleted !== undefined && { deletionTimestamp: deleted }),
      },
      spec: { nodeName },
      status: { conditions: [{ type: "Ready", status: ready }] },
    };
  };
  const cases: [string, LivePod[], string[]][] = [
    ["nothing", [pod("a"), pod("b")], []],
    ["a node without a kube-proxy", [pod("a")], ["b has no kube-proxy"]],
    ["a node with two", [pod("a"), pod("b"), pod("b")], ["b has 2 kube-proxies"]],
    ["one that is not ready", [pod("a", { ready: "False" }), pod("b")], ["a's kube-proxy does not serve"]],
    ["one that is about to end", [pod("a", { deleted: "now" }), pod("b")], ["a's kube-proxy does not serve"]],
    [
      "an old one",
      [pod("a"), pod("b", { token: "old" })],
      ['b\'s kube-proxy is of restart "old", not "now"'],
    ],
  ];
  for (const [what, pods, expected] of cases) {
    test(what, () => {
      assert.deepEqual(shortcomings(pods, ["a", "b"], "now"), expected);
    });
  }
});
