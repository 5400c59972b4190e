import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { changesOf, isServing, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 20;
/**
 * Under `Rolling` 10 % of the nodes are without kube-proxy at a time. The controller may take the next ones when their
 * predecessors are ready, before it has seen that others are not: at times there are some more (reference: 6 of 50).
 */
const mostDown = 2 * (nodes / 10);

suite("restart strategies", () => {
  const lab = useLab({ name: "e2e-strategy", nodes });
  let scenario: Scenario;
  before(async () => {
    scenario = await lab.open();
    await scenario.up();
  });

  /** Restarts; gives the old pods that are left and how many pods served at the worst moment. */
  async function restart(token: string): Promise<{ kept: number; fewest: number; uidChanged: boolean }> {
    const { cluster, stack } = scenario;
    const old = await cluster.pods();
    const oldUid = (await cluster.daemonSet())?.metadata.uid;
    await stack.setConfig({ restart: token });
    let fewest = nodes;
    const progress = { ended: false };
    const done = stack.up().finally(() => {
      progress.ended = true;
    });
    while (!progress.ended) {
      fewest = Math.min(fewest, (await cluster.pods()).filter(isServing).length);
    }
    const result = await done;
    assert.ok(result.ok, result.output);
    const pods = await cluster.pods();
    assert.equal(pods.filter(isServing).length, nodes);
    assert.equal(new Set(pods.map(({ spec }) => spec.nodeName)).size, nodes, "one kube-proxy a node");
    const kept = pods.filter(({ metadata }) => old.some((pod) => pod.metadata.uid === metadata.uid)).length;
    return { kept, fewest, uidChanged: (await cluster.daemonSet())?.metadata.uid !== oldUid };
  }

  test("Rolling replaces the DaemonSet and every pod, a few at a time", async () => {
    for (const token of ["one", "two"]) {
      const { kept, fewest, uidChanged } = await restart(token);
      assert.ok(uidChanged);
      assert.equal(kept, 0, "every pod is new");
      assert.ok(fewest >= nodes - mostDown, `only ${fewest} of ${nodes} served`);
    }
  });

  test("after changes in place, and a kubectl rollout restart, there is no difference, and the next restart rolls", async () => {
    await scenario.up({ image: "registry.example.com/kube-proxy:mine" });
    assert.deepEqual(changesOf(await scenario.stack.preview()), []);
    await scenario.cluster.kubectl(["rollout", "restart", "daemonset", "kube-proxy"]);
    await scenario.cluster.kubectl(["rollout", "status", "daemonset", "kube-proxy", "--timeout=60s"]);
    const preview = await scenario.stack.preview();
    assert.deepEqual(changesOf(preview), [], preview.output);
    const { kept, fewest } = await restart("three");
    assert.equal(kept, 0);
    assert.ok(fewest >= nodes - mostDown, `only ${fewest} of ${nodes} served`);
  });

  test("destroy leaves no pod behind, although the DaemonSet orphans them", async () => {
    const result = await scenario.stack.destroy();
    assert.ok(result.ok, result.output);
    assert.deepEqual(await scenario.cluster.fingerprint(), []);
    assert.deepEqual(await scenario.cluster.pods(), []);
  });

  test("Recreate takes all pods at once; every pod is new", async () => {
    await scenario.up({ restartStrategy: "Recreate", restart: "initial" });
    const { kept, fewest, uidChanged } = await restart("four");
    assert.ok(uidChanged);
    assert.equal(kept, 0);
    assert.ok(fewest < nodes - mostDown, `${fewest} of ${nodes} served all the time`);
  });

  test("a changed strategy is a change in place; the next restart goes by the new one", async () => {
    const pods = (await scenario.cluster.pods()).map(({ metadata }) => metadata.uid).sort();
    const result = await scenario.up({ restartStrategy: "Rolling" });
    assert.deepEqual(
      changesOf(result).filter((change) => /replace|delete/.test(change)),
      [],
    );
    assert.deepEqual(
      (await scenario.cluster.pods()).map(({ metadata }) => metadata.uid).sort(),
      pods,
      "no pod restarted",
    );
    assert.deepEqual(changesOf(await scenario.stack.preview()), []);
    const { kept, fewest } = await restart("five");
    assert.equal(kept, 0);
    assert.ok(fewest >= nodes - mostDown, `only ${fewest} of ${nodes} served`);
  });

  test("destroy after a changed strategy leaves nothing either", async () => {
    const result = await scenario.stack.destroy();
    assert.ok(result.ok, result.output);
    assert.deepEqual(await scenario.cluster.pods(), []);
  });
});
