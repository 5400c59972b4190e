import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { Scenario } from "./scenario.ts";
import { useLab } from "./useLab.ts";

suite("bad input changes nothing and says what is wrong", () => {
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-input-"));
  const at = useLab({ name: "e2e-input", nodes: 2 });
  let scenario: Scenario;
  let untouched: string[];
  before(async () => {
    scenario = await at.open();
    await scenario.up();
    untouched = await scenario.cluster.fingerprint();
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** Sets config, runs `up`, takes the config back; the user has to see each message and no stack trace. */
  async function refused(config: Record<string, unknown>, ...messages: RegExp[]): Promise<void> {
    await scenario.stack.setConfig(config);
    const { ok, output } = await scenario.stack.up();
    await scenario.stack.setConfig(
      Object.fromEntries(Object.keys(config).map((key) => [key, original[key]])),
    );
    assert.ok(!ok, "up went through");
    for (const message of messages) {
      assert.match(output, message);
    }
    assert.doesNotMatch(output, /^\s+at .*\.[jt]s:\d+/m, "a stack trace");
    assert.deepEqual(await scenario.cluster.fingerprint(), untouched);
  }

  const original: Record<string, unknown> = {
    kubernetesVersion: "v1.37.2",
    controlPlaneEndpoint: "192.0.2.10:6443",
    podSubnet: "10.244.0.0/16",
    get kubeconfig() {
      return at.lab.kubeconfig;
    },
  };

  test("all mistakes of the stack's config at once", () =>
    refused(
      {
        restrat: "now",
        kubernetesVersion: "v1.38.0",
        controlPlaneEndpoint: "2001:db8::1:6443",
        podSubnet: "10.0.0.0/8,10.1.0.0/16",
        restart: "",
        configuration: { mod: "ipvs" },
      },
      /restrat: unknown key; did you mean restart\?/,
      /kubernetesVersion: "v1\.38\.0" is not accepted; accepted: vMAJOR\.MINOR\.PATCH/,
      /controlPlaneEndpoint: "2001:db8::1:6443" is not accepted/,
      /podSubnet: .* is not accepted/,
      /restart: "" is not accepted/,
      /configuration\.mod: unknown key; did you mean mode\?/,
    ));

  test("a restart token of another YAML type", () =>
    refused({ restart: ["now"] }, /restart' must be of type 'string'/));

  test("a kubeconfig that does not exist, and a context that it does not have", async () => {
    await refused({ kubeconfig: join(folder, "missing") }, /kubeconfig: .*missing" is not accepted/);
    await refused(
      { context: "prod" },
      /context: "prod" is not accepted; accepted: one of the kubeconfig's contexts: /,
    );
  });

  test("a cluster that cannot be reached", async () => {
    const path = kubeconfig("unreachable", (content) =>
      content.replace(/https:\/\/127\.0\.0\.1:\d+/, "https://127.0.0.1:1"),
    );
    await refused(
      { kubeconfig: path },
      /the cluster cannot be read: .* does not answer: .*; nothing was changed/,
    );
  });

  test("rights that do not suffice, seen by the preview", async () => {
    const account = "limited";
    await scenario.cluster.kubectl(["create", "serviceaccount", account]);
    await scenario.cluster.kubectl([
      "create",
      "clusterrolebinding",
      account,
      "--clusterrole=view",
      `--serviceaccount=kube-system:${account}`,
    ]);
    const token = (await scenario.cluster.kubectl(["create", "token", account])).trim();
    const path = kubeconfig("limited", (content) =>
      content
        .replace(/client-certificate(-data)?: .*\n/, `token: ${token}\n`)
        .replace(/ *client-key(-data)?: .*\n/, ""),
    );
    await scenario.stack.setConfig({ kubeconfig: path, restart: "forbidden" });
    const preview = await scenario.stack.preview();
    await scenario.stack.setConfig({ kubeconfig: at.lab.kubeconfig, restart: undefined });
    assert.ok(!preview.ok, preview.output);
    assert.match(preview.output, /forbidden/);
    assert.match(preview.output, /system:serviceaccount:kube-system:limited/);
    assert.doesNotMatch(preview.output, new RegExp(token));
    assert.deepEqual(await scenario.cluster.fingerprint(), untouched);
  });

  function kubeconfig(name: string, change: (content: string) => string): string {
    const path = join(folder, name);
    writeFileSync(path, change(readFileSync(at.lab.kubeconfig, "utf8")), { mode: 0o600 });
    return path;
  }
});
