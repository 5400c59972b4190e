import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { parseDocument } from "yaml";
import { kubeProxyObjects } from "../../components/kubeadm/manifests.ts";
import { settingsOfKubeadmConfig } from "../../components/kubeadm/configFile.ts";
import { Cluster } from "./scenario.ts";
import { useLab } from "./useLab.ts";

const nodes = 3;

suite("on a cluster where kubeadm has installed kube-proxy", () => {
  const at = useLab({ name: "e2e-kubeadm", nodes, kubeadm: true });
  let cluster: Cluster;
  before(() => {
    cluster = new Cluster(at.lab);
  });

  test("the settings in kubeadm-config give the objects that are there", async () => {
    const stored = await cluster.kubectl([
      "get",
      "configmap",
      "kubeadm-config",
      "-o",
      "jsonpath={.data.ClusterConfiguration}",
    ]);
    const live = async (what: string) =>
      JSON.parse(await cluster.kubectl(["get", what, "-o", "json"])) as Live;
    const server = serverOf((await live("configmap/kube-proxy")).data?.["kubeconfig.conf"] ?? "");
    // kubeadm stores no InitConfiguration: what its endpoint was is in the kubeconfig it wrote.
    const objects = kubeProxyObjects(settingsOfKubeadmConfig(withEndpoint(stored, server), "kubeadm-config"));

    assert.deepEqual((await live("configmap/kube-proxy")).data, objects.configMap.data);
    assert.deepEqual(
      (await live("configmap/kube-proxy")).metadata.annotations,
      objects.configMap.metadata.annotations,
    );
    assertWithin(await live("daemonset/kube-proxy"), objects.daemonSet);
    assertWithin(await live("role/kube-proxy"), objects.role);
    assertWithin(await live("rolebinding/kube-proxy"), objects.roleBinding);
    assertWithin(await live("clusterrolebinding/kubeadm:node-proxier"), objects.clusterRoleBinding);
    assertWithin(await live("serviceaccount/kube-proxy"), objects.serviceAccount);
  });

  test("up takes nothing over by accident: it fails and leaves kubeadm's objects as they are", async () => {
    const scenario = await at.open();
    const before = await cluster.fingerprint();
    const { ok, output } = await scenario.stack.up();
    assert.ok(!ok);
    assert.match(output, /adopt: is required: DaemonSet kube-proxy is there, and not this stack's/);
    assert.deepEqual(await cluster.fingerprint(), before);
  });

  test("after kubeadm's objects were deleted up provisions", async () => {
    await cluster.kubectl([
      "delete",
      ...["daemonset", "configmap", "serviceaccount", "role", "rolebinding"].map(
        (kind) => `${kind}/kube-proxy`,
      ),
    ]);
    await cluster.kubectl(["delete", "clusterrolebinding", "kubeadm:node-proxier"]);
    const scenario = await at.open();
    await scenario.up();
    assert.equal((await cluster.daemonSet())?.status.numberAvailable, nodes);
    await scenario.destroy();
  });
});

interface Live {
  metadata: { annotations?: Record<string, string> };
  data?: Record<string, string>;
}

function serverOf(kubeconfig: string): string {
  const config = parseDocument(kubeconfig).toJS() as { clusters: { cluster: { server: string } }[] };
  return config.clusters[0]?.cluster.server.replace("https://", "") ?? "";
}

function withEndpoint(clusterConfiguration: string, endpoint: string): string {
  return `${clusterConfiguration.replace(/^controlPlaneEndpoint:.*\n/m, "")}\ncontrolPlaneEndpoint: ${endpoint}\n`;
}

/** Asserts that the live object has everything of ours; what the API server fills in beside it is its own. */
function assertWithin(live: unknown, ours: unknown, path = ""): void {
  if (typeof ours !== "object" || ours === null) {
    assert.deepEqual(live, ours, path);
    return;
  }
  if (Array.isArray(ours)) {
    assert.equal((live as unknown[]).length, ours.length, path);
  }
  for (const [key, value] of Object.entries(ours)) {
    assertWithin((live as Record<string, unknown> | undefined)?.[key], value, `${path}.${key}`);
  }
}
