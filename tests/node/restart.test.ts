/** What a user's changes of kube-proxy do to connections, measured on real nodes. */
import assert from "node:assert/strict";
import { before, suite, test, type TestContext } from "node:test";
import { binary, modes, nodeCommand } from "../../lab/index.ts";
import { installKubeProxy } from "../../lab/kubeadm.ts";
import { subnets } from "../../lab/real/addresses.ts";
import { images } from "../../lab/real/build.ts";
import { run } from "../../lab/tools.ts";
import type { Scenario } from "../e2e/scenario.ts";
import type { Running } from "../engine/index.ts";
import { useLab } from "../e2e/useLab.ts";
import { failures, Probe, type Attempt } from "./probe.ts";
import { skip } from "./requirements.ts";
import { addService, deployResponders, targetsOf, type Targets } from "./responder.ts";

const [node, other] = ["real-1", "real-2"];

/** A second of attempts: long enough to see what a change has left behind. */
const afterwards = 20;

const answered = ({ error }: Attempt): boolean => error === undefined;

/** The pods, by UID, that are still there. */
const kept = (old: readonly string[], now: readonly string[]): string[] =>
  old.filter((uid) => now.includes(uid));

/** Waits for the moment in a restart from which on there is no DaemonSet. */
async function deletionOfDaemonSet(restarting: Running): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    restarting.onStep(({ op, type, status }) => {
      if (op === "delete-replaced" && type.endsWith(":DaemonSet") && status === "done") resolve();
    });
    restarting.done.then(({ output }) => {
      reject(new Error(`no DaemonSet was deleted:\n${output}`));
    }, reject);
  });
}

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

    /** Asks before, during and after some work; gives the attempts, and when the work began and ended. */
    async function measure(work: () => Promise<unknown>, asked = targets) {
      const probe = await Probe.start(lab.lab, node, asked);
      try {
        const began = Date.now();
        await work();
        const ended = Date.now();
        await probe.after(ended, afterwards);
        return { began, ended, attempts: probe.attempts };
      } finally {
        await probe.stop();
      }
    }

    /**
     * Whoever asks a dead Service leaves an entry in the kernel's table of connections for two minutes, which leads a
     * later connection from the same port nowhere, too. That is no failure of what comes next.
     */
    async function forgetVainConnections(): Promise<void> {
      const vain = ["--proto", "tcp", "--state", "SYN_SENT"];
      for (const name of lab.lab.realNodes) {
        for (const family of ["ipv4", "ipv6"]) {
          // Its exit code is 1 where there is none.
          await run(nodeCommand(lab.lab, name, ["conntrack", "--delete", "--family", family, ...vain]));
        }
      }
    }

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
        await forgetVainConnections();
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
          await forgetVainConnections();
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
