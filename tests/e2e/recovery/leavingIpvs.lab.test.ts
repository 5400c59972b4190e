/** Whatever interrupts ipvs being left, a plain `up` afterwards ends it or goes back, and nothing of it is left. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { loadCluster } from "../../../components/cluster/client.ts";
import { examine, formatDiagnosis } from "../../../components/cluster/verify/index.ts";
import { busyImage, setNodes } from "../../../lab/index.ts";
import { eventually, type LivePod } from "../scenario.ts";
import { type Call, isOnce } from "./faultProxy.ts";
import { useRig } from "./rig.ts";

const namespace = "/api/v1/namespaces/kube-system";
const configMap = `PATCH ${namespace}/configmaps/kube-proxy`;
const daemonSet = "PATCH /apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy";
/** Counts at once, and goes on with what is left. */
const stop = { drain: "0s", image: busyImage };

suite("leaving ipvs, interrupted anywhere", () => {
  const at = useRig("e2e-recovery-ipvs", { verify: true, configuration: { mode: "ipvs" } });
  let mode = "ipvs";
  before(() => at.rig.scenario.up());
  after(() => {
    console.log(`Leaving ipvs: ${at.rig.interruptions} interruptions`);
  });

  const kubectl = (...args: string[]) => at.rig.scenario.cluster.kubectl(args);
  async function podsWith(selector: string): Promise<(LivePod & { spec: Mounting })[]> {
    const output = await kubectl("get", "pods", "-l", selector, "-o", "json");
    return (JSON.parse(output) as { items: (LivePod & { spec: Mounting })[] }).items;
  }
  /** How many pods of each kind help in a switch. */
  async function helpers(): Promise<Record<string, number>> {
    const values = (await podsWith("kube-proxy/helper")).map(({ metadata }) =>
      metadata.name.replace(/.*-/, ""),
    );
    return Object.fromEntries(
      [...Map.groupBy(values, (value) => value)].map(([kind, all]) => [kind, all.length]),
    );
  }
  async function seeModules(): Promise<boolean[]> {
    const pods = await podsWith("k8s-app=kube-proxy");
    return pods.map(({ spec }) => spec.containers.some(({ volumeMounts }) => volumeMounts.some(isModules)));
  }

  async function choose(wanted: string, modeSwitch?: object): Promise<void> {
    mode = wanted;
    await at.rig.scenario.stack.setConfig({ configuration: { mode }, modeSwitch });
  }

  async function assertWell(): Promise<void> {
    await at.rig.assertWell("initial");
    const configuration = await kubectl("get", "cm", "kube-proxy", "-o", "jsonpath={.data.config\\.conf}");
    assert.match(configuration, new RegExp(`^mode: "?${mode}"?$`, "m"));
    assert.deepEqual(await helpers(), {});
  }

  /** Sets ipvs again, with the confirmation where pods run in the new mode already. */
  async function goBack(): Promise<boolean> {
    const from = mode;
    const { stack } = at.rig.scenario;
    await choose("ipvs");
    const { ok, output } = await stack.preview();
    if (!ok) {
      assert.match(output, new RegExp(`set confirmModeSwitch to "${from} to ipvs"`));
      await stack.setConfig({ confirmModeSwitch: `${from} to ipvs` });
    }
    await at.rig.scenario.up();
    await stack.setConfig({ confirmModeSwitch: undefined });
    await assertWell();
    return !ok;
  }

  /** Interrupts a switch, has a plain `up` end it, and goes back. */
  async function interrupted(to: string, work: () => Promise<unknown>, modeSwitch?: object): Promise<void> {
    await choose(to, modeSwitch);
    await work();
    await at.rig.scenario.up();
    await assertWell();
    assert.ok(await goBack());
  }

  const callsOf: Record<string, readonly Call[]> = {};
  for (const [to, faults, parts] of [
    ["nftables", ["refuse", "cut"], { middle: 0.6, end: 0.9 }],
    ["iptables", ["cut"], { end: 0.8 }],
  ] as const) {
    test(`for ${to}, not at all: counted before a kube-proxy or ipvs is touched, and cleared`, async () => {
      await choose(to);
      const seen: Record<string, Record<string, number>> = {};
      at.rig.onCall(async ({ name }) => {
        if (name === configMap || name === daemonSet) seen[name] ??= await helpers();
      });
      let output = "";
      callsOf[to] = await at.rig.callsOf(async () => ({ output } = await at.rig.scenario.up()));
      at.rig.onCall(() => undefined);
      const beside = to === "nftables" ? { nftables: 3 } : {};
      assert.deepEqual(seen, { [configMap]: beside, [daemonSet]: beside });
      assert.match(output, /Drained: ipvs carries no connection any more[^]*Cleared: 3 nodes/);
      const drained = output.indexOf("Drained: ");
      assert.equal(drained < output.indexOf("kube-proxy-daemon-set updating"), to === "nftables", output);
      await assertWell();
      assert.ok(await goBack());
    });

    for (const fault of faults) {
      test(`for ${to}, at each write, by ${fault}`, async () => {
        await interrupted(to, async () => {
          const writes = new Set((callsOf[to] ?? []).filter((call) => call.writes).map(({ name }) => name));
          await at.rig.interrupt("up", fault, [...writes].filter(isOnce));
        });
      });
    }

    for (const [part, fraction] of Object.entries(parts)) {
      test(`for ${to}, killed, in the ${part}`, async () => {
        await interrupted(to, async () => {
          const due = Math.ceil((callsOf[to] ?? []).length * fraction);
          let seen = 0;
          await at.rig.kill(() => (seen += 1) === due);
        });
      });
    }
  }

  let isPatched = false;
  /** Whether the API server has the changed DaemonSet for certain: something else is asked after it. */
  const isAfterDaemonSet = ({ name }: Call): boolean => {
    if (name !== daemonSet) return isPatched;
    isPatched = true;
    return false;
  };
  const isCounting = async () => "counting" in (await helpers());
  const steps: Record<string, (call: Call) => boolean | Promise<boolean>> = {
    "while connections were counted": isCounting,
    "when the ConfigMap was changed": ({ name }) => name === configMap,
    "when the DaemonSet was changed": isAfterDaemonSet,
  };
  for (const [when, isDue] of Object.entries(steps)) {
    test(`given up, after it was killed ${when}: confirmed where a pod may run in the new mode`, async () => {
      await choose("nftables");
      assert.ok(await at.rig.kill(isDue, 100));
      assert.equal(await goBack(), when.includes("DaemonSet"));
    });
  }

  test("stopped by what ipvs carries: no kube-proxy is touched, and it can be given up", async () => {
    const { cluster, stack } = at.rig.scenario;
    const untouched = [await cluster.daemonSets(), await cluster.pods()]
      .flat()
      .map(({ metadata }) => metadata.uid);
    await choose("nftables", stop);
    const { ok, output } = await stack.up();
    assert.ok(!ok);
    assert.match(output, /draining ipvs; no kube-proxy was touched, and the helpers stay:/);
    for (const node of [1, 2, 3])
      assert.match(output, new RegExp(`ipvs on node-000${node}: carries 3 connections`));
    assert.deepEqual(await helpers(), { nftables: 3 });
    const config = loadCluster({ kubeconfig: at.lab.kubeconfig }, {});
    const diagnosis = await examine(config, { deadlineMs: 60_000 });
    assert.equal(diagnosis.helpers.length, 3);
    assert.match(
      formatDiagnosis(diagnosis, ""),
      /has not ended: 3 of its pods are there, kube-proxy-\w+-nftables on /,
    );
    assert.equal(await goBack(), false);
    assert.deepEqual(
      [await cluster.daemonSets(), await cluster.pods()].flat().map(({ metadata }) => metadata.uid),
      untouched,
    );
  });

  test("stopped, and then cut: what is cut is named", async () => {
    await choose("nftables", stop);
    assert.ok(!(await at.rig.scenario.stack.up()).ok);
    const { output } = await at.rig.scenario.up({ modeSwitch: { ...stop, onDeadline: "cut" } });
    assert.match(
      output,
      /Cut, as modeSwitch says: node-0001 3 connections; node-0002 3 connections; node-0003 3/,
    );
    await assertWell();
    assert.ok(await goBack());
  });

  test("while a node joins and another one restarts: each has a helper before a kube-proxy is replaced", async () => {
    await choose("nftables", { ...stop, drain: "5s", onDeadline: "cut" });
    let [hasChanged, seen] = [false, {}];
    at.rig.onCall(async ({ name }) => {
      if (name === daemonSet) seen = await helpers();
      // Of calls side by side only one finds it so.
      if (!("counting" in (await helpers())) || hasChanged) return;
      hasChanged = true;
      const [pod] = (await at.rig.scenario.cluster.pods()).filter(
        ({ spec }) => spec.nodeName === "node-0001",
      );
      await kubectl("delete", "pod", pod?.metadata.name ?? "");
      await setNodes(at.lab, 4);
    });
    const { output } = await at.rig.scenario.up();
    at.rig.onCall(() => undefined);
    assert.ok(hasChanged, output);
    assert.deepEqual(seen, { nftables: 4 }, output);
    await assertWell();
    assert.ok(await goBack());
    await setNodes(at.lab, 3);
    await eventually("three pods", async () => (await at.rig.scenario.cluster.pods()).length === 3);
  });

  test("kept, and then cleared, at each write", async () => {
    await choose("nftables", { onDeadline: "keep", image: busyImage });
    await at.rig.interrupt("up", "cut", [configMap, daemonSet]);
    await at.rig.scenario.up();
    await assertWell();
    assert.deepEqual(await seeModules(), [false, false, false]);
    const { output } = await at.rig.scenario.stack.preview();
    assert.match(output, /kube-proxy keeps ipvs beside mode nftables/);

    await choose("nftables");
    await at.rig.interrupt("up", "cut", [daemonSet]);
    await at.rig.scenario.up();
    await assertWell();
    assert.deepEqual(await seeModules(), [true, true, true]);
    assert.ok(await goBack());
  });

  test("by one pool, for weeks, and then by the other one", async () => {
    await kubectl("label", "node", "node-0003", "pool=last");
    const [first, last] = [
      { name: "first", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["last"] }] },
      { name: "last", nodeSelector: { pool: "last" } },
    ];
    const modes = async () => {
      const sets = ["kube-proxy-first", "kube-proxy-last"].map((name) =>
        kubectl("get", "cm", name, "-o", "jsonpath={.data.config\\.conf}"),
      );
      return (await Promise.all(sets)).map((text) => /^mode: "?(\w*)"?$/m.exec(text)?.[1]);
    };
    const { stack } = at.rig.scenario;
    await choose("ipvs");
    await at.rig.scenario.up({ pools: [first, last] });
    const { output } = await at.rig.scenario.up({
      pools: [{ ...first, configuration: { mode: "nftables" } }, last],
    });
    assert.match(output, /Cleared: /);
    assert.deepEqual(await modes(), ["nftables", "ipvs"]);
    for (const token of ["a week later", "another week later"]) {
      const quiet = await stack.preview();
      assert.ok(quiet.ok && !/switches|keeps ipvs/.test(quiet.output), quiet.output);
      const restarted = await at.rig.scenario.up({ restart: token });
      assert.doesNotMatch(restarted.output, /Prepared|Drained|Cleared/);
      assert.deepEqual(await modes(), ["nftables", "ipvs"]);
      assert.deepEqual(await helpers(), {});
    }
    await at.rig.scenario.up({ configuration: { mode: "nftables" }, pools: [first, last] });
    assert.deepEqual(await modes(), ["nftables", "nftables"]);
    assert.deepEqual(await helpers(), {});
  });
});

/** What the tests look at of a pod's spec. */
interface Mounting {
  readonly containers: readonly { readonly volumeMounts: readonly { readonly mountPath: string }[] }[];
}

function isModules({ mountPath }: { readonly mountPath: string }): boolean {
  return mountPath === "/lib/modules";
}
