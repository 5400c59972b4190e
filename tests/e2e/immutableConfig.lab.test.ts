import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { loadCluster } from "../../components/cluster/client.ts";
import { configHash } from "../../components/kubeadm/manifests.ts";
import { immutableName } from "../../components/plan/immutable.ts";
import { verify } from "../../components/cluster/verify/index.ts";
import { Operator } from "../rbac/operator.ts";
import { type Right, rightsIn, wordsOf } from "../rbac/rights.ts";
import { followPods } from "../cluster/followPods.ts";
import { changesOf, type LivePod, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 12;

interface LiveConfigMap {
  metadata: { name: string; labels: Record<string, string> };
  immutable?: boolean;
  data: { "config.conf": string; "kubeconfig.conf": string };
}

interface Mounting extends LivePod {
  spec: LivePod["spec"] & { volumes: { name: string; configMap?: { name: string } }[] };
}

const fast = { rollingUpdate: { maxUnavailable: "100%" } };

/** A configuration that differs from others by a number alone. */
const number = (qps: number) => ({ configuration: { clientConnection: { qps } } });

suite("immutable configurations, each named by what it holds", () => {
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-immutable-"));
  const at = useLab({ name: "e2e-immutable", nodes, kubeadm: true });
  let scenario: Scenario;
  before(async () => {
    scenario = await at.open({
      ...{ kubernetesVersion: "", controlPlaneEndpoint: "", podSubnet: "" },
      ...{ adopt: true, immutableConfig: true, snapshotFolder: folder },
      updateStrategy: fast,
    });
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const kubectl = (...args: string[]) => scenario.cluster.kubectl(args);
  const items = async <T>(...args: string[]) =>
    (JSON.parse(await kubectl("get", ...args, "-o", "json")) as { items: T[] }).items;
  const immutables = async () => {
    const all = await items<LiveConfigMap>("configmaps", "-l", "kube-proxy/config=immutable");
    for (const { metadata, immutable, data } of all) {
      assert.equal(immutable, true);
      assert.equal(metadata.name, immutableName(data));
    }
    return all.map(({ metadata: { name } }) => name).sort();
  };
  const own = async () =>
    JSON.parse(await kubectl("get", "configmap", "kube-proxy", "-o", "json")) as LiveConfigMap;
  const pods = () => items<Mounting>("pods", "-l", "k8s-app=kube-proxy");
  const mountOf = ({ spec }: Mounting) =>
    spec.volumes.find(({ name }) => name === "kube-proxy")?.configMap?.name;
  const mounts = async () => [...new Set((await pods()).map(mountOf))].sort();
  const uids = async () => (await pods()).map(({ metadata }) => metadata.uid).sort();
  const generation = async () => (await scenario.cluster.daemonSet())?.metadata.generation ?? 0;
  const settled = async () => {
    const preview = await scenario.stack.preview();
    assert.ok(preview.ok, preview.output);
    assert.deepEqual(changesOf(preview), [], preview.output);
  };

  /** An `up` that rolls all pods once: one more template, in the same DaemonSet, and each pod new. */
  const rolls = async (config: Record<string, unknown>) => {
    const [uid, count, running] = [
      (await scenario.cluster.daemonSet())?.metadata.uid,
      await generation(),
      await uids(),
    ];
    const result = await scenario.up(config);
    assert.equal((await scenario.cluster.daemonSet())?.metadata.uid, uid, "it is not replaced");
    assert.equal(await generation(), count + 1, "the template changes once");
    assert.deepEqual(
      (await uids()).filter((one) => running.includes(one)),
      [],
    );
    await settled();
    return result;
  };
  const keeps = async (config: Record<string, unknown>) => {
    const running = await uids();
    const result = await scenario.up(config);
    assert.deepEqual(await uids(), running);
    await settled();
    return result;
  };
  /** What the pods mount is what is in force, and ConfigMap kube-proxy holds the same. */
  const inForce = async () => {
    const name = immutableName((await own()).data);
    assert.deepEqual(await mounts(), [name]);
    assert.ok((await immutables()).includes(name));
    return name;
  };

  let first: string;
  let second: string;
  let newest: string;

  test("a kube-proxy of kubeadm's is taken over with one restart of each pod", async () => {
    const preview = await scenario.stack.preview();
    assert.match(preview.output, /restart once|immutableConfig: the pods, in place/);
    await rolls({});
    first = await inForce();
    assert.deepEqual(await immutables(), [first]);
  });

  test("a new token replaces the DaemonSet, and no ConfigMap", async () => {
    const { steps } = await scenario.up({ restart: "first" });
    assert.ok(steps.some(({ op, name }) => op === "create-replacement" && name === "kube-proxy-daemon-set"));
    assert.deepEqual(
      steps.filter(({ op, type }) => op !== "same" && type.endsWith(":ConfigMap")),
      [],
    );
    assert.equal(await inForce(), first);
    await settled();
  });

  test("a changed configuration is another ConfigMap, to which pods roll, while one that starts gets what it mounts", async () => {
    const seen: Mounting[] = [];
    const old = (await pods()).map(({ metadata }) => metadata.name);
    let deletion: Promise<string> | undefined;
    const stop = await followPods<Mounting>(loadCluster({ kubeconfig: at.lab.kubeconfig }, {}), {
      see: (_, pod) => {
        seen.push(pod);
        // The first new pod: the roll has begun, and has not reached all of the others.
        if (mountOf(pod) !== first)
          deletion ??= kubectl("delete", "pod", ...old.slice(2), "--ignore-not-found", "--wait=false");
      },
      lose: () => undefined,
    });
    try {
      await rolls({ ...number(2), updateStrategy: { rollingUpdate: { maxUnavailable: "1" } } });
    } finally {
      await stop();
    }
    assert.match((await deletion) ?? "", /deleted/, "pods were deleted in the middle");
    second = await inForce();
    assert.notEqual(second, first);
    assert.deepEqual(await immutables(), [first, second].sort());
    assert.deepEqual([...new Set(seen.map(mountOf))].sort(), [first, second].sort());
    for (const pod of seen) {
      const hash = pod.metadata.annotations?.["kube-proxy/config-hash"] ?? "";
      assert.equal(mountOf(pod), `kube-proxy-${hash.slice("sha256:".length, "sha256:".length + 10)}`);
    }
  });

  test("configHash goes back in one rollout, and forward in another", async () => {
    const hash = first.replace("kube-proxy-", "");
    await rolls({ configHash: hash, updateStrategy: fast });
    assert.equal(await inForce(), first);
    await rolls({ configHash: "" });
    assert.equal(await inForce(), second);
    assert.deepEqual(await immutables(), [first, second].sort());
  });

  test("kubectl rollout undo has what it needs; configHash keeps it", async () => {
    await kubectl("rollout", "undo", "daemonset/kube-proxy");
    await kubectl("rollout", "status", "daemonset/kube-proxy", "--timeout=60s");
    assert.deepEqual(await mounts(), [first]);
    await keeps({ configHash: configHash(await contentOf(first)) });
    assert.equal(await inForce(), first);
    await rolls({ configHash: "" });
  });

  const contentOf = async (name: string) =>
    (JSON.parse(await kubectl("get", "configmap", name, "-o", "json")) as LiveConfigMap).data;

  test("a switch between modes goes by what is mounted, and by configHash", async () => {
    const { output } = await rolls({ configuration: { mode: "nftables" } });
    assert.match(output, /switches from mode iptables to nftables, in three steps/);
    newest = await inForce();
    const back = await rolls({ configHash: second.replace("kube-proxy-", "") });
    assert.match(back.output, /switches from mode nftables to iptables, in three steps/);
    assert.equal(await inForce(), second);
    await keeps({ ...number(2), configHash: "" });
  });

  test("as many earlier ones stay as configHistory says", async () => {
    const names = [first, second, newest];
    for (const qps of [3, 4]) {
      await rolls({ ...number(qps), configHistory: 2 });
      names.push(await inForce());
    }
    assert.deepEqual(await immutables(), names.slice(-3).sort());
    await keeps({ configHistory: 1 });
    assert.deepEqual(await immutables(), names.slice(-2).sort());
    await keeps({ configHistory: undefined });
  });

  test("a hash that is not kept is refused, with those that are", async () => {
    await scenario.stack.setConfig({ configHash: first.replace("kube-proxy-", "") });
    const { ok, output } = await scenario.stack.preview();
    assert.equal(ok, false);
    for (const name of await immutables()) {
      const hash = configHash(await contentOf(name));
      assert.match(output, new RegExp(`${hash} of \\d{4}-\\d\\d-\\d\\dT[\\d:]+Z`));
    }
    await scenario.stack.setConfig({ configHash: "" });
  });

  test("one that somebody deletes is made again, and no pod restarts", async () => {
    const name = await inForce();
    await kubectl("delete", "configmap", name);
    const preview = await scenario.stack.preview();
    assert.match(preview.output, new RegExp(`ConfigMap ${name}, which DaemonSet kube-proxy mounts, is gone`));
    await keeps({});
    assert.equal(await inForce(), name);
  });

  test("an operator has what it takes with docs/rbac, and is told beforehand which right is missing", async () => {
    const reading = rightsIn("immutable.yaml", ["-immutable", "-waiting"]);
    const operatorWith = async (name: string, rights: readonly Right[]) => {
      const operator = await Operator.create(at.lab, name);
      await operator.may(rights);
      return operator;
    };
    const up = ["up.yaml", "checks.yaml", "immutable.yaml"].flatMap((file) => rightsIn(file));
    const operator = await operatorWith("up", up);
    // Always one path, with the rights of whoever has it: the CLI refreshes by the kubeconfig that its state names.
    const kubeconfig = join(folder, "kubeconfig");
    copyFileSync(operator.kubeconfig, kubeconfig);
    try {
      await rolls({ ...number(10), kubeconfig });

      const missing = up.find((right) => wordsOf(right) === "delete configmaps in kube-system");
      await operator.may(up, missing);
      await scenario.stack.setConfig(number(11));
      const { ok, output } = await scenario.stack.up();
      assert.equal(ok, false);
      assert.match(
        output,
        /rights: your user: may not delete configmaps in kube-system, which this update needs/,
      );

      // The CLI keeps what the component was given in an update that is refused: another one settles that.
      await operator.may(up);
      await scenario.up(number(10));

      const previewing = await operatorWith("preview", [
        ...["preview.yaml", "checks.yaml"].flatMap((file) => rightsIn(file)),
        ...reading,
      ]);
      copyFileSync(previewing.kubeconfig, kubeconfig);
      await settled();

      const verifying = await operatorWith("verify", [...rightsIn("verify.yaml"), ...reading]);
      const { nodes: results } = await verify(verifying.config, {}, { deadlineMs: 20_000 });
      assert.deepEqual([...new Set(results.map(({ verdict }) => verdict))], ["verified"]);
    } finally {
      copyFileSync(at.lab.kubeconfig, kubeconfig);
    }
  });

  test("a snapshot has the one that is mounted, and a restore brings it back", async () => {
    const name = await inForce();
    await rolls(number(5));
    const snapshot = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".yaml"))
      .sort()
      .at(-1);
    await scenario.up({ ...number(6), configHistory: 1 });
    assert.ok(!(await immutables()).includes(name), "it has fallen out of the history");
    const command = join(import.meta.dirname, "..", "..", "commands", "restore.ts");
    const args = [command, join(folder, snapshot ?? ""), "--kubeconfig", at.lab.kubeconfig];
    // The second time it is still there, and no pod mounts it.
    for (const time of ["first", "second"]) {
      await promisify(execFile)(process.execPath, args);
      assert.deepEqual(await mounts(), [name], time);
      assert.equal(await inForce(), name);
      await rolls({});
    }
  });

  test("a file beside the configuration is refused as long as pods mount it", async () => {
    await rolls({ immutableConfig: false });
    assert.deepEqual([await mounts(), await immutables()], [["kube-proxy"], []]);
    await kubectl("patch", "configmap", "kube-proxy", "--type=merge", "-p", '{"data":{"more.conf":"x"}}');
    await scenario.stack.setConfig({ immutableConfig: true });
    const { ok, output } = await scenario.stack.preview();
    assert.equal(ok, false);
    assert.match(output, /immutableConfig: true is not accepted; .*more\.conf/);
    await kubectl("patch", "configmap", "kube-proxy", "--type=merge", "-p", '{"data":{"more.conf":null}}');
    await rolls({});
    await inForce();
  });

  const destroyed = async () => {
    await scenario.destroy();
    assert.deepEqual(await immutables(), []);
    assert.deepEqual(await scenario.cluster.fingerprint(), []);
  };

  test("destroy leaves nothing", destroyed);

  suite("with pools", () => {
    const label = "example.com/pool";
    const pools = [
      { name: "canary", nodeSelector: { [label]: "canary" } },
      { name: "rest", matchExpressions: [{ key: label, operator: "NotIn", values: ["canary"] }] },
    ];
    const mountsOf = async (pool: string) => {
      const all = await items<Mounting>("pods", "-l", `kube-proxy/pool=${pool}`);
      return [...new Set(all.map(mountOf))];
    };
    const inPools = async () => [await mountsOf("canary"), await mountsOf("rest")];

    test("kube-proxy is provisioned, and all pools mount the same where they have the same", async () => {
      await kubectl("label", "node", "node-0001", `${label}=canary`);
      await scenario.up({ ...number(1), pools, controlPlaneEndpoint: "192.0.2.10:6443", configHistory: 1 });
      first = immutableName((await own()).data);
      assert.deepEqual(await inPools(), [[first], [first]]);
      assert.deepEqual(await immutables(), [first]);
      await settled();
    });

    test("an update that pauses leaves what the later ones mount, for pods that start meanwhile", async () => {
      await scenario.up({ ...number(2), pause: 1 });
      second = immutableName((await own()).data);
      assert.deepEqual(await inPools(), [[second], [first]]);
      const [pod] = await items<Mounting>("pods", "-l", "kube-proxy/pool=rest");
      await kubectl("delete", "pod", pod?.metadata.name ?? "");
      await kubectl("rollout", "status", "daemonset/kube-proxy-rest", "--timeout=60s");
      assert.deepEqual(await inPools(), [[second], [first]]);
      assert.deepEqual(await immutables(), [first, second].sort());
      await scenario.up({});
      assert.deepEqual(await inPools(), [[second], [second]]);
      await settled();
    });

    test("configHash goes back in all of them", async () => {
      await scenario.up({ configHash: first.replace("kube-proxy-", ""), pause: undefined });
      assert.deepEqual(await inPools(), [[first], [first]]);
      await settled();
    });

    test("on the way back to their own ConfigMaps it is the same", async () => {
      await scenario.up({ configHash: "", pause: 1, immutableConfig: false });
      assert.deepEqual(await inPools(), [["kube-proxy-canary"], [first]]);
      assert.deepEqual(await immutables(), [first]);
      await scenario.up({});
      assert.deepEqual(await inPools(), [["kube-proxy-canary"], ["kube-proxy-rest"]]);
      assert.deepEqual(await immutables(), []);
      await settled();
    });

    test("destroy leaves nothing", destroyed);
  });
});
