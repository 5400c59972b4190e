import assert from "node:assert/strict";
import { after, before, beforeEach, suite, test } from "node:test";
import type { KubeConfig } from "@kubernetes/client-node";
import { loadCluster } from "../../../components/cluster/client.ts";
import { type ApiObject, idOf, nameOf } from "../../../components/cluster/objects.ts";
import { formatSnapshot, parseSnapshot, type Snapshot } from "../../../components/cluster/snapshot/format.ts";
import { readLive } from "../../../components/cluster/snapshot/live.ts";
import { restore } from "../../../components/cluster/snapshot/restore.ts";
import { strip } from "../../../components/cluster/snapshot/strip.ts";
import { controllerOf, listPods } from "../../../components/cluster/workload.ts";
import { poolLabel } from "../../../components/pools/waves.ts";
import { restartAnnotation } from "../../../components/restart/restart.ts";
import { down, kubectl, type Lab, neverReadyImage, up } from "../../../lab/index.ts";
import { eventually } from "../../e2e/scenario.ts";
import { PodWatch } from "../watchPods.ts";
import { type Pools, withPools } from "./pools.ts";

const nodes = 4;
const name = "snapshot-pools";

const [n1, n2, n3, n4] = ["node-0001", "node-0002", "node-0003", "node-0004"] as const;
const halves = { east: [n1, n2], west: [n3, n4] } satisfies Pools;

const kwok = "kwok.x-k8s.io/node";
const finalizers = (finalizers: string[] | null) => JSON.stringify({ metadata: { finalizers } });

