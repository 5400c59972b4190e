import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { loadCluster } from "../../components/cluster/client.ts";
import { configHash } from "../../components/kubeadm/manifests.ts";
import { immutableName } from "../../components/plan/immutable.ts";
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
    const deletions: Promise<string>[] = [];
    const stop = await followPods<Mounting>(loadCluster({ kubeconfig: at.lab.kubeconfig }, {}), {
      see: (_, pod) => {
        seen.push(pod);
        const old = seen.find((one) => mountOf(one) === first && one.spec.nodeName === lastNode);
        // The first new pod: the roll has begun, and not reached this node.
        if (mountOf(pod) !== first && deletions.length === 0 && old !== undefined)
          deletions.push(kubectl("delete", "pod", old.metadata.name, "--wait=false"));
      },
      lose: () => undefined,
    });
    const lastNode = (await pods()).at(-1)?.spec.nodeName;
    await rolls({ ...number(2), updateStrategy: { rollingUpdate: { maxUnavailable: "1" } } });
    await stop();
    assert.equal((await Promise.all(deletions)).length, 1, "a pod was deleted in the middle");
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

  test("as many earlier ones stay as configHistory says", async () => {
    const names = [first, second];
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
    await promisify(execFile)(process.execPath, args);
    assert.deepEqual(await mounts(), [name]);
    assert.equal(await inForce(), name);
    await rolls({});
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

  test("destroy leaves nothing", async () => {
    await scenario.destroy();
    assert.deepEqual(await immutables(), []);
    assert.deepEqual(await scenario.cluster.fingerprint(), []);
  });
});
