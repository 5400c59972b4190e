/** Pools that change, on a real control plane: the command makes room, and DaemonSets as the program makes them follow. */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { loadCluster } from "../../components/cluster/client.ts";
import { type WantedDaemonSet } from "../../components/cluster/handover.ts";
import { layoutAnnotation, poolLabel } from "../../components/pools/waves.ts";
import { templateGenerationAnnotation } from "../../components/restart/restart.ts";
import { down, kubectl, type Lab, up } from "../../lab/index.ts";
import { PodWatch } from "./watchPods.ts";

const name = "cluster-layout";
const nodes = 12;
const command = join(import.meta.dirname, "..", "..", "commands", "layout.ts");

/** Pools by the zones of their nodes; the last one has all others. */
type Pools = Readonly<Record<string, readonly string[]>>;

const whole: readonly WantedDaemonSet[] = [{ daemonSet: "kube-proxy", placement: {} }];

function cut(layout: string, pools: Pools): WantedDaemonSet[] {
  const others = Object.values(pools).flat();
  const wanted = (pool: string, operator: string, values: readonly string[]): WantedDaemonSet => {
    const nodeSelectorTerms = [{ matchExpressions: [{ key: "zone", operator, values: [...values] }] }];
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
    return { daemonSet: `kube-proxy-${pool}`, pool, layout, placement: { affinity: { nodeAffinity } } };
  };
  return [
    ...Object.entries(pools).map(([pool, zones]) => wanted(pool, "In", zones)),
    wanted("rest", "NotIn", others),
  ];
}

const antiAffinity = {
  requiredDuringSchedulingIgnoredDuringExecution: [
    { labelSelector: { matchLabels: { "k8s-app": "kube-proxy" } }, topologyKey: "kubernetes.io/hostname" },
  ],
};
let generation = 0;

/** A DaemonSet as the program makes it, as far as it matters to its controller and the scheduler. */
function daemonSet({ daemonSet, pool, layout, placement }: WantedDaemonSet): object {
  const labels = { "k8s-app": "kube-proxy", ...(pool !== undefined && { [poolLabel]: pool }) };
  generation += 1;
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: {
      name: daemonSet,
      labels,
      annotations: {
        "kube-proxy/restart": "initial",
        ...(layout !== undefined && { [layoutAnnotation]: layout }),
        [templateGenerationAnnotation]: String(generation * 65536),
      },
    },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { rollingUpdate: { maxUnavailable: 2 } },
      template: {
        metadata: { labels },
        spec: {
          ...placement,
          affinity: { ...placement.affinity, ...(pool !== undefined && { podAntiAffinity: antiAffinity }) },
          hostNetwork: true,
          priorityClassName: "system-node-critical",
          tolerations: [{ operator: "Exists" }],
          containers: [{ name: "kube-proxy", image: "registry.example.com/kube-proxy:v1" }],
        },
      },
    },
  };
}

/** As sig-windows-tools makes it: its own label is kube-proxy's, its pods' label is not. */
const windowsDaemonSet = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "kube-proxy-windows", labels: { "k8s-app": "kube-proxy" } },
  spec: {
    selector: { matchLabels: { "k8s-app": "kube-proxy-windows" } },
    template: {
      metadata: { labels: { "k8s-app": "kube-proxy-windows" } },
      spec: {
        nodeSelector: { "kubernetes.io/os": "windows" },
        containers: [{ name: "kube-proxy", image: "registry.example.com/kube-proxy:v1-windows" }],
      },
    },
  },
};

