/** The other ways out of ipvs and into it, and five switches in a row: `npm run test:vm`, which takes long. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { useIpvsNode } from "./ipvsNode.ts";
import { isOwn, node } from "./machine.ts";
import { failures } from "./probe.ts";
import { skipMachines } from "./requirements.ts";

/** Switches out of ipvs to each mode, one after the other on the same node. */
const times = 5;

suite("the other ways out of ipvs", { skip: skipMachines }, () => {
  const at = useIpvsNode(`t${process.pid}-ipvs-ways`);

  test("for nftables, and cut: of what was there before, nothing breaks that was not counted; nothing new fails", async (t) => {
    let output = "";
    const attempts = await at.measure(t, async () => {
      ({ output } = await at.scenario.up({
        configuration: { mode: "nftables" },
        modeSwitch: { drain: "0s", onDeadline: "cut" },
      }));
    });
    assert.match(output, new RegExp(`Cut, as modeSwitch says: ${node} ${at.keptByTcp} connections`));
    const failed = attempts.filter(({ error }) => error !== undefined);
    assert.deepEqual(failures(failed.filter(({ flow }) => flow === "new")), []);
    // Some outlive it: the kernel goes on with what it tracks where the node itself was asked.
    const ofTcp = failed.filter(({ target }) => target.includes(" tcp "));
    const broken = new Set(ofTcp.map(({ from, target }) => `${from} ${target}`)).size;
    assert.ok(broken > 0 && broken <= at.keptByTcp, `${broken} of ${at.keptByTcp} that were counted`);
    t.diagnostic(`${broken} of ${at.keptByTcp} that were counted are broken`);
    assert.deepEqual(await at.ofIpvs(), []);
    await at.toIpvs("nftables");
  });

  for (const mode of ["nftables", "iptables"]) {
    test(`for ${mode} and back, ${times} times: kept, then cleared`, async (t) => {
      for (let done = 0; done < times; done += 1) {
        const attempts = await at.measure(t, async () => {
          const modeSwitch = { onDeadline: "keep" };
          const { output } = await at.scenario.up({ configuration: { mode }, modeSwitch });
          assert.match(output, new RegExp(`Kept, as modeSwitch says: ${node} ${at.keptByTcp} connections`));
        });
        assert.deepEqual(failures(attempts), []);
        assert.ok((await at.ofIpvs()).includes("kube-ipvs0"));
        const cleared = await at.measure(t, async () => {
          await at.scenario.up({ modeSwitch: { drain: "0s", onDeadline: "cut" } });
        });
        assert.deepEqual(failures(cleared.filter((attempt) => !isOwn(attempt))), []);
        assert.deepEqual(await at.ofIpvs(), []);
        await at.toIpvs(mode);
      }
    });
  }
});
