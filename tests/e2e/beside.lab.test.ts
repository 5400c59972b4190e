import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { stringify } from "yaml";
import { kubeadm } from "../../lab/index.ts";
import type { Result } from "../engine/index.ts";
import { changesOf, eventually, type Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 3;
const bootstrap = [
  "--as=system:bootstrap:abcdef",
  "--as-group=system:bootstrappers:kubeadm:default-node-token",
];
/** What kubeadm reads when a node joins. */
const joining = ["get", "configmap/kube-proxy", "-o", "jsonpath={.data.config\\.conf}", ...bootstrap];
const notice = /kubeadm overwrites kube-proxy .* `proxy: \{disabled: true\}`/g;

suite("beside kubeadm and kubectl", () => {
  const at = useLab({ name: "e2e-beside", nodes, kubeadm: true });
  let scenario: Scenario;
  let snapshots: string;
  before(async () => {
    snapshots = join(at.lab.dir, "snapshots");
    // What a user had before: kubeadm's objects make room for the program's.
    const own = ["daemonset", "configmap", "serviceaccount", "role", "rolebinding"];
    scenario = await at.open({
      snapshotFolder: snapshots,
      configuration: { iptables: { syncPeriod: "40s" } },
    });
    await scenario.cluster.kubectl(["delete", ...own.map((kind) => `${kind}/kube-proxy`)]);
    await scenario.cluster.kubectl(["delete", "clusterrolebinding", "kubeadm:node-proxier"]);
    await scenario.up();
    await makeControlPlane();
  });

  const kubectl = (args: string[], input?: string) => scenario.cluster.kubectl(args, input);
  const get = async <T>(what: string) => JSON.parse(await kubectl(["get", what, "-o", "json"])) as T;
  const runKubeadm = async (args: string[]) => {
    const { code, stdout, stderr } = await kubeadm(at.lab, args);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  const upgrade = () => runKubeadm(["upgrade", "apply", "phase", "addon", "kube-proxy", "v1.37.2"]);
  const snapshotCount = () =>
    existsSync(snapshots)
      ? readdirSync(snapshots, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
          .length
      : 0;
  const fieldsOf = ({ steps }: Result, name: string) => steps.find((step) => step.name === name)?.diff ?? [];

  /** `kubeadm upgrade` looks for the control plane of this machine: a node with an API server's pod. */
  async function makeControlPlane(): Promise<void> {
    const name = hostname().toLowerCase();
    const image = "registry.k8s.io/kube-apiserver:v1.37.2";
    const objects = [
      { apiVersion: "v1", kind: "Node", metadata: { name } },
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name: `kube-apiserver-${name}`,
          labels: { component: "kube-apiserver", tier: "control-plane" },
          annotations: {
            "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint": "192.0.2.10:6443",
          },
        },
        spec: {
          nodeName: name,
          hostNetwork: true,
          tolerations: [{ operator: "Exists" }],
          containers: [{ name: "kube-apiserver", image }],
        },
      },
    ];
    await kubectl(["create", "-f", "-"], objects.map((object) => stringify(object)).join("---\n"));
    const config = join(at.lab.dir, "kubeadm.yaml");
    await runKubeadm(["init", "phase", "upload-config", "kubelet", "--config", config]);
  }

  /** What is seen is repaired, with a snapshot before and a proof after, and leaves no difference. */
  async function repaired(): Promise<Result> {
    const taken = snapshotCount();
    const result = await scenario.up();
    assert.equal(snapshotCount(), taken + 1, "no snapshot");
    assert.match(result.output, new RegExp(`${nodes} of ${nodes} nodes verified`));
    const after = await scenario.stack.preview();
    assert.deepEqual(changesOf(after), [], after.output);
    assert.doesNotMatch(after.output, /kubeadm overwrites/);
    return result;
  }

  for (const [what, run] of [
    ["kubeadm upgrade apply", upgrade],
    [
      "kubeadm init phase addon kube-proxy",
      () => {
        const config = join(at.lab.dir, "kubeadm.yaml");
        return runKubeadm(["init", "phase", "addon", "kube-proxy", "--config", config]);
      },
    ],
  ] as const) {
    test(`${what}: seen, and repaired node by node, not by a replacement`, async () => {
      const uid = (await scenario.cluster.daemonSet())?.metadata.uid;
      await run();
      const overwritten = await scenario.cluster.daemonSet();
      assert.equal(overwritten?.metadata.annotations?.["kube-proxy/restart"], undefined, "kubeadm kept it");

      const preview = await scenario.stack.preview();
      assert.match(
        preview.output,
        /DaemonSet kube-proxy was overwritten by kubeadm: it is changed back in place/,
      );
      assert.ok(changesOf(preview).includes("update kube-proxy-daemon-set"), preview.output);
      // The CLI tells it while it works, and once more at its end.
      assert.equal(new Set(preview.output.match(notice)).size, 1, "one line, and no more");

      await repaired();
      const live = await scenario.cluster.daemonSet();
      assert.equal(live?.metadata.uid, uid);
      assert.equal(live?.metadata.annotations?.["pulumi.com/deletionPropagationPolicy"], "orphan");
      assert.ok(live.metadata.annotations["kube-proxy/restarted-by"]);
      assert.match(await kubectl(joining), /syncPeriod: 40s/);
    });
  }

  test("a restart after that is a replacement that rolls", async () => {
    const uid = (await scenario.cluster.daemonSet())?.metadata.uid;
    const { output } = await scenario.up({ restart: "after kubeadm" });
    assert.match(output, /DaemonSet kube-proxy is restarted, at most 1 of 3 nodes at a time/);
    assert.notEqual((await scenario.cluster.daemonSet())?.metadata.uid, uid);
  });

  test("kubectl edit of all six objects, and of one manager that Pulumi's provider does not know", async () => {
    const patch = (what: string, change: object, manager = "kubectl-edit") =>
      kubectl(["patch", what, "--type=merge", `--field-manager=${manager}`, "-p", JSON.stringify(change)]);
    const containers = (
      await get<{ spec: { template: { spec: { containers: object[] } } } }>("daemonset/kube-proxy")
    ).spec.template.spec.containers;
    const image = "registry.example.com/kube-proxy:theirs";
    const spec = { template: { spec: { containers: [{ ...containers[0], image }] } } };
    await patch("daemonset/kube-proxy", { spec }, "k9s");
    await patch("configmap/kube-proxy", { data: { "config.conf": "mode: iptables" } }, "k9s");
    await patch("role/kube-proxy", { rules: [] });
    await patch("rolebinding/kube-proxy", { subjects: [] });
    await patch("clusterrolebinding/kubeadm:node-proxier", { subjects: [] });
    await kubectl(["delete", "serviceaccount", "kube-proxy"]);

    const preview = await scenario.stack.preview();
    const changes = changesOf(preview);
    for (const child of ["daemon-set", "config-map", "role", "role-binding", "cluster-role-binding"]) {
      assert.ok(changes.includes(`update kube-proxy-${child}`), `${child}: ${preview.output}`);
    }
    assert.ok(changes.includes("create kube-proxy-service-account"), preview.output);
    assert.match(preview.output, /was changed by k9s \(spec\.template\.spec\.containers\[0\]\.image\)/);
    assert.deepEqual(fieldsOf(preview, "kube-proxy-config-map"), ['data["config.conf"]']);
    await repaired();
    assert.match(await kubectl(joining), /syncPeriod: 40s/);
  });

  test("another version shows what moves with it, and goes over the nodes in place", async () => {
    const why = "older than the API server on purpose";
    const ignorePreflightErrors = { "api-server-version": why, "kubelet-version": why };
    await scenario.up({ kubernetesVersion: "v1.21.14", ignorePreflightErrors });
    const uid = (await scenario.cluster.daemonSet())?.metadata.uid;
    await scenario.stack.setConfig({ kubernetesVersion: "v1.37.2" });
    const preview = await scenario.stack.preview();
    assert.match(
      preview.output,
      /changes: image k8s\.gcr\.io\/kube-proxy:v1\.21\.14 -> registry\.k8s\.io\/kube-proxy:v1\.37\.2; tolerations: without [^;]+CriticalAddonsOnly[^;]+; configuration: mode "" -> iptables, \d+ more at their defaults/,
    );
    await scenario.up({ ignorePreflightErrors: undefined });
    assert.equal((await scenario.cluster.daemonSet())?.metadata.uid, uid);
    assert.deepEqual(changesOf(await scenario.stack.preview()), []);
  });

  test("a version that does not know the mode which runs is refused", async () => {
    await scenario.up({ configuration: { mode: "nftables" } });
    await scenario.stack.setConfig({ kubernetesVersion: "v1.28.0", configuration: { mode: "iptables" } });
    const { ok, output } = await scenario.stack.preview();
    assert.ok(!ok, output);
    assert.match(
      output,
      /kubernetesVersion: "v1\.28\.0" is not accepted; accepted: v1\.29 or later as long as mode/,
    );
    await scenario.up({ kubernetesVersion: "v1.37.2", configuration: { iptables: { syncPeriod: "40s" } } });
  });

  test("kubectl rollout restart is nobody's business", async () => {
    await kubectl(["rollout", "restart", "daemonset/kube-proxy"]);
    const preview = await scenario.stack.preview();
    assert.deepEqual(changesOf(preview), [], preview.output);
    await kubectl(["rollout", "status", "daemonset/kube-proxy", "--timeout=60s"]);
  });

  test("the setting that is printed stops kubeadm, and the notice", async () => {
    const config = await get<{ data: { ClusterConfiguration: string } }>("configmap/kubeadm-config");
    const ClusterConfiguration = config.data.ClusterConfiguration.replace(
      /^proxy: .*$/m,
      "proxy: {disabled: true}",
    );
    await kubectl([
      "patch",
      "configmap/kubeadm-config",
      "-p",
      JSON.stringify({ data: { ClusterConfiguration } }),
    ]);
    assert.match(await upgrade(), /Skipping the addon\/kube-proxy phase/);
    const preview = await scenario.stack.preview();
    assert.deepEqual(changesOf(preview), [], preview.output);
    await scenario.stack.setConfig({ restart: "noticed" });
    const restart = await scenario.stack.preview();
    await scenario.stack.setConfig({ restart: undefined });
    assert.match(restart.output, /DaemonSet kube-proxy is restarted/);
    assert.doesNotMatch(restart.output, /kubeadm overwrites/);
  });

  test("a node that joins reads the ConfigMap, and only that", async () => {
    assert.match(await kubectl(joining), /^apiVersion: kubeproxy\.config\.k8s\.io\/v1alpha1$/m);
    await assert.rejects(kubectl(["get", "configmap/kube-root-ca.crt", ...bootstrap]), /cannot get resource/);
  });

  test("with pools it reads the same, and the DaemonSet that kubeadm makes beside them goes", async () => {
    const pools = [
      {
        name: "first",
        matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["node-0001"] }],
      },
      {
        name: "rest",
        matchExpressions: [{ key: "kubernetes.io/hostname", operator: "NotIn", values: ["node-0001"] }],
      },
    ];
    await scenario.up({ pools });
    assert.match(await kubectl(joining), /syncPeriod: 40s/);
    const config = join(at.lab.dir, "kubeadm.yaml");
    await runKubeadm(["init", "phase", "addon", "kube-proxy", "--config", config]);
    await eventually(
      "kubeadm's DaemonSet has pods",
      async () => (await scenario.cluster.pods()).length > nodes,
    );

    const preview = await scenario.stack.preview();
    assert.match(preview.output, /Pods of kube-proxy change hands/);
    await scenario.up();
    const names = (await scenario.cluster.daemonSets()).map(({ metadata }) => metadata.name);
    assert.deepEqual(names, ["kube-proxy-first", "kube-proxy-rest"]);
    await eventually("one pod on each node", async () => (await scenario.cluster.pods()).length === nodes);
    assert.match(await kubectl(joining), /syncPeriod: 40s/);
    const after = await scenario.stack.preview();
    assert.deepEqual(changesOf(after), [], after.output);
    await scenario.destroy();
  });
});
