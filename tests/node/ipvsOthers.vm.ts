/** Virtual servers of others beside kube-proxy's, such as keepalived's, when ipvs is left: part of `npm run test:vm`. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { images } from "../../lab/real/build.ts";
import { useIpvsNode } from "./ipvsNode.ts";
import { isOwn, node } from "./machine.ts";
import { failures } from "./probe.ts";
import { skipMachines } from "./requirements.ts";

const ipvs = { excludeCIDRs: ["192.0.2.0/28", "fd00:2::/64"] };
const foreign = ["TCP  192.0.2.7:80 wlc", "TCP  [fd00:2::7]:80 wlc"];
/** It has sh, ip and ipvsadm there, as the image of a user's would. */
const modeSwitch = { image: images.kubeProxy, drain: "0s", onDeadline: "cut" };

suite("leaving ipvs where others have virtual servers", { skip: skipMachines }, () => {
  const at = useIpvsNode(`t${process.pid}-ipvs-others`, ipvs);

  async function addForeign(): Promise<void> {
    for (const server of ["192.0.2.7:80", "[fd00:2::7]:80"]) {
      const added = await at.onNode("ipvsadm", "-A", "-t", server, "-s", "wlc");
      assert.equal(added.code, 0, added.stderr);
    }
  }

  for (const mode of ["nftables", "iptables"]) {
    test(`for ${mode}: those stay, also when kube-proxy starts again, and nothing else does`, async (t) => {
      await addForeign();
      const before = await at.ofIpvs();
      assert.ok(before.length > foreign.length && before.includes("kube-ipvs0"), before.join("\n"));
      const configuration = { mode, ipvs };
      const attempts = await at.measure(t, async () => {
        const { output } = await at.scenario.up({ configuration, modeSwitch });
        assert.match(output, new RegExp(`Cut, as modeSwitch says: ${node} ${at.keptByTcp} connections`));
        assert.match(output, /Virtual servers of others, at 192\.0\.2\.0\/28, fd00:2::\/64, stay/);
      });
      const ofNew = attempts.filter((attempt) => attempt.flow === "new" && !isOwn(attempt));
      assert.deepEqual(failures(ofNew), []);
      assert.deepEqual((await at.ofIpvs()).toSorted(), foreign.toSorted());
      await at.scenario.up({ restart: `in mode ${mode}` });
      assert.deepEqual((await at.ofIpvs()).toSorted(), foreign.toSorted());
      await at.onNode("ipvsadm", "-C");
      await at.toIpvs(mode);
    });
  }
});
