/** What a user's changes of kube-proxy do to connections, measured on real nodes. */
import assert from "node:assert/strict";
import { before, suite, test, type TestContext } from "node:test";
import { binary, type Mode, modes, nodeCommand } from "../../lab/index.ts";
import { installKubeProxy } from "../../lab/kubeadm.ts";
import { subnets } from "../../lab/real/addresses.ts";
import { images } from "../../lab/real/build.ts";
import { runOrFail } from "../../lab/tools.ts";
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

/** The nodes of one lab, whose kube-proxies start in a mode. */
function useNodes(firstMode: Mode) {
  const lab = useLab({ name: `t${process.pid}-changes-${firstMode}`, realNodes: 2 });
  const configurationOf = (mode: Mode) => ({ mode, conntrack: { maxPerCore: 0 } });
  let scenario: Scenario;
  let targets: Targets;
  before(async () => {
    scenario = await lab.open({ podSubnet: lab.lab.podSubnet, configuration: configurationOf(firstMode) });
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

  /** The rules that kube-proxy makes in another mode, on any node. KUBE-FIREWALL is the kubelet's, too. */
  async function rulesOfOthers(mode: Mode): Promise<string[]> {
    const left: string[] = [];
    for (const name of lab.lab.realNodes) {
      const list = async (...command: string[]) =>
        (await runOrFail(nodeCommand(lab.lab, name, command))).split("\n");
      const tables = mode === "nftables" ? [] : await list("nft", "list", "tables");
      const rules =
        mode === "nftables" ? [...(await list("iptables-save")), ...(await list("ip6tables-save"))] : [];
      left.push(...tables.filter((table) => table.endsWith(" kube-proxy")));
      left.push(...rules.filter((rule) => /KUBE-(?!FIREWALL|KUBELET)/.test(rule)));
    }
    return left;
  }

  async function switchTo(t: TestContext, mode: Mode): Promise<void> {
    const old = await pods();
    await losesNothing(t, () => scenario.up({ configuration: configurationOf(mode) }));
    assert.deepEqual(kept(old, await pods()), []);
    assert.deepEqual(await rulesOfOthers(mode), [], `rules of another mode than ${mode}`);
    assert.equal(
      await scenario.cluster.kubectl(["get", "pods", "-l", "kube-proxy/helper", "-o", "name"]),
      "",
    );
  }

  return {
    get lab() {
      return lab.lab;
    },
    get scenario() {
      return scenario;
    },
    open: (config: Record<string, unknown>) => lab.open(config),
    ...{ mode: firstMode, configurationOf, measure, losesNothing, pods, switchTo },
  };
}

type Nodes = ReturnType<typeof useNodes>;

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
    const nodes = useNodes(iptables);
    changesIn(nodes);
    test("a restart of one node", async (t) => {
      const old = await nodes.pods();
      await nodes.losesNothing(t, () => nodes.scenario.up({ restartNodes: { nodes: [node] } }));
      assert.equal(kept(old, await nodes.pods()).length, 1);
    });

    test("switches between the modes, six", (t) => switchTimes(t, nodes, nftables, 6));
  });

  suite(`from mode ${nftables}`, { concurrency: 1 }, () => {
    const nodes = useNodes(nftables);
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
