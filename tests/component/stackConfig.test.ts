import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { setAllConfig } from "@pulumi/pulumi/runtime/config.js";
import type { ClusterFacts } from "../../components/index.ts";
import { readStackConfig } from "../../components/stackConfig.ts";

const kubeconfig = "contexts:\n- name: lab\ncurrent-context: lab\n";
const facts: ClusterFacts = { nodes: [], daemonSets: [], configMaps: [], helpers: [] };
const good = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10:6443", kubeconfig };

/** Reads a stack config whose values are given as Pulumi hands them over: texts, and JSON for everything else. */
function read(
  values: Record<string, unknown>,
  secrets: readonly string[] = [],
  ask = () => Promise.resolve(facts),
) {
  const texts = Object.entries(values).map(([key, value]) => [
    key.includes(":") ? key : `kube-proxy:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  process.env["PULUMI_CONFIG_SECRET_KEYS"] = JSON.stringify(secrets.map((key) => `kube-proxy:${key}`));
  setAllConfig(Object.fromEntries(texts) as Record<string, string>);
  return readStackConfig({ facts: ask(), abandon: () => undefined });
}

async function refusal(values: Record<string, unknown>, secrets: readonly string[] = []): Promise<string> {
  try {
    await read(values, secrets);
  } catch (error) {
    assert.ok(pulumi.RunError.isInstance(error), "Pulumi prints a RunError without a stack trace");
    return error.message;
  }
  assert.fail("was accepted");
}

suite("the stack's config", async () => {
  await pulumi.runtime.setMocks(
    { newResource: () => ({ id: "", state: {} }), call: () => ({}) },
    "kube-proxy",
    "test",
  );
  afterEach(() => {
    delete process.env["PULUMI_CONFIG_SECRET_KEYS"];
  });

  test("a password in env that is no secret is a warning; as a secret it is none", async (context) => {
    const warn = context.mock.method(pulumi.log, "warn", () => Promise.resolve());
    const env = [{ name: "HTTPS_PROXY", value: "http://me:hidden@proxy" }];
    await read({ ...good, env }, ["env"]);
    assert.equal(warn.mock.callCount(), 0);
    await read({ ...good, env });
    assert.match(String(warn.mock.calls[0]?.arguments[0]), /^env: HTTPS_PROXY: a password that is no secret/);
  });

  test("texts and structured values become arguments; other namespaces are left alone", async () => {
    const { args, cluster } = await read({
      ...good,
      "aws:region": "x",
      restart: "1",
      tolerations: [{ operator: "Exists" }],
      configuration: { mode: "nftables" },
    });
    assert.deepEqual(args, {
      kubernetesVersion: "v1.37.2",
      controlPlaneEndpoint: "192.0.2.10:6443",
      restart: "1",
      tolerations: [{ operator: "Exists" }],
      configuration: { mode: "nftables" },
      facts,
    });
    assert.deepEqual(cluster, { kubeconfig });
  });

  test("a secret stays a Pulumi secret", async () => {
    const { args, cluster } = await read({ ...good, env: [{ name: "A", value: "hidden" }] }, [
      "env",
      "kubeconfig",
    ]);
    assert.equal(await pulumi.isSecret(args.env as pulumi.Output<unknown>), true);
    assert.equal(await pulumi.isSecret(cluster.kubeconfig as pulumi.Output<unknown>), true);
  });

  test("a refused secret is not shown", async () => {
    const message = await refusal({ ...good, env: ["hidden"] }, ["env"]);
    assert.match(message, /env\[0\]: the secret value is not accepted/);
    assert.doesNotMatch(message, /hidden/);
  });

  test("all mistakes at once, the cluster's included", async () => {
    const message = await refusal({
      kubernetesVersion: "1.37",
      restrat: "x",
      tolerations: "all",
      kubeconfig,
      context: "prod",
    });
    assert.match(message, /^4 problems in the stack's config; nothing was changed:$/m);
    assert.match(message, /^ {2}restrat: unknown key; did you mean restart\?$/m);
    assert.match(message, /^ {2}kubernetesVersion: "1\.37" is not accepted; accepted: vMAJOR/m);
    // The cluster may well say what controlPlaneEndpoint is.
    assert.doesNotMatch(message, /controlPlaneEndpoint/);
    assert.match(message, /^ {2}tolerations: "all" is not accepted; accepted: a list of tolerations$/m);
    assert.match(
      message,
      /^ {2}context: "prod" is not accepted; accepted: one of the kubeconfig's contexts: lab$/m,
    );
  });

  test("a kubeconfig that the provider would read otherwise is refused before anything is read with it", async () => {
    const user = "{ exec: { command: ./bin/login } }";
    const message = await refusal({
      ...good,
      kubeconfig: `${kubeconfig.replace("lab\n", "lab\n  context: { user: me }\n")}users:\n- name: me\n  user: ${user}\n`,
    });
    assert.match(
      message,
      /exec\.command of the kubeconfig: ".\/bin\/login" is not accepted; accepted: an absolute/,
    );
  });

  const pools = [
    { name: "canary", nodeSelector: { pool: "canary" } },
    { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["canary"] }] },
  ];

  test("a pause comes before a pool", async () => {
    for (const pause of [2, -1, 1.5, "soon"]) {
      assert.match(
        await refusal({ ...good, pools, pause }),
        /^ {2}pause: .* accepted: after how many pools/m,
      );
    }
    assert.match(await refusal({ ...good, pause: 1 }), /pause: 1 is not accepted/);
    assert.deepEqual((await read({ ...good, pools, pause: 1 })).args.hold, ["rest"]);
    assert.equal((await read({ ...good, pools, pause: 0 })).args.hold, undefined);
  });

  test("a cluster that does not answer ends it: a guess at what the pods are would restart them; it is no mistake", async () => {
    const silent = () => Promise.reject(new Error("the cluster cannot be read: no answer"));
    const adopting = { ...good, adopt: true, clusterId: "1" };
    await assert.rejects(read(adopting, [], silent), {
      message: "the cluster cannot be read: no answer; nothing was changed",
    });
    await assert.rejects(read({ ...adopting, restrat: "x" }, [], silent), {
      message:
        "1 problem in the stack's config; nothing was changed:\n  restrat: unknown key; did you mean restart?\n" +
        "the cluster cannot be read: no answer; nothing was changed",
    });
  });

  test("so does one that has not answered all that decides, each part with its reason and what to do", async () => {
    const unread = { nodes: "504 timeout", objects: "403 no", webhooks: "500 no" };
    await assert.rejects(
      read({ ...good, adopt: true }, [], () => Promise.resolve({ ...facts, unread })),
      {
        message:
          "2 problems in reading the cluster; nothing was changed:\n" +
          "  the nodes: cannot be read: 504 timeout; run it again once the API server answers that\n" +
          "  kube-proxy's own objects: cannot be read: 403 no; use a user with the rights in docs/rbac.md",
      },
    );
  });

  suite("what the cluster says itself", () => {
    const clusterConfiguration = [
      "apiVersion: kubeadm.k8s.io/v1beta4",
      "kind: ClusterConfiguration",
      "kubernetesVersion: v1.36.1",
      "controlPlaneEndpoint: api.example.com:6443",
      "imageRepository: registry.k8s.io",
      "networking: {podSubnet: 10.1.0.0/16, serviceSubnet: 10.2.0.0/16}",
      "",
    ].join("\n");
    const known = (text: string) => () => Promise.resolve({ ...facts, clusterConfiguration: text });

    test("is used where the stack's config is silent, and overridden where it is not", async () => {
      const { args } = await read(
        { kubeconfig, kubernetesVersion: "", podSubnet: "10.9.0.0/16" },
        [],
        known(clusterConfiguration),
      );
      assert.equal(args.kubernetesVersion, "v1.36.1");
      assert.equal(args.controlPlaneEndpoint, "api.example.com:6443");
      assert.equal(args.podSubnet, "10.9.0.0/16");
      assert.equal(args.imageRepository, undefined, "kubeadm's default follows the version");
      assert.deepEqual(args.remarks, [
        "The cluster's own settings are used:\n" +
          "  kubernetesVersion v1.36.1, from ConfigMap kube-system/kubeadm-config\n" +
          "  controlPlaneEndpoint api.example.com:6443, from ConfigMap kube-system/kubeadm-config\n" +
          "  podSubnet 10.9.0.0/16, from the stack's config",
      ]);
    });

    test("is named where it is not accepted, and missed where it is not there", async () => {
      const refused = (text: string | undefined, pattern: RegExp) =>
        assert.rejects(
          read({ kubeconfig }, [], text === undefined ? () => Promise.resolve(facts) : known(text)),
          pattern,
        );
      await refused(
        clusterConfiguration.replace("v1.36.1", "v1.38.0"),
        /kubernetesVersion in ConfigMap kube-system\/kubeadm-config: "v1\.38\.0" is not accepted/,
      );
      await refused(
        clusterConfiguration.replace("v1beta4", "v1beta9"),
        /kubeadm-config, document 1 \(ClusterConfiguration\)\.apiVersion: "kubeadm\.k8s\.io\/v1beta9" is not accepted/,
      );
      await refused("networking: [", /kubeadm-config, document 1: is not YAML/);
      await refused("", /kubeadm-config, ClusterConfiguration: is required/);
      await refused(
        undefined,
        /kubernetesVersion: is required: .*the cluster does not say, so set it in the stack's config\n.*controlPlaneEndpoint: is required: /,
      );
    });
  });

  test("what decides which resources there are cannot be a secret", async () => {
    const message = await refusal({ ...good, pools, running: true }, ["pools", "running"]);
    assert.match(message, /^ {2}pools: a plain value, set without --secret/m);
    assert.match(message, /^ {2}running: a plain value, set without --secret/m);
  });

  test("where snapshots are kept is no secret, and neither empty nor misspelt", async () => {
    const secret = await refusal({ ...good, snapshotIn: "cluster" }, ["snapshotIn"]);
    assert.match(secret, /^ {2}snapshotIn: a plain value, set without --secret/m);
    for (const snapshotIn of ["", "Cluster"]) {
      const message = await refusal({ ...good, snapshotIn });
      assert.ok(message.includes(`snapshotIn: "${snapshotIn}" is not accepted; accepted: folder or cluster`));
    }
    assert.equal((await read({ ...good, snapshotIn: "cluster" })).args.snapshotIn, "cluster");
  });
});
