/** How ipvs is left, as `pulumi up` does it on a node that has it; `npm run test:vm` tries the other ways. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { images } from "../../lab/real/build.ts";
import { useIpvsNode } from "./ipvsNode.ts";
import { isOwn, node } from "./machine.ts";
import { failures } from "./probe.ts";
import { skipMachines } from "./requirements.ts";

/** It has sh and ip there, as the image of a user's would. */
const image = images.kubeProxy;

suite("leaving ipvs", { skip: skipMachines }, () => {
  const at = useIpvsNode(`t${process.pid}-ipvs`);

  test("by nobody: what answers is the emulated node's own pace", async (t) => {
    assert.deepEqual(failures(await at.measure(t, () => Promise.resolve())), []);
  });

  test("for nftables: refused with what ipvs carries, then done with ipvs kept; nothing fails, nothing breaks", async (t) => {
    const attempts = await at.measure(t, async () => {
      await at.scenario.stack.setConfig({
        configuration: { mode: "nftables" },
        modeSwitch: { image, onDeadline: "stop", drain: "0s" },
      });
      const { ok, output } = await at.scenario.stack.up();
      assert.equal(ok, false);
      assert.match(output, /draining ipvs; no kube-proxy was touched, and the helpers stay:/);
      assert.match(output, new RegExp(`ipvs on ${node}: carries ${at.keptByTcp} connections \\(2 to `));
      const kept = await at.scenario.up({ modeSwitch: { image, onDeadline: "keep" } });
      assert.match(kept.output, new RegExp(`Kept, as modeSwitch says: ${node} ${at.keptByTcp} connections`));
    });
    assert.deepEqual(failures(attempts), []);
    assert.ok((await at.ofIpvs()).includes("kube-ipvs0"));
  });

  test("cleared by a later update: what nftables carries goes on, and nothing of ipvs is left", async (t) => {
    const attempts = await at.measure(t, async () => {
      await at.scenario.up({ modeSwitch: { image, drain: "0s", onDeadline: "cut" } });
    });
    assert.deepEqual(failures(attempts.filter((attempt) => !isOwn(attempt))), []);
    assert.deepEqual(await at.ofIpvs(), []);
  });
});
