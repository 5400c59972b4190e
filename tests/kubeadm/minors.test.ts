import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { readKubeadmConfig } from "../../components/kubeadm/configFile.ts";
import { configHash, kubeProxyObjects } from "../../components/kubeadm/manifests.ts";
import { minors } from "../../components/kubeadm/minors.ts";
import type { Settings } from "../../components/kubeadm/settings.ts";

const hashAnnotation = "kubeadm.kubernetes.io/component-config.hash";
const plainConf = (minor: number) =>
  readFileSync(join(import.meta.dirname, "reference", `config-1.${minor}.conf`), "utf8").trimEnd();

const render = (minor: number, settings: Partial<Settings> = {}) =>
  kubeProxyObjects({
    kubernetesVersion: `v1.${minor}.3`,
    controlPlaneEndpoint: "192.0.2.10:6443",
    ...settings,
  });
const confOf = (minor: number, settings: Partial<Settings> = {}) =>
  render(minor, settings).configMap.data["config.conf"];
const serverOf = (objects: ReturnType<typeof render>) =>
  (parse(objects.configMap.data["kubeconfig.conf"]) as { clusters: { cluster: { server: string } }[] })
    .clusters[0]?.cluster.server;

/** kubeadm's own bytes for the minor, but for one line. */
function changed(minor: number, from: RegExp, to: string): string {
  const conf = plainConf(minor);
  assert.match(conf, from);
  return conf.replace(from, to);
}

suite("every minor, from kubeadm's own bytes for the plain case", () => {
  for (const { minor } of minors) {
    suite(`1.${minor}`, () => {
      test("dual stack: the pair as it was given, unquoted", () => {
        const pair = "10.244.0.0/16,fd00:10:244::/56";
        assert.equal(
          confOf(minor, { podSubnet: pair }),
          changed(minor, /^clusterCIDR: ""$/m, `clusterCIDR: ${pair}`),
        );
      });

      test("IPv6: bindAddress by the family of the advertise address, nothing else", () => {
        const settings = { controlPlaneEndpoint: "[2001:db8::10]:6443" };
        assert.equal(confOf(minor, settings), changed(minor, /^bindAddress: .*$/m, "bindAddress: '::'"));
      });

      test("the endpoint with and without a port, and IPv6 in brackets", () => {
        assert.equal(
          serverOf(render(minor, { controlPlaneEndpoint: "api.example.com:9443" })),
          "https://api.example.com:9443",
        );
        assert.equal(
          serverOf(render(minor, { controlPlaneEndpoint: "api.example.com" })),
          "https://api.example.com:6443",
        );
        assert.equal(
          serverOf(render(minor, { controlPlaneEndpoint: "[2001:db8::1]" })),
          "https://[2001:db8::1]:6443",
        );
      });

      test("a repository without a nested path, and the version's tag", () => {
        const { daemonSet } = render(minor, { imageRepository: "registry.example.com:5000/k8s" });
        assert.equal(
          daemonSet.spec.template.spec.containers[0].image,
          `registry.example.com:5000/k8s/kube-proxy:v1.${minor}.3`,
        );
      });

      test("the user's bindAddress holds, but for 1.15, which forces its own", () => {
        const configuration = { bindAddress: "::" };
        const expected =
          minor === 15 ? plainConf(minor) : changed(minor, /^bindAddress: .*$/m, "bindAddress: '::'");
        assert.equal(confOf(minor, { configuration }), expected);
      });

      test("the user's clusterCIDR and mode hold over podSubnet and kubeadm's mode", () => {
        const configuration = { clusterCIDR: "10.0.0.0/8", mode: "ipvs" };
        const expected = changed(minor, /^clusterCIDR: ""$/m, "clusterCIDR: 10.0.0.0/8").replace(
          /^mode: .*$/m,
          "mode: ipvs",
        );
        assert.equal(confOf(minor, { configuration, podSubnet: "10.244.0.0/16" }), expected);
      });

      test("an unset field is kube-proxy's default up to 1.16, the zero value since", () => {
        const written = confOf(minor, { configuration: { configSyncPeriod: "0s" } });
        assert.match(written, minor <= 16 ? /^configSyncPeriod: 15m0s$/m : /^configSyncPeriod: 0s$/m);
      });

      test("the hash only since 1.19, and only where the user gave no configuration", () => {
        const { data, metadata } = render(minor).configMap;
        assert.equal(metadata.annotations?.[hashAnnotation], minor >= 19 ? configHash(data) : undefined);
        assert.equal(render(minor, { configuration: {} }).configMap.metadata.annotations, undefined);
      });

      test("IPv6DualStack is copied from 1.16 to 1.23 alone", () => {
        const written = confOf(minor, { featureGates: { IPv6DualStack: true, Other: true } });
        assert.equal(/^featureGates:\n {2}IPv6DualStack: true$/m.test(written), minor >= 16 && minor <= 23);
        assert.doesNotMatch(written, /Other/);
      });

      test("proxy variables after NODE_NAME, in their order", () => {
        const env = [
          { name: "HTTPS_PROXY", value: "http://p:3128" },
          { name: "no_proxy", value: "10.0.0.0/8" },
        ];
        const container = render(minor, { env }).daemonSet.spec.template.spec.containers[0];
        assert.deepEqual(container.env.slice(1), env);
      });

      test("no field of another minor", () => {
        const keys = (text: string) => text.match(/^ *\w+:/gm);
        assert.deepEqual(keys(confOf(minor, { configuration: { oomScoreAdj: 5 } })), keys(plainConf(minor)));
      });
    });
  }
});

test("what the file says twice, or of another version, is told and never written", () => {
  const file = (lines: string) =>
    readKubeadmConfig(
      `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.37.2\ncontrolPlaneEndpoint: a.b\n---\napiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${lines}`,
      "f",
    );
  const twice = file("mode: ipvs\nmode: nftables\n");
  assert.match(
    twice.warnings.join("\n"),
    /^KubeProxyConfiguration\.mode: is given twice, of which the last one counts/,
  );
  assert.equal(twice.settings.configuration?.mode, "nftables");
  const old = file("udpIdleTimeout: 1s\n");
  assert.match(
    old.warnings.join("\n"),
    /^KubeProxyConfiguration\.udpIdleTimeout: was removed after Kubernetes 1\.25/,
  );
  assert.doesNotMatch(kubeProxyObjects(old.settings).configMap.data["config.conf"], /udpIdleTimeout/);
});