suite("snapshot and restore of pools", () => {
  let lab: Lab;
  let config: KubeConfig;
  /** kubeadm's own objects, its DaemonSet as one that this program made. */
  let single: Snapshot;

  before(async () => {
    lab = await up({ name, nodes, kubeadm: true });
    config = loadCluster({ kubeconfig: lab.kubeconfig }, {});
    await kube(["annotate", "daemonset/kube-proxy", `${restartAnnotation}=initial`]);
    single = await snapshot();
  });
  after(() => down(name));
  beforeEach(async () => {
    await restoreFrom(single);
  });

  async function kube(args: string[], stdin = ""): Promise<string> {
    const { code, stdout, stderr } = await kubectl(lab, ["-n", "kube-system", ...args], { stdin });
    assert.equal(code, 0, `kubectl ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** What `npm run snapshot` keeps, read back. */
  async function snapshot(): Promise<Snapshot> {
    const { cluster, objects } = await readLive(config);
    const taken = { cluster, server: lab.server, time: new Date(0), objects: objects.map(strip) };
    return parseSnapshot(formatSnapshot(taken), "file");
  }

  async function restoreFrom(snapshot: Snapshot, timeoutMs = 60_000): Promise<string[]> {
    const lines: string[] = [];
    await restore(config, snapshot, { timeoutMs, log: (line) => lines.push(line) });
    return lines;
  }

  /** A restore, during which no node may ever have two kube-proxies, and one at a time may have none. */
  async function watched(work: () => Promise<unknown>): Promise<void> {
    const pods = await PodWatch.start(config);
    try {
      await work();
    } finally {
      await pods.stop();
    }
    assert.deepEqual(pods.pairs, []);
    // One at a time by the DaemonSets; their controller takes the next one before it has seen all of the last.
    assert.ok(pods.mostUnserved <= 2, `${pods.mostUnserved} of ${nodes} nodes were without a kube-proxy`);
  }

  const daemonSetsOf = ({ objects }: Snapshot) => objects.filter(({ kind }) => kind === "DaemonSet");
  const podUids = async () => (await listPods(config)).map(({ metadata }) => metadata.uid).sort();

  const resourceVersions = async () =>
    (await readLive(config)).objects.map(({ metadata }) => metadata["resourceVersion"]);

  async function isAs(expected: Snapshot): Promise<void> {
    assert.deepEqual(daemonSetsOf(await snapshot()), daemonSetsOf(expected));
    const pods = await listPods(config);
    assert.equal(pods.length, nodes);
    assert.equal(new Set(pods.map(({ spec }) => spec.nodeName)).size, nodes);
    assert.deepEqual(
      pods.filter((pod) => controllerOf(pod) === undefined),
      [],
    );
  }

  test("pools come back as they were, one after another, and a second restore changes nothing", async () => {
    const pools = withPools(single, halves);
    await restoreFrom(pools);
    assert.deepEqual(await snapshot(), pools);
    await kube(["delete", "daemonset,configmap", "-l", poolLabel]);
    const lines = await restoreFrom(pools);
    const written = lines.filter((line) => line.includes("kube-proxy-"));
    assert.deepEqual(written, [
      "ConfigMap kube-system/kube-proxy-east: created",
      "ConfigMap kube-system/kube-proxy-west: created",
      "DaemonSet kube-system/kube-proxy-east: created",
      "DaemonSet kube-system/kube-proxy-east: of 2 pods 2 are up to date and 2 available",
      "DaemonSet kube-system/kube-proxy-west: created",
      "DaemonSet kube-system/kube-proxy-west: of 2 pods 2 are up to date and 2 available",
    ]);
    await isAs(pools);

    const [uids, versions] = [await podUids(), await resourceVersions()];
    await restoreFrom(pools);
    assert.deepEqual(await podUids(), uids);
    assert.deepEqual(await resourceVersions(), versions);
  });

  test("a stranger's object with the pools' label is not in a snapshot", async () => {
    await kube(["create", "configmap", "strange"]);
    await kube(["label", "configmap/strange", `${poolLabel}=east`]);
    const names = (await snapshot()).objects.map((object) => nameOf(idOf(object)));
    await kube(["delete", "configmap/strange"]);
    assert.ok(!names.some((one) => one.includes("strange")), names.join());
  });

  const moves: readonly (readonly [string, Pools | undefined, Pools | undefined])[] = [
    ["from one DaemonSet to pools", undefined, halves],
    ["from pools to one DaemonSet", halves, undefined],
    ["to pools of other names", halves, { north: [n1, n4], south: [n2, n3] }],
    ["to pools of the same names on other nodes", halves, { east: [n3, n4, n1], west: [n2] }],
  ];
  const stateOf = (pools: Pools | undefined) => (pools === undefined ? single : withPools(single, pools));
  for (const [what, from, to] of moves) {
    test(`${what}: each node keeps one kube-proxy all the time`, async () => {
      await restoreFrom(stateOf(from));
      const old = await podUids();
      await watched(() => restoreFrom(stateOf(to)));
      await isAs(stateOf(to));
      const kept = (await podUids()).filter((uid) => old.includes(uid));
      assert.deepEqual(kept, [], "pods of the old DaemonSets passed for the new ones'");
    });
  }

  test("interrupted when the other DaemonSet was gone, the next restore ends as wanted", async () => {
    await kube(["delete", "daemonset/kube-proxy", "--cascade=orphan"]);
    await watched(() => restoreFrom(withPools(single, halves)));
    await isAs(withPools(single, halves));
  });

  test("a pool that does not come up ends it before the next one is touched", async () => {
    const pools = withPools(single, halves);
    await restoreFrom(pools);
    const west = await kube(["get", "daemonset/kube-proxy-west", "-o", "yaml"]);
    const text = formatSnapshot(pools).replaceAll(/image: .*kube-proxy:\S+/g, `image: ${neverReadyImage}`);
    await assert.rejects(restoreFrom(parseSnapshot(text, "file"), 1000), /kube-proxy-east: of 2 pods/);
    assert.equal(await kube(["get", "daemonset/kube-proxy-west", "-o", "yaml"]), west);
  });

  test("a snapshot from the middle of a change of pools leaves the others of it alone", async () => {
    const whole = withPools(single, halves);
    await restoreFrom(whole);
    const uids = await podUids();
    const isWest = ({ metadata }: ApiObject) => metadata.name === "kube-proxy-west";
    await restoreFrom({ ...whole, objects: whole.objects.filter((object) => !isWest(object)) });
    assert.deepEqual(await podUids(), uids);
    await isAs(whole);
  });

  test("a node that does not answer keeps none of the others waiting", async () => {
    await restoreFrom(withPools(single, halves));
    const pod = (await listPods(config)).find(({ spec }) => spec.nodeName === n1)?.metadata.name ?? "";
    const status = { conditions: [{ type: "Ready", status: "Unknown", reason: "NodeStatusUnknown" }] };
    // Without its annotation kwok plays this node no more, so that nobody makes it Ready again. Its pod cannot end.
    await kube(["annotate", "node", n1, `${kwok}-`]);
    await kube(["patch", "node", n1, "--subresource=status", "-p", JSON.stringify({ status })]);
    await kube(["patch", "pod", pod, "-p", finalizers(["example.com/stuck"])]);
    try {
      await kube(["delete", "daemonset", "-l", poolLabel]);
      await eventually("only its pod is left", async () => (await listPods(config)).length === 1);
      const lines = await restoreFrom(withPools(single, halves), 20_000);
      assert.match(lines.join("\n"), /kube-proxy-east: of 2 pods .*; nodes that are not Ready: 1\n/);
      assert.match(lines.at(-1) ?? "", /kube-proxy-west: of 2 pods 2 are up to date and 2 available$/);
    } finally {
      await kube(["patch", "pod", pod, "-p", finalizers(null)]);
      await kube(["annotate", "node", n1, `${kwok}=fake`]);
      await kube(["wait", "node", n1, "--for=condition=Ready", "--timeout=60s"]);
    }
  });

  test("two kube-proxies for a node, or none, are refused before anything is changed", async () => {
    const [uids, versions] = [await podUids(), await resourceVersions()];
    const cases: readonly (readonly [Pools, RegExp])[] = [
      [
        { east: [n1, n2], west: [n2, n3, n4] },
        /SNAPSHOT: \["node-0002"\] .* kube-proxy-east and kube-proxy-west select these/,
      ],
      [
        { east: [n1, n2], west: [n4] },
        /SNAPSHOT: \["node-0003"\] .* none selects these, whose kube-proxy would end/,
      ],
    ];
    for (const [pools, message] of cases) {
      await assert.rejects(restoreFrom(withPools(single, pools)), message);
    }
    assert.deepEqual(await podUids(), uids);
    assert.deepEqual(await resourceVersions(), versions);
  });

  test("a DaemonSet that somebody else made is left alone where nothing has to make room, and refused else", async () => {
    const foreign = withPools(single, { arm: ["another"] }).objects.at(-1);
    await kube(["create", "-f", "-"], JSON.stringify(foreign));
    await kube(["annotate", "daemonset/kube-proxy-arm", `${restartAnnotation}-`]);
    try {
      await restoreFrom(single);
      await assert.rejects(restoreFrom(withPools(single, halves)), /kube-proxy-arm: is in the way/);
      await kube(["get", "daemonset/kube-proxy-arm"]);
    } finally {
      await kube(["delete", "daemonset/kube-proxy-arm"]);
    }
    await isAs(single);
  });
});
