import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parse, parseAllDocuments } from "yaml";

const root = join(import.meta.dirname, "..", "..");

function render(args: string[], input = "", cwd = root) {
  const command = [join(root, "commands", "render.ts"), ...args];
  return spawnSync(process.execPath, command, { input, cwd, encoding: "utf8", timeout: 30_000 });
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

/** What Pulumi.dev.yaml has of a stack. */
const stackFile = (config: string) => ({
  "Pulumi.yaml": "name: kube-proxy\n",
  "Pulumi.dev.yaml": `encryptionsalt: v1:abc\nconfig:\n${config.replace(/^/gm, "  ")}\n`,
});

suite("render --kubeadm-patch", () => {
  /** Runs it in a folder with these files; returns what it said and what is in the folder of patches. */
  function patch(files: Readonly<Record<string, string>>, args: readonly string[], input = "") {
    const folder = mkdtempSync(join(tmpdir(), "patch-"));
    try {
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(join(folder, name, ".."), { recursive: true });
        writeFileSync(join(folder, name), content);
      }
      const { status, stdout, stderr } = render([...args], input, folder);
      const entries = existsSync(join(folder, "out"))
        ? readdirSync(join(folder, "out"), { withFileTypes: true })
        : [];
      const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
      const written = Object.fromEntries(
        names.map((name) => [name, readFileSync(join(folder, "out", name), "utf8")]),
      );
      const modes = names.map((name) => statSync(join(folder, "out", name)).mode & 0o777);
      return { status, stdout, stderr: stderr.replaceAll(folder, "FOLDER"), written, modes };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  const newest = config("v1.37.2", "v1beta4");
  const offline = ["--kubeadm-patch", "out", "--kubeadm-config", "-"];
  const names = ["kubeadm.yaml", "kubeproxydaemonset+json.yaml"];

  test("writes the patch of a stack's settings, and the documents that go with it", () => {
    const settings = [
      "kube-proxy:tolerations: [{key: mine, operator: Exists}]",
      "kube-proxy:extraArgs: '[\"--v=4\"]'",
      "kube-proxy:configuration: {mode: nftables}",
      "kube-proxy:podSubnet: 10.244.0.0/16",
      "kube-proxy:updateStrategy: {rollingUpdate: {maxUnavailable: 2}}",
      "kube-proxy:restart: 2026-11-29",
      "kube-proxy:running: true",
      "kube-proxy:imageRepository: ''",
      "kube-proxy:kubeconfig: {secure: v1:abc}",
      "other:image: mine",
    ].join("\n");
    const { status, stdout, stderr, written, modes } = patch(stackFile(settings), offline, newest);
    assert.equal(stderr, "");
    assert.equal(status, 0);
    assert.deepEqual(Object.keys(written).sort(), names);
    assert.deepEqual(modes, [0o600, 0o600]);
    assert.match(stdout, /out\/kubeproxydaemonset\+json\.yaml\n.*out\/kubeadm\.yaml\n/);
    const operations = parse(written["kubeproxydaemonset+json.yaml"] ?? "") as { path: string }[];
    assert.deepEqual(
      operations.map(({ path }) => path),
      [
        "/spec/updateStrategy/rollingUpdate",
        "/spec/template/spec/tolerations",
        "/spec/template/spec/containers/0/command/-",
      ],
    );
    const documents = parseAllDocuments(written["kubeadm.yaml"] ?? "").map(
      (one) => one.toJS() as Record<string, unknown>,
    );
    const [init, cluster, proxy] = documents;
    assert.match((init?.["patches"] as { directory: string }).directory, /\/out$/);
    assert.deepEqual(cluster?.["networking"], { podSubnet: "10.244.0.0/16" });
    assert.deepEqual(proxy, {
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      mode: "nftables",
    });
  });

  test("another stack, another version, and its own files of an earlier time", () => {
    const files = {
      ...stackFile("kube-proxy:priorityClassName: dev"),
      "Pulumi.prod.yaml": "config: {kube-proxy:priorityClassName: prod}\n",
      "out/kubeadm.yaml": "# Made by `npm run render -- --kubeadm-patch` of kube-proxy as code\n",
    };
    const args = [...offline, "--stack", "organization/kube-proxy/prod", "--kubernetes-version", "v1.37.5"];
    const { status, stderr, written } = patch(files, args, newest);
    assert.equal(status, 0, stderr);
    assert.match(written["kubeproxydaemonset+json.yaml"] ?? "", /value: prod$/m);
    assert.match(written["kubeadm.yaml"] ?? "", /^kubernetesVersion: v1\.37\.5$/m);
  });

  test("what kubeadm makes otherwise all the same is told", () => {
    const files = {
      ...stackFile("kube-proxy:metadata: {labels: {a: b}}"),
      "out/below/kubeproxydaemonset.yaml": "a: 1\n",
    };
    const init = "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n";
    const proxy =
      "---\napiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: ipvs\n";
    const { status, stderr, written } = patch(
      files,
      offline,
      `${newest}${init}patches: {directory: /etc/patches}\n${proxy}`,
    );
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^Warning: metadata: kubeadm patches the DaemonSet alone/m);
    assert.match(stderr, /^Warning: KubeProxyConfiguration: that of standard input is left out/m);
    assert.doesNotMatch(written["kubeadm.yaml"] ?? "", /mode: ipvs/);
    assert.match(stderr, /^Warning: InitConfiguration\.patches\.directory: kubeadm reads one folder, \/etc/m);
    assert.match(stderr, /^Warning: FOLDER\/out: .* by below\/kubeproxydaemonset\.yaml as well/m);
    assert.match(written["kubeadm.yaml"] ?? "", /directory: \/etc\/patches/);
  });

  test("what it cannot do it refuses, with all reasons, and writes nothing", () => {
    const sound = stackFile("kube-proxy:adopt: true");
    const cases: readonly (readonly [
      Readonly<Record<string, string>>,
      string[],
      string,
      number,
      readonly RegExp[],
    ])[] = [
      [sound, ["--kubeadm-patch"], "", 2, [/--kubeadm-patch/]],
      [sound, ["--kubeadm-patch", " "], "", 2, [/--kubeadm-patch: "" is not accepted; accepted: the path/]],
      [sound, [...offline, "--stack", "none"], newest, 2, [/"Pulumi\.none\.yaml" cannot be read \(ENOENT\)/]],
      [sound, [...offline, "--stack", "../dev$"], newest, 2, [/--stack: .* accepted: a stack's name/]],
      [sound, [...offline, "--restart", "now"], newest, 2, [/--restart: not with --kubeadm-patch/]],
      [sound, ["--kubeadm-config", "-", "--stack", "dev"], newest, 2, [/--stack: only with --kubeadm-patch/]],
      [stackFile("a: ["), offline, newest, 2, [/--stack: Pulumi\.dev\.yaml is not YAML/]],
      [
        stackFile("kube-proxy:image: {secure: v1:abc}\nkube-proxy:env: [{name: A, value: {secure: v1:abc}}]"),
        offline,
        newest,
        1,
        [/2 problems in Pulumi\.dev\.yaml/, /image: a plain value: this one is secret/, /env: a plain value/],
      ],
      [
        stackFile("kube-proxy:kubeconfig: {secure: v1:abc}"),
        ["--kubeadm-patch", "out"],
        "",
        2,
        [/--kubeconfig: is required: Pulumi\.dev\.yaml has it as a secret/],
      ],
      [
        stackFile("kube-proxy:pools: [{name: a}]\nkube-proxy:running: false\nkube-proxy:imagge: x"),
        offline,
        config("v1.36.3", "v1beta4"),
        1,
        [
          /4 problems in Pulumi\.dev\.yaml and standard input; nothing was written/,
          /imagge: unknown key; did you mean image\?/,
          /kubernetesVersion: "v1\.36\.3" is not accepted; accepted: v1\.37 or later, .*proxy: \{disabled: true\}/,
          /pools: \["a"\] is not accepted; accepted: none/,
          /running: false is not accepted/,
        ],
      ],
      [
        sound,
        offline,
        "kind: ClusterConfiguration\napiVersion: kubeadm.k8s.io/v1beta4\n",
        1,
        [/kubernetesVersion/],
      ],
      [sound, ["--kubeadm-patch", "out", "--kubeadm-config", "none"], "", 2, [/"none" cannot be read/]],
      [
        { ...sound, "kubeconfig.yaml": "" },
        ["--kubeadm-patch", "out", "--kubeconfig", "none.yaml"],
        "",
        2,
        [/the cluster cannot be read: .*for `kubeadm init`, give --kubeadm-config/],
      ],
    ];
    for (const [files, args, input, expected, messages] of cases) {
      const { status, stdout, stderr, written } = patch(files, args, input);
      assert.equal(status, expected, stderr);
      for (const message of messages) assert.match(stderr, message);
      assert.doesNotMatch(stderr, /^\s+at /m);
      assert.equal(stdout, "");
      assert.deepEqual(written, {});
    }
  });

  test("what others have written it does not overwrite", () => {
    const files = { ...stackFile("kube-proxy:adopt: true"), "out/kubeadm.yaml": "kind: Mine\n" };
    const { status, stderr, written } = patch(files, offline, newest);
    assert.equal(status, 2);
    assert.match(stderr, /FOLDER\/out\/kubeadm\.yaml is not this program's, and is not overwritten/);
    assert.deepEqual(written, { "kubeadm.yaml": "kind: Mine\n" });
  });
});
