import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { stringify } from "yaml";
import { kubeadm } from "../../lab/index.ts";
import { run } from "../../lab/tools.ts";
import { allServe, uninstallKubeadms } from "./kubeadms.ts";
import { baseConfig, changesOf, Cluster, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 3;
const project = join(import.meta.dirname, "..", "..");

/** One setting of each kind: added to a list or a mapping, in place of kubeadm's, and in the configuration. */
const settings = {
  imageRepository: "registry.example.com/k8s",
  configuration: { iptables: { minSyncPeriod: "2s" } },
  tolerations: [{ key: "node-role.kubernetes.io/control-plane", operator: "Exists" }],
  resources: { requests: { cpu: "100m" } },
  env: [{ name: "GODEBUG", value: "x509sha1=1" }],
  extraArgs: ["--v=4"],
  nodeSelector: { "kubernetes.io/arch": "amd64" },
  podMetadata: { annotations: { "example.com/team": "net~work" } },
  volumes: [{ name: "logs", hostPath: { path: "/var/log" } }],
  volumeMounts: [{ name: "logs", mountPath: "/logs" }],
  livenessProbe: { httpGet: { path: "/healthz", port: 10256 } },
};

const restart = "2026-11-29, patched";

suite("kubeadm with the stack's settings as its own patch", () => {
  const at = useLab({ name: "e2e-kubeadm-patch", nodes, kubeadm: true });
  const folder = mkdtempSync(join(tmpdir(), "kubeadm-patch-"));
  let cluster: Cluster;
  let scenario: Scenario;
  before(async () => {
    cluster = new Cluster(at.lab);
    await uninstallKubeadms(cluster);
    scenario = await at.open();
    await scenario.up({ ...settings, restart });
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const pods = async () => (await cluster.pods()).map(({ metadata }) => metadata.uid).sort();
  const version = async () => {
    const metadata = (await cluster.daemonSet())?.metadata;
    return { uid: metadata?.uid, generation: metadata?.generation, annotations: metadata?.annotations };
  };
  const patched = async (more: object, args: readonly string[] = []): Promise<void> => {
    writeFileSync(join(folder, "Pulumi.yaml"), "name: kube-proxy\n");
    const config = Object.entries({ kubeconfig: at.lab.kubeconfig, ...baseConfig, ...settings, ...more });
    const file = { config: Object.fromEntries(config.map(([key, value]) => [`kube-proxy:${key}`, value])) };
    writeFileSync(join(folder, "Pulumi.e2e.yaml"), stringify(file));
    const command = [join(project, "commands", "render.ts"), "--kubeadm-patch", "patches", "--stack", "e2e"];
    const { code, stderr } = await run(
      { file: process.execPath, args: [...command, ...args], env: process.env, cwd: folder },
      {},
    );
    assert.equal(stderr, "");
    assert.equal(code, 0);
  };

  const addon = async (): Promise<void> => {
    const config = join(folder, "patches", "kubeadm.yaml");
    const command = ["init", "phase", "addon", "kube-proxy", "--config", config];
    const { code, stderr, stdout } = await kubeadm(at.lab, command);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /Applied patch of type "application\/json-patch\+json" to target "kubeproxydaemonset"/,
    );
  };
  const hasNothingToDo = async () => {
    const preview = await scenario.stack.preview();
    assert.ok(preview.ok, preview.output);
    assert.deepEqual(changesOf(preview), []);
    assert.doesNotMatch(preview.output, /overwritten|changed by/);
  };

  test("it leaves what is there: no object changes, no pod restarts, and a preview has nothing to do", async () => {
    const [before, objects, running] = [await version(), await cluster.fingerprint(), await pods()];
    await patched({ restart });
    await addon();
    assert.deepEqual(await version(), before);
    assert.deepEqual(await cluster.fingerprint(), objects);
    assert.deepEqual(await pods(), running);
    await hasNothingToDo();
  });

  test("another version is what kubeadm goes to, and the program wants", async () => {
    const before = await version();
    const kubernetesVersion = "v1.37.1";
    await patched({ restart }, ["--kubernetes-version", kubernetesVersion]);
    await addon();
    await allServe(cluster, nodes);
    const image = (await cluster.daemonSet())?.spec.template.spec.containers[0]?.image;
    assert.equal(image, "registry.example.com/k8s/kube-proxy:v1.37.1");
    assert.equal((await version()).uid, before.uid);
    const [objects, running] = [await cluster.fingerprint(), await pods()];
    await scenario.stack.setConfig({ kubernetesVersion });
    const preview = await scenario.stack.preview();
    assert.ok(preview.ok, preview.output);
    assert.doesNotMatch(preview.output, /overwritten|changed by/);
    // An update of other objects than those before has its snapshot and its proof.
    const others = changesOf(preview).filter((change) => !/-(snapshot|test-service|verify)$/.test(change));
    assert.deepEqual(others, []);
    await scenario.up();
    assert.deepEqual(await cluster.fingerprint(), objects);
    assert.deepEqual(await pods(), running);
    await hasNothingToDo();
  });

  test("for a cluster without kube-proxy: what kubeadm makes is taken over, and no pod restarts", async () => {
    await scenario.destroy();
    await patched({}, ["--kubeadm-config", join(at.lab.dir, "kubeadm.yaml")]);
    await addon();
    await allServe(cluster, nodes);
    const running = await pods();
    const other = await at.open({ ...settings, adopt: true });
    await other.up();
    await allServe(cluster, nodes);
    assert.deepEqual(await pods(), running);
    await other.destroy();
  });
});
