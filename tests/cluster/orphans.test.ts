import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import type { CoreV1Api, V1Pod } from "@kubernetes/client-node";
import { awaitEndingOrphans } from "../../components/cluster/orphans.ts";

const now = Date.parse("2026-11-24T00:00:00Z");

/** A pod that is about to end; by the API server's clock it is to be gone after so many seconds. */
function ending(seconds: number, more: { readonly controlled?: boolean } = {}): V1Pod {
  const owner = { apiVersion: "apps/v1", kind: "DaemonSet", name: "kube-proxy", uid: "1", controller: true };
  return {
    metadata: {
      name: "kube-proxy-a",
      deletionTimestamp: new Date(now + seconds * 1000),
      deletionGracePeriodSeconds: 30,
      ...(more.controlled === true && { ownerReferences: [owner] }),
    },
  };
}

/** How many seconds the wait takes when the API server always has these pods; undefined when more than five minutes. */
async function waitedFor(t: TestContext, pods: V1Pod[]): Promise<number | undefined> {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now });
  const api = { listNamespacedPod: () => Promise.resolve({ items: pods }) } as unknown as CoreV1Api;
  const state = { done: false };
  void awaitEndingOrphans(api).then(() => (state.done = true));
  for (let seconds = 0; seconds <= 300; seconds += 0.2) {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    if (state.done) return Math.round(seconds);
    t.mock.timers.tick(200);
  }
  return undefined;
}

suite("waiting for orphans that are about to end", () => {
  test("there is nothing to wait for when there is none", async (t) => {
    assert.equal(await waitedFor(t, [{ metadata: { name: "kube-proxy-a" } }]), 0);
  });
  test("a pod of a DaemonSet that is there is that one's affair", async (t) => {
    assert.equal(await waitedFor(t, [ending(30, { controlled: true })]), 0);
  });
  test("one that does not go is on a node that is not there: not waited for beyond its grace period", async (t) => {
    assert.equal(await waitedFor(t, [ending(30)]), 40);
  });
  test("one that should long be gone is not waited for", async (t) => {
    assert.equal(await waitedFor(t, [ending(-60)]), 0);
  });
  test("an API server whose clock is ahead does not make it longer", async (t) => {
    assert.equal(await waitedFor(t, [ending(3600)]), 40);
  });
});
