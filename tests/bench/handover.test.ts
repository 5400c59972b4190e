import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type HandedPod, Handover } from "../../bench/handover.ts";

function pod(uid: string, { owned = true, ready = true, node = `on ${uid}` } = {}): HandedPod {
  return {
    metadata: { uid, resourceVersion: "1", ownerReferences: owned ? [{ controller: true }] : [] },
    spec: { nodeName: node },
    status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  };
}

suite("how long pods change hands", () => {
  test("from the first one that loses its owner to the last one that is adopted", () => {
    const handover = new Handover();
    for (const uid of ["a", "b", "c"]) handover.see("ADDED", pod(uid), 0);
    assert.equal(handover.hasBegun, false);
    handover.see("MODIFIED", pod("a", { owned: false }), 10);
    assert.equal(handover.hasBegun, true);
    handover.see("MODIFIED", pod("a", { owned: false }), 12);
    handover.see("MODIFIED", pod("b", { owned: false }), 17);
    handover.see("MODIFIED", pod("b"), 20);
    handover.see("MODIFIED", pod("a"), 25);
    assert.deepEqual(handover.duration, { orphaning: 7, adopting: 5, all: 15 });
  });

  test("a pod that is made or changed for another reason takes no part", () => {
    const handover = new Handover();
    handover.see("ADDED", pod("a"), 0);
    handover.see("MODIFIED", pod("a", { owned: false }), 10);
    handover.see("MODIFIED", pod("a"), 20);
    handover.see("ADDED", pod("new"), 30);
    handover.see("MODIFIED", pod("a"), 40);
    handover.see("DELETED", pod("a"), 50);
    assert.deepEqual(handover.duration, { orphaning: 0, adopting: 0, all: 10 });
  });

  test("a node has a kube-proxy since its pod is Ready, and none when that is gone", () => {
    const handover = new Handover();
    handover.see("ADDED", pod("a", { ready: false, node: "node" }), 1);
    assert.equal(handover.readySince("node"), undefined);
    handover.see("MODIFIED", pod("a", { node: "node" }), 2);
    handover.see("MODIFIED", pod("a", { node: "node" }), 3);
    assert.equal(handover.readySince("node"), 2);
    handover.see("DELETED", pod("a", { node: "node" }), 4);
    assert.equal(handover.readySince("node"), undefined);
  });

  test("nothing to tell where nothing has changed hands", () => {
    assert.deepEqual(new Handover().duration, { orphaning: NaN, adopting: NaN, all: NaN });
  });
});
