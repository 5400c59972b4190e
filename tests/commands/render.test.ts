import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parseAllDocuments } from "yaml";

const root = join(import.meta.dirname, "..", "..");

function render(args: string[], input = "") {
  const command = [join(root, "commands", "render.ts"), ...args];
  return spawnSync(process.execPath, command, { input, encoding: "utf8", timeout: 30_000 });
}

const config = (version: string, api: string) => `apiVersion: kubeadm.k8s.io/${api}
kind: ClusterConfiguration
kubernetesVersion: ${version}
controlPlaneEndpoint: api.example.com:6443
`;

/** The parts of kubeadm 1.37's defaults that are not empty. */
const initDefaults = `apiVersion: kubeadm.k8s.io/v1beta4
bootstrapTokens:
- groups:
  - system:bootstrappers:kubeadm:default-node-token
  token: abcdef.0123456789abcdef
  ttl: 24h0m0s
  usages:
  - signing
  - authentication
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: 1.2.3.4
  bindPort: 6443
nodeRegistration:
  criSocket: unix:///var/run/containerd/containerd.sock
  imagePullPolicy: IfNotPresent
  imagePullSerial: true
  name: node
  taints: null
timeouts:
  controlPlaneComponentHealthCheck: 4m0s
  discovery: 5m0s
---
apiServer: {}
apiVersion: kubeadm.k8s.io/v1beta4
caCertificateValidityPeriod: 87600h0m0s
certificateValidityPeriod: 8760h0m0s
certificatesDir: /etc/kubernetes/pki
clusterName: kubernetes
controllerManager: {}
dns: {}
encryptionAlgorithm: RSA-2048
etcd:
  local:
    dataDir: /var/lib/etcd
imageRepository: registry.k8s.io
kind: ClusterConfiguration
kubernetesVersion: 1.37.0
networking:
  dnsDomain: cluster.local
  serviceSubnet: 10.96.0.0/12
proxy: {}
scheduler: {}
`;

interface Printed {
  kind: string;
  metadata: { annotations?: Record<string, string> };
  spec: { template: { metadata: { annotations?: Record<string, string> } } };
}

function printed(output: string): Printed[] {
  return parseAllDocuments(output).map((document) => document.toJS() as Printed);
}

suite("render", () => {
  test("prints kubeadm's six objects for 1.15 and 1.37, with nothing of ours", () => {
    for (const [version, api] of [
      ["v1.15.0", "v1beta2"],
      ["v1.37.2", "v1beta4"],
    ] as const) {
      const { status, stdout } = render(["--kubeadm-config", "-"], config(version, api));
      assert.equal(status, 0);
      assert.deepEqual(
        printed(stdout).map(({ kind }) => kind),
        ["ServiceAccount", "ClusterRoleBinding", "Role", "RoleBinding", "ConfigMap", "DaemonSet"],
      );
      assert.doesNotMatch(stdout, /kube-proxy\/restart/);
    }
  });

  test("the file that `kubeadm config print init-defaults` writes", () => {
    const conf = readFileSync(join(root, "tests", "kubeadm", "reference", "config-1.37.conf"), "utf8");
    const { status, stdout, stderr } = render(["--kubeadm-config", "-"], `${initDefaults}---\n${conf}`);
    assert.equal(stderr, "");
    assert.equal(status, 0);
    assert.match(stdout, /server: https:\/\/1\.2\.3\.4:6443$/m);
    assert.match(stdout, /image: registry\.k8s\.io\/kube-proxy:v1\.37\.0$/m);
    assert.doesNotMatch(stdout, /component-config\.hash/);
  });

  test("what kubeadm warns of, and what it makes otherwise, is told beside the objects", (context) => {
    const folder = mkdtempSync(join(tmpdir(), "patches-"));
    context.after(() => {
      rmSync(folder, { recursive: true });
    });
    mkdirSync(join(folder, "below"));
    writeFileSync(join(folder, "kubeproxydaemonset9+merge.yaml"), "a: 1\n");
    writeFileSync(join(folder, "below", "kubeproxydaemonset.yaml"), "a: 1\n");
    writeFileSync(join(folder, "kubeproxydaemonset.json"), "");
    const file = (directory: string) =>
      `${config("v1.37.2", "v1beta4")}proxy: {disabled: true}\nmetadata: {name: config}\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nskipPhases: [addon]\npatches: {directory: ${JSON.stringify(directory)}}\n`;
    const { status, stdout, stderr } = render(["--kubeadm-config", "-"], file(folder));
    assert.equal(status, 0);
    assert.equal(stdout, render(["--kubeadm-config", "-"], config("v1.37.2", "v1beta4")).stdout);
    const lines = stderr.trimEnd().split("\n");
    assert.ok(lines.every((line) => line.startsWith("Warning: ")));
    assert.deepEqual(
      lines.map((line) => line.split(": ")[1]),
      [
        "ClusterConfiguration.metadata",
        "ClusterConfiguration.proxy.disabled",
        "InitConfiguration.skipPhases[0]",
        "InitConfiguration.patches.directory",
      ],
    );
    assert.match(
      stderr,
      /printed without that: below\/kubeproxydaemonset\.yaml, kubeproxydaemonset9\+merge\.yaml$/m,
    );
    assert.match(
      render(["--kubeadm-config", "-"], file(`${folder}/none`)).stderr,
      /cannot be read here \(ENOENT\)/,
    );
    assert.match(render(["--kubeadm-config", "-"], file("/")).stderr, /cannot be read here/);
  });

  test("very many warnings are counted", () => {
    const keys = Array.from({ length: 500 }, (_, i) => `k${i}: 1\n`).join("");
    const { stderr } = render(["--kubeadm-config", "-"], config("v1.37.2", "v1beta4") + keys);
    assert.equal(stderr.trimEnd().split("\n").length, 101);
    assert.match(stderr, /^Warning: and 400 more$/m);
  });

  test("--restart prints the objects with the token on the DaemonSet and its pods", () => {
    const { stdout } = render(["--kubeadm-config", "-", "--restart", "today"], config("v1.37.2", "v1beta4"));
    const daemonSet = printed(stdout).find(({ kind }) => kind === "DaemonSet");
    assert.equal(daemonSet?.metadata.annotations?.["kube-proxy/restart"], "today");
    assert.equal(daemonSet.spec.template.metadata.annotations?.["kube-proxy/restart"], "today");
  });

  test("a mistake in the file ends with 1, one on the command line with 2; neither with a stack trace or output", () => {
    const cases: readonly (readonly [string[], string, number, RegExp])[] = [
      [
        ["--kubeadm-config", "-"],
        config("v1.38.0", "v1beta4"),
        1,
        /kubernetesVersion: "v1\.38\.0" is not accepted/,
      ],
      [["--kubeadm-config", "-"], "a: [", 1, /document 1: is not YAML/],
      [["--kubeadm-config", "no/such/file"], "", 2, /"no\/such\/file" cannot be read \(ENOENT\)/],
      [[], "", 2, /--kubeadm-config: is required/],
      [
        ["--kubeadm-config", "-", "--restart", ""],
        config("v1.37.2", "v1beta4"),
        2,
        /--restart: "" is not accepted/,
      ],
      [["--kubeadmconfig", "x"], "", 2, /Unknown option/],
    ];
    for (const [args, input, expected, message] of cases) {
      const { status, stdout, stderr } = render(args, input);
      assert.equal(status, expected, stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /^\s+at /m);
      assert.equal(stdout, "");
    }
  });
});
