import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ProblemsError } from "../../components/input/problems.ts";
import { settingsOfKubeadmConfig } from "../../components/kubeadm/configFile.ts";

const cluster = `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.37.2
`;
const init = `---
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 192.0.2.10, bindPort: 8443}
`;
const proxy = `---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
`;

function problemsOf(content: string): string[] {
  try {
    settingsOfKubeadmConfig(content, "kubeadm.yaml");
  } catch (error) {
    assert.ok(error instanceof ProblemsError, String(error));
    return error.problems.map(({ path }) => path);
  }
  return [];
}

suite("a kubeadm config file", () => {
  test("the endpoint falls back to the advertise address, and takes bindPort where it has no port", () => {
    assert.equal(settingsOfKubeadmConfig(cluster + init, "f").controlPlaneEndpoint, "192.0.2.10:8443");
    const named = settingsOfKubeadmConfig(`${cluster}controlPlaneEndpoint: api.example.com\n${init}`, "f");
    assert.equal(named.controlPlaneEndpoint, "api.example.com:8443");
    const whole = settingsOfKubeadmConfig(
      `${cluster}controlPlaneEndpoint: api.example.com:9443\n${init}`,
      "f",
    );
    assert.equal(whole.controlPlaneEndpoint, "api.example.com:9443");
  });

  test("API versions v1beta2, v1beta3 and v1beta4; documents of other kinds are passed over", () => {
    for (const version of ["v1beta2", "v1beta3", "v1beta4"]) {
      const other = "---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
      assert.deepEqual(problemsOf((cluster + init + other).replaceAll("v1beta4", version)), [], version);
    }
  });

  test("a KubeProxyConfiguration with nothing but its header counts as the user's own", () => {
    assert.notEqual(settingsOfKubeadmConfig(cluster + init + proxy, "f").configuration, undefined);
    assert.equal(settingsOfKubeadmConfig(cluster + init, "f").configuration, undefined);
  });

  test("YAML is read as Go reads it: a duration that looks sexagesimal is text, yes is a boolean", () => {
    const settings = settingsOfKubeadmConfig(`${cluster}${init}${proxy}enableProfiling: yes\n`, "f");
    assert.equal(settings.configuration?.enableProfiling, true);
    assert.deepEqual(problemsOf(`${cluster}${init}${proxy}mode: on\n`), ["KubeProxyConfiguration.mode"]);
    assert.deepEqual(problemsOf(`${cluster}${init}${proxy}hostnameOverride: 2026-11-23\n`), []);
    assert.deepEqual(problemsOf(`${cluster}${init}${proxy}hostnameOverride: 12:30:45\n`), []);
  });

  const bad: Record<string, readonly [string, readonly string[]]> = {
    "broken YAML": [`${cluster}networking: [`, ["document 1"]],
    "a duplicate key": [`${cluster}kubernetesVersion: v1.37.1\n`, ["ClusterConfiguration.kubernetesVersion"]],
    "no ClusterConfiguration": [init, ["ClusterConfiguration"]],
    "an empty file": ["", ["ClusterConfiguration"]],
    "several documents of a kind": [`${cluster}---\n${cluster}`, ["document 2.kind"]],
    "an unknown apiVersion": [
      cluster.replace("v1beta4", "v1alpha3"),
      ["document 1 (ClusterConfiguration).apiVersion"],
    ],
    "an unknown apiVersion of KubeProxyConfiguration": [
      cluster + init + proxy.replace("v1alpha1", "v1alpha2"),
      ["document 3 (KubeProxyConfiguration).apiVersion"],
    ],
    "an unknown kind": [`${cluster}---\napiVersion: v1\nkind: Pod\n`, ["document 2.kind"]],
    "a list": ["- a\n", ["document 1"]],
    "misspelt keys, all of them": [
      `${cluster}imageRepo: x\nnetworking: {podsubnet: 10.0.0.0/8}\n${init.replace("bindPort", "bindport")}`,
      ["ClusterConfiguration.imageRepo", "networking.podsubnet", "localAPIEndpoint.bindport"],
    ],
    "no endpoint at all": [
      cluster,
      ["ClusterConfiguration.controlPlaneEndpoint (or InitConfiguration.localAPIEndpoint.advertiseAddress)"],
    ],
    "a bad value, by the file's own path": [
      `${cluster}networking: {podSubnet: 10.0.0.0}\n${init}${proxy}iptables: {syncPeriod: 30}\n`,
      ["ClusterConfiguration.networking.podSubnet", "KubeProxyConfiguration.iptables.syncPeriod"],
    ],
  };
  for (const [name, [content, paths]] of Object.entries(bad)) {
    test(`${name} is refused`, () => {
      assert.deepEqual(problemsOf(content), paths);
    });
  }
});