suite("another layout of pools", () => {
  let lab: Lab;
  let pods: PodWatch;
  let zones: ReadonlyMap<string, string>;

  before(async () => {
    lab = await up({ name, nodes });
    const names = Array.from({ length: nodes }, (_, index) => `node-${String(index + 1).padStart(4, "0")}`);
    zones = new Map(names.map((node, index) => [node, "abc"[index % 3] ?? ""]));
    for (const zone of "abc") {
      const here = names.filter((node) => zones.get(node) === zone);
      await kube(["label", "nodes", ...here, `zone=${zone}`]);
    }
    await kube(["create", "-f", "-"], JSON.stringify(windowsDaemonSet));
    pods = await PodWatch.start(loadCluster({ kubeconfig: lab.kubeconfig }, {}));
  });
  after(async () => {
    await pods.stop();
    await down(name);
  });

  async function kube(args: string[], stdin = ""): Promise<string> {
    const { code, stdout, stderr } = await kubectl(lab, ["-n", "kube-system", ...args], { stdin });
    assert.equal(code, 0, `kubectl ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  function start(wanted: readonly WantedDaemonSet[]): ChildProcessWithoutNullStreams {
    const env = { PATH: process.env["PATH"], KUBE_PROXY_KUBECONFIG: lab.kubeconfig };
    const child = spawn(process.execPath, [command, "layout"], { env, stdio: "pipe" });
    child.stdin.end(JSON.stringify(wanted));
    return child;
  }

  async function run(wanted: readonly WantedDaemonSet[]) {
    const { stdout, stderr, code } = await ended(start(wanted));
    assert.doesNotMatch(stderr, /^\s+at /m);
    return { stdout, stderr, code };
  }

  async function makeRoom(wanted: readonly WantedDaemonSet[]): Promise<string> {
    const { stdout, stderr, code } = await run(wanted);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  /** As Pulumi does when the room is made: first all are made, then awaited. */
  async function create(wanted: readonly WantedDaemonSet[]): Promise<void> {
    for (const one of wanted) await kube(["create", "-f", "-"], JSON.stringify(daemonSet(one)));
    for (const one of wanted) {
      await kube(["rollout", "status", `daemonset/${one.daemonSet}`, "--timeout=120s"]);
    }
  }

  const uids = () => [...pods.pods.keys()].sort();
  const poolOf = (node: string | undefined, pools: Pools): string =>
    Object.entries(pools).find(([, zoned]) => zoned.includes(zones.get(node ?? "") ?? ""))?.[0] ?? "rest";
  const versions = () =>
    kube(["get", "daemonsets,pods", "-o", "jsonpath={.items[*].metadata.resourceVersion}"]);

  /** Keeps a pod from being gone, until it has none. */
  const slow = ["example.com/slow"];
  const setFinalizers = (pod: string, finalizers: readonly string[]) =>
    kube(["patch", "pod", pod, "--type=merge", "-p", JSON.stringify({ metadata: { finalizers } })]);

  /** Lets a pod end when a command that does not wait for that would be done. */
  async function endLate(pod: string): Promise<void> {
    await pods.until("all others belong to nobody", ({ pods }) =>
      [...pods.values()].every(
        ({ metadata }) => metadata.name === pod || metadata.ownerReferences === undefined,
      ),
    );
    await sleep(3000);
    await setFinalizers(pod, []);
  }

  /** Moves to another layout; each pod goes to the DaemonSet of its node alone, and is replaced by it. */
  async function move(wanted: readonly WantedDaemonSet[], nextOwner: (node: string | undefined) => string) {
    const old = new Map(pods.pods);
    const output = await makeRoom(wanted);
    assert.deepEqual(uids(), [...old.keys()].sort(), "the command stops no pod");
    assert.deepEqual(
      [...old.keys()].filter((uid) => pods.deleted.has(uid)),
      [],
    );
    await create(wanted);
    await pods.until(
      "every pod is new",
      ({ pods }) => pods.size === nodes && [...pods.keys()].every((uid) => !old.has(uid)),
    );
    for (const [uid, { spec }] of old) {
      assert.deepEqual(pods.owners.get(uid)?.slice(-2), ["", nextOwner(spec.nodeName)], spec.nodeName);
    }
    for (const { spec, metadata } of pods.pods.values()) {
      assert.deepEqual(pods.owners.get(metadata.uid), [nextOwner(spec.nodeName)]);
    }
    assert.deepEqual(pods.pairs, [], "never two on one node");
    return output;
  }

  const toPools = (pools: Pools) => (node: string | undefined) => `kube-proxy-${poolOf(node, pools)}`;

  test("nothing is there yet: nothing is changed", async () => {
    assert.match(await makeRoom(whole), /^No other DaemonSet is in the way: nothing was changed\n$/);
    await create(whole);
  });

  test("one to several, a node to another pool, several to one: no pod is stopped but by its own DaemonSet", async () => {
    const first: Pools = { canary: ["a"] };
    assert.deepEqual((await move(cut("1", first), toPools(first))).trim().split("\n"), [
      "DaemonSet kube-proxy: deleted; its pods go on",
      "Pool canary: 4 pods handed over",
      "Pool rest: 8 pods handed over",
    ]);
    const second: Pools = { canary: ["b"], other: ["a"] };
    await move(cut("2", second), toPools(second));
    assert.deepEqual((await move(whole, () => "kube-proxy")).trim().split("\n"), [
      "DaemonSet kube-proxy-canary: deleted; its pods go on",
      "DaemonSet kube-proxy-other: deleted; its pods go on",
      "DaemonSet kube-proxy-rest: deleted; its pods go on",
    ]);
  });

  test("a second run, and one for what is there already, change nothing", async () => {
    const before = await versions();
    assert.match(await makeRoom(whole), /nothing was changed/);
    assert.equal(await versions(), before);
  });

  test("somebody else's DaemonSet is refused and nothing is changed; one for Windows nodes is not in the way", async () => {
    const other = { daemonSet: "kube-proxy-other", placement: { nodeSelector: { nobody: "here" } } };
    const { metadata, ...rest } = daemonSet(other) as { metadata: object };
    await kube(
      ["create", "-f", "-"],
      JSON.stringify({ ...rest, metadata: { ...metadata, annotations: {} } }),
    );
    await kube(["get", "daemonset", "kube-proxy-windows"]);
    const before = await versions();
    const { code, stderr } = await run(cut("3", { canary: ["a"] }));
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^1 problem in .*; nothing was changed:\n {2}DaemonSet kube-system\/kube-proxy-other: is in the way/,
    );
    assert.equal(await versions(), before);
    await kube(["delete", "daemonset", "kube-proxy-other"]);
  });

  test("killed between its steps, and within one, the next run finishes", async () => {
    const pools: Pools = { canary: ["a"] };
    const wanted = cut("3", pools);
    const inDeletion = start(wanted);
    await Promise.race([once(inDeletion.stdout, "data"), once(inDeletion, "close")]);
    inDeletion.kill("SIGKILL");
    await ended(inDeletion);

    const inLabels = start(wanted);
    await pods.until("a label", ({ pods }) =>
      [...pods.values()].some(({ metadata }) => metadata.labels[poolLabel] !== undefined),
    );
    inLabels.kill("SIGKILL");
    await ended(inLabels);
    await move(wanted, toPools(pools));
    const before = await versions();
    assert.match(await makeRoom(wanted), /nothing was changed/);
    assert.equal(await versions(), before);
  });

  test("a node whose labels move it to another pool waits for its old pod to end", async () => {
    const node = [...zones].find(([, zone]) => zone === "a")?.[0] ?? "";
    for (const zone of ["b", "a"]) {
      await kube(["label", "node", node, `zone=${zone}`, "--overwrite"]);
      const owner = zone === "a" ? "kube-proxy-canary" : "kube-proxy-rest";
      await pods.until(`${node} has a pod of ${owner}`, ({ pods }) =>
        [...pods.values()].some(
          ({ metadata, spec }) => spec.nodeName === node && metadata.ownerReferences?.[0]?.name === owner,
        ),
      );
    }
    assert.deepEqual(pods.pairs, []);
  });

  test("a node whose old pod is slow to end does not get a second one", async () => {
    const [pod] = pods.pods.values();
    assert.ok(pod);
    await setFinalizers(pod.metadata.name, slow);
    await kube(["delete", "pod", pod.metadata.name, "--wait=false"]);
    await Promise.all([makeRoom(whole).then(() => create(whole)), endLate(pod.metadata.name)]);
    assert.deepEqual(pods.pairs, []);
  });

  test("a pod whose node no DaemonSet is for is deleted", async () => {
    const old = [...pods.pods.values()];
    const [canary] = cut("4", { canary: ["a"] });
    assert.ok(canary);
    const output = await makeRoom([canary]);
    const others = old.filter(({ spec }) => poolOf(spec.nodeName, { canary: ["a"] }) === "rest");
    await pods.until("the others are gone", ({ pods }) => pods.size === nodes - others.length);
    for (const { metadata, spec } of others) {
      assert.ok(
        output.includes(`Pod ${metadata.name}: deleted; no DaemonSet is for its node ${spec.nodeName}`),
        output,
      );
    }
    await create([canary]);
    assert.deepEqual(pods.pairs, []);
  });

  test("a pod of a DaemonSet that is gone is awaited: the garbage collector deletes it", async () => {
    const missing = { apiVersion: "apps/v1", kind: "DaemonSet", name: "kube-proxy-old", uid: randomUUID() };
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: "kube-proxy-late",
        labels: { "k8s-app": "kube-proxy" },
        finalizers: slow,
        ownerReferences: [{ ...missing, controller: true }],
      },
      spec: {
        nodeName: [...zones].find(([, zone]) => zone === "b")?.[0],
        containers: [{ name: "kube-proxy", image: "registry.example.com/kube-proxy:v1" }],
      },
    };
    await kube(["create", "-f", "-"], JSON.stringify(pod));
    await Promise.all([makeRoom(whole).then(() => create(whole)), endLate("kube-proxy-late")]);
    assert.deepEqual(pods.pairs, []);
  });

  test("mistakes end with 2, before the cluster is asked", async () => {
    const cases: readonly [readonly string[], string, RegExp][] = [
      [[], "[]", /^layout: is required, and nothing else/],
      [["layout"], "", /^standard input: is not JSON/],
      [["layout"], "[]", /one DaemonSet or more/],
      [["layout"], '[{"daemonSet": "x", "pol": "y"}]', /\[0\]\.pol: unknown key; did you mean pool\?/],
    ];
    for (const [args, input, message] of cases) {
      const child = spawn(process.execPath, [command, ...args], { stdio: "pipe" });
      child.stdin.end(input);
      const { code, stderr, stdout } = await ended(child);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.equal(stdout, "");
    }
  });
});

/** What a command left behind, when it has ended. */
async function ended(child: ChildProcessWithoutNullStreams) {
  const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { stdout, stderr, code };
}
