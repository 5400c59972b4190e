/** What a user's changes of kube-proxy do to connections, measured on real nodes. */
import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { binary, type Mode, modes } from "../../lab/index.ts";
import { installKubeProxy } from "../../lab/kubeadm.ts";
import { subnets } from "../../lab/real/addresses.ts";
import { images } from "../../lab/real/build.ts";
import { answered, deletionOfDaemonSet, forgetVainConnections, killKubeProxy } from "./measure.ts";
import { kept, node, type Nodes, useNodes } from "./nodes.ts";
import { failures } from "./probe.ts";
import { skip } from "./requirements.ts";
import { addService, targetsOf } from "./responder.ts";

/** What is the same in each mode. */
function changesIn(nodes: Nodes): void {
  const { mode, configurationOf, measure, losesNothing, pods } = nodes;

  test("provision: dead Services answer", async (t) => {
    const { began, ended, attempts } = await measure(async () => {
      await nodes.scenario.up();
      await forgetVainConnections(nodes.lab);
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
      await nodes.scenario.up({ restartStrategy });
      const old = await pods();
      await losesNothing(t, () => nodes.scenario.up({ restart: `${mode}, ${restartStrategy}` }));
      assert.deepEqual(kept(old, await pods()), []);
    });
  }

  test("a Service that is made while there is no kube-proxy answers when up has ended", async (t) => {
    await nodes.scenario.up({ restartStrategy: "Recreate" });
    const old = await pods();
    await nodes.scenario.stack.setConfig({ restart: `${mode}, gap` });
    const restarting = nodes.scenario.stack.startUp();
    try {
      await deletionOfDaemonSet(restarting);
      await addService(nodes.lab, `gap-${mode}`);
      const made = Date.now();
      assert.deepEqual(kept(old, await pods()), [], "no kube-proxy is left that could know it");
      const restart = async () => {
        await restarting.done;
        await forgetVainConnections(nodes.lab);
      };
      const { ended, attempts } = await measure(restart, await targetsOf(nodes.lab, `gap-${mode}`, node));
      assert.deepEqual(failures(attempts.filter(({ at }) => at > ended)), []);
      const first = Math.min(...attempts.filter(answered).map(({ at }) => at));
      t.diagnostic(`the first answer ${(first - made) / 1000} s after the Service was made`);
    } finally {
      const { ok, output } = await restarting.done;
      assert.ok(ok, output);
    }
  });

  test("a changed configuration", async (t) => {
    const old = await pods();
    const changed = { ...configurationOf(mode), [mode]: { syncPeriod: "20s" } };
    await losesNothing(t, () => nodes.scenario.up({ configuration: changed }));
    assert.deepEqual(kept(old, await pods()), []);
  });

  test("a kube-proxy that is killed", async (t) => {
    await losesNothing(t, () => killKubeProxy(nodes.lab, node));
  });
}

// Each waits for most of its time, and two labs do not know of each other.
suite("connections to Services while kube-proxy changes", { skip, concurrency: true }, () => {
  const [iptables, nftables] = modes;

  suite(`from mode ${iptables}`, { concurrency: 1 }, () => {
    const nodes = useNodes("changes-iptables", iptables);
    changesIn(nodes);
    test("a restart of one node", async (t) => {
      const old = await nodes.pods();
      await nodes.losesNothing(t, () => nodes.scenario.up({ restartNodes: { nodes: [node] } }));
      assert.equal(kept(old, await nodes.pods()).length, 1);
    });

    test("switches between the modes, six", (t) => switchTimes(t, nodes, nftables, 6));
  });

  suite(`from mode ${nftables}`, { concurrency: 1 }, () => {
    const nodes = useNodes("changes-nftables", nftables);
    changesIn(nodes);
    test("a changed image", async (t) => {
      const old = await nodes.pods();
      await nodes.losesNothing(t, () => nodes.scenario.up({ image: images.otherKubeProxy }));
      assert.deepEqual(kept(old, await nodes.pods()), []);
    });

    test("destroy, and provision again", async (t) => {
      await nodes.losesNothing(t, async () => {
        await nodes.scenario.destroy();
        assert.deepEqual(await nodes.pods(), []);
        await nodes.scenario.up();
      });
    });

    test("switches between the modes, four", (t) => switchTimes(t, nodes, iptables, 4));
    test("kubeadm's own kube-proxy, taken over as it runs", async (t) => {
      await nodes.scenario.destroy();
      const { name, dir } = nodes.lab;
      const kubeadm = { binary: await binary(), dir };
      const configuration = nodes.configurationOf(nodes.mode);
      await installKubeProxy(kubeadm, { name, ...subnets }, configuration);
      const rollout = ["rollout", "status", "daemonset/kube-proxy", "--timeout=120s"];
      await nodes.scenario.cluster.kubectl(rollout);
      const adopting = await nodes.open({
        kubernetesVersion: "",
        controlPlaneEndpoint: "",
        podSubnet: "",
        adopt: true,
        configuration,
      });
      const old = await nodes.pods();
      await nodes.losesNothing(t, () => adopting.up());
      assert.deepEqual((await nodes.pods()).sort(), old.sort());
    });
  });
});

/** Switches to another mode, back, and so on. */
async function switchTimes(t: TestContext, nodes: Nodes, to: Mode, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) await nodes.switchTo(t, i % 2 === 0 ? to : nodes.mode);
}
