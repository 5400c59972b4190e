import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
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
