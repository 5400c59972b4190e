/** What a user's changes of kube-proxy do to connections, measured on real nodes. */
import assert from "node:assert/strict";
import { before, suite, test, type TestContext } from "node:test";
import { binary, modes } from "../../lab/index.ts";
import { installKubeProxy } from "../../lab/kubeadm.ts";
import { subnets } from "../../lab/real/addresses.ts";
import { images } from "../../lab/real/build.ts";
import type { Scenario } from "../e2e/scenario.ts";
import { useLab } from "../e2e/useLab.ts";
import {
  answered,
  deletionOfDaemonSet,
  forgetVainConnections,
  killKubeProxy,
  measure as measureOn,
} from "./measure.ts";
import { failures } from "./probe.ts";
import { skip } from "./requirements.ts";
import { addService, deployResponders, targetsOf, type Targets } from "./responder.ts";

const [node, other] = ["real-1", "real-2"];

/** The pods, by UID, that are still there. */
const kept = (old: readonly string[], now: readonly string[]): string[] =>
  old.filter((uid) => now.includes(uid));

for (const mode of modes) {
  suite(`connections to Services while kube-proxy changes, in mode ${mode}`, { skip }, () => {
    const lab = useLab({ name: `t${process.pid}-${mode}`, realNodes: 2 });
    const configuration = { mode, conntrack: { maxPerCore: 0 } };
    let scenario: Scenario;
    let targets: Targets;
    before(async () => {
      scenario = await lab.open({ podSubnet: lab.lab.podSubnet, configuration });
      await deployResponders(lab.lab, other);
      targets = await targetsOf(lab.lab, "responder", node);
    });

    const measure = (work: () => Promise<unknown>, asked = targets) =>
      measureOn(lab.lab, { node, targets: asked }, work);

    /** Work during which no connection may fail and none may break. */
    async function losesNothing(t: TestContext, work: () => Promise<unknown>): Promise<void> {
      const { began, ended, attempts } = await measure(work);
      t.diagnostic(`${attempts.length} attempts, of which none may fail, in ${(ended - began) / 1000} s`);
      assert.deepEqual(failures(attempts), []);
    }

    const pods = async () => (await scenario.cluster.pods()).map(({ metadata }) => metadata.uid);

    test("provision: dead Services answer", async (t) => {
      const { began, ended, attempts } = await measure(async () => {
        await scenario.up();
        await forgetVainConnections(lab.lab);
      });
      assert.deepEqual(
        attempts.filter(({ at }) => at < began).filter(answered),
        [],
        "answers without kube-proxy",
      );
      assert.deepEqual(failures(attempts.filter(({ at }) => at > ended)), []);
      const first = Math.min(...attempts.filter(answered).map(({ at }) => at));
      t.diagnostic(
        `the first answer ${(first - began) / 1000} s after up began, which took ${(ended - began) / 1000} s`,
      );
    });

    for (const restartStrategy of ["Rolling", "Recreate"]) {
      test(`a ${restartStrategy} restart`, async (t) => {
        await scenario.up({ restartStrategy });
        const old = await pods();
        await losesNothing(t, () => scenario.up({ restart: restartStrategy }));
        assert.deepEqual(kept(old, await pods()), []);
      });
    }

    test("a Service that is made while there is no kube-proxy answers when up has ended", async (t) => {
      await scenario.up({ restartStrategy: "Recreate" });
      const old = await pods();
      await scenario.stack.setConfig({ restart: "gap" });
      const restarting = scenario.stack.startUp();
      try {
        await deletionOfDaemonSet(restarting);
        await addService(lab.lab, "gap");
        const made = Date.now();
        assert.deepEqual(kept(old, await pods()), [], "no kube-proxy is left that could know it");
        const restart = async () => {
          await restarting.done;
          await forgetVainConnections(lab.lab);
        };
        const { ended, attempts } = await measure(restart, await targetsOf(lab.lab, "gap", node));
        assert.deepEqual(failures(attempts.filter(({ at }) => at > ended)), []);
        const first = Math.min(...attempts.filter(answered).map(({ at }) => at));
        t.diagnostic(`the first answer ${(first - made) / 1000} s after the Service was made`);
      } finally {
        const { ok, output } = await restarting.done;
        assert.ok(ok, output);
      }
    });

    test("a restart of one node", async (t) => {
      const old = await pods();
      await losesNothing(t, () => scenario.up({ restartNodes: { nodes: [node] } }));
      assert.equal(kept(old, await pods()).length, 1);
    });

    test("a changed configuration", async (t) => {
      const old = await pods();
      const changed = { ...configuration, [mode]: { syncPeriod: "20s" } };
      await losesNothing(t, () => scenario.up({ configuration: changed }));
      assert.deepEqual(kept(old, await pods()), []);
    });

    test("a changed image", async (t) => {
      const old = await pods();
      await losesNothing(t, () => scenario.up({ image: images.otherKubeProxy }));
      assert.deepEqual(kept(old, await pods()), []);
    });

    test("a kube-proxy that is killed", async (t) => {
      await losesNothing(t, () => killKubeProxy(lab.lab, node));
    });

    test("destroy, and provision again", async (t) => {
      await losesNothing(t, async () => {
        await scenario.destroy();
        assert.deepEqual(await pods(), []);
        await scenario.up();
      });
    });

    test("kubeadm's own kube-proxy, taken over as it runs", async (t) => {
      await scenario.destroy();
      const { name, dir } = lab.lab;
      const kubeadm = { binary: await binary(), dir };
      await installKubeProxy(kubeadm, { name, ...subnets }, configuration);
      const rollout = ["rollout", "status", "daemonset/kube-proxy", "--timeout=120s"];
      await scenario.cluster.kubectl(rollout);
      const adopting = await lab.open({
        kubernetesVersion: "",
        controlPlaneEndpoint: "",
        podSubnet: "",
        adopt: true,
        configuration,
      });
      const old = await pods();
      await losesNothing(t, () => adopting.up());
      assert.deepEqual((await pods()).sort(), old.sort());
    });
  });
}
