import assert from "node:assert/strict";
import { afterEach, beforeEach, suite, test } from "node:test";
import { neverReadyImage } from "../../lab/index.ts";
import { changesOf, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 5;

suite("when something goes wrong", () => {
  const lab = useLab({ name: "e2e-failure", nodes });
  let scenario: Scenario;
  beforeEach(async () => {
    scenario = await lab.open();
    await scenario.up();
  });
  afterEach(() => scenario.destroy());

  test("a rollout that fails is reported with its reason within the timeout, and the next up recovers", async () => {
    await scenario.stack.setConfig({ image: neverReadyImage, timeouts: { update: "5s" } });
    const failed = await scenario.stack.up();
    assert.ok(!failed.ok);
    assert.match(failed.output, /kube-proxy/);
    // The provider's error does not go down to the pods; what it says while it waits does.
    assert.match(failed.output, /failed to fully initialize or become live: timed out waiting/);
    assert.match(failed.output, /warning: \[Pod kube-system\/kube-proxy-\w+\]: .*\[ImagePullBackOff\]/);
    assert.ok(failed.durationMs < 60_000, `took ${failed.durationMs} ms`);

    await scenario.up({ image: undefined });
    const recovered = await scenario.cluster.daemonSet();
    assert.equal(recovered?.status.updatedNumberScheduled, nodes);
    assert.equal(recovered.status.numberAvailable, nodes);
    assert.deepEqual(changesOf(await scenario.stack.preview()), []);
  });

  test("a restart that fails is reported, and the next up recovers", async () => {
    await scenario.stack.setConfig({ image: neverReadyImage, restart: "bad", timeouts: { create: "5s" } });
    const failed = await scenario.stack.up();
    assert.ok(!failed.ok);
    assert.match(failed.output, /kube-proxy/);

    await scenario.up({ image: undefined });
    const recovered = await scenario.cluster.daemonSet();
    assert.equal(recovered?.metadata.annotations?.["kube-proxy/restart"], "bad");
    assert.equal(recovered.status.numberAvailable, nodes);
  });

  for (const step of ["delete-replaced", "create-replacement"] as const) {
    test(`killed in mid-replacement (${step}), a plain up afterwards finishes it`, async () => {
      const old = await scenario.cluster.daemonSet();
      await scenario.stack.setConfig({ restart: `killed at ${step}` });
      const running = scenario.stack.startUp();
      running.onStep(({ op, name }) => {
        if (op === step && name === "kube-proxy-daemon-set") {
          running.kill();
        }
      });
      const killed = await running.done;
      assert.ok(!killed.ok, "the kill came too late");

      await scenario.stack.cancel();
      await scenario.up();
      const recovered = await scenario.cluster.daemonSet();
      assert.notEqual(recovered?.metadata.uid, old?.metadata.uid);
      assert.equal(recovered?.metadata.annotations?.["kube-proxy/restart"], `killed at ${step}`);
      assert.equal(recovered.status.numberAvailable, nodes);
      assert.deepEqual(changesOf(await scenario.stack.preview()), []);
    });
  }

  test("an object that somebody deleted is created again", async () => {
    await scenario.cluster.kubectl(["delete", "daemonset", "kube-proxy"]);
    const result = await scenario.up();
    assert.ok(changesOf(result).includes("create kube-proxy-daemon-set"), result.output);
    assert.equal((await scenario.cluster.daemonSet())?.status.numberAvailable, nodes);
  });
});
