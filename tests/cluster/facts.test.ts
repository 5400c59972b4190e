import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { stringify } from "yaml";
import { askFacts } from "../../components/facts/ask.ts";

const folder = mkdtempSync(join(tmpdir(), "facts-"));
after(() => {
  rmSync(folder, { recursive: true });
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Asks a server that stands in for a cluster's. */
async function ask(answer: Answer, user: object = {}): ReturnType<typeof askFacts> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    return await askFacts({
      kubeconfig: stringify({
        "current-context": "fake",
        contexts: [{ name: "fake", context: { cluster: "fake", user: "fake" } }],
        clusters: [
          { name: "fake", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } },
        ],
        users: [{ name: "fake", user }],
      }),
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A cluster that has these objects, of which there is no other ConfigMap than those of kube-proxy. */
function cluster(
  nodes: readonly object[],
  daemonSets: readonly object[],
  configMaps: readonly object[] = [],
  kubeadmConfig?: object,
  helpers: readonly object[] = [],
): Answer {
  const answers: Record<string, object | undefined> = {
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": { status: { allowed: true } },
    "/api/v1/nodes": { items: nodes },
    "/apis/apps/v1/namespaces/kube-system/daemonsets": { items: daemonSets },
    "/api/v1/namespaces/kube-system/configmaps?labelSelector=app%3Dkube-proxy": { items: configMaps },
    "/api/v1/namespaces/kube-system/configmaps/kubeadm-config": kubeadmConfig,
    "/api/v1/namespaces/kube-system/pods?labelSelector=kube-proxy%2Fhelper": { items: helpers },
  };
  return ({ url = "" }, response) => {
    const asked = url.replace(/[?&]limit=500$/, "");
    // Of everything else there is nothing.
    const body = answers[asked] ?? (url === asked ? undefined : { items: [] });
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(body ?? { kind: "Status", message: "not found" }));
  };
}

const refuse: Answer = (_, response) => {
  const status = { kind: "Status", message: "nodes is forbidden:\n  User cannot list" };
  response.writeHead(403, { "content-type": "application/json" }).end(JSON.stringify(status));
};

function node(name: string, ready?: string, taints?: readonly object[]): object {
  const others = [{ type: "MemoryPressure", status: "False" }];
  const conditions = ready === undefined ? others : [...others, { type: "Ready", status: ready }];
  return { metadata: { name, labels: { zone: "a" } }, spec: { taints }, status: { conditions } };
}

const specOf = (pods: string) => ({ template: { metadata: { labels: { "k8s-app": pods } } } });
const writer = (manager: string, time: string, subresource?: string) => ({ manager, time, subresource });

function daemonSet(name: string, pods: string, metadata: object = {}, status: object = {}): object {
  return {
    metadata: {
      ...{ name, uid: `uid of ${name}`, labels: { "k8s-app": "kube-proxy" }, generation: 2 },
      ...metadata,
    },
    spec: specOf(pods),
    status: { desiredNumberScheduled: 3, ...status },
  };
}

suite("the facts of a cluster that takes long", { concurrency: true }, () => {
  test("many pages of nodes are waited for, longer than one answer may take", async () => {
    const rest = cluster([], []);
    const facts = await ask((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
      if (pathname !== "/api/v1/nodes") {
        rest(request, response);
        return;
      }
      const page = Number(searchParams.get("continue") ?? 0);
      const metadata = page < 9 ? { continue: String(page + 1) } : {};
      const body = JSON.stringify({ items: [node(`node-${page}`)], metadata });
      setTimeout(() => response.end(body), 2000);
    });
    assert.equal(facts.unread, undefined);
    assert.equal(facts.nodes.length, 10);
  });

  test("one that is silent is given up", async () => {
    await assert.rejects(
      ask(() => undefined),
      /does not answer: no answer in time$/,
    );
  });
});

suite("the facts of a cluster", () => {
  test("nodes with labels, taints and what their kubelet says", async () => {
    const taints = [{ key: "gpu", value: "yes", effect: "NoSchedule", timeAdded: "then" }];
    const nodes = [node("a", "True", taints), node("b", "False"), node("c", "Unknown"), node("d")];
    const said = {
      kubeletVersion: "v1.37.2",
      kernelVersion: "6.12.0-amd64",
      operatingSystem: "linux",
      architecture: "amd64",
    };
    const nodeInfo = { ...said, osImage: "Debian GNU/Linux 13 (trixie)" };
    const e = { metadata: { name: "e" }, spec: {}, status: {} };
    const f = { metadata: { name: "f" }, spec: {}, status: { nodeInfo } };
    const g = { metadata: { name: "g" }, spec: {}, status: { nodeInfo: { ...said, osImage: "" } } };
    const facts = await ask(cluster([...nodes, e, f, g], []));
    const system = { kubelet: "v1.37.2", kernel: "6.12.0-amd64", os: "linux", architecture: "amd64" };
    const common = { labels: { zone: "a" }, taints: [] };
    assert.equal(facts.unread, undefined);
    assert.deepEqual(facts.nodes, [
      { ...common, name: "a", taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" }], ready: "True" },
      { ...common, name: "b", ready: "False" },
      { ...common, name: "c", ready: "Unknown" },
      { ...common, name: "d", ready: "Unknown" },
      { ...common, name: "e", labels: {}, ready: "Unknown" },
      {
        ...{ ...common, name: "f", labels: {}, ready: "Unknown" },
        system: { ...system, osImage: "Debian GNU/Linux 13 (trixie)" },
      },
      { ...common, name: "g", labels: {}, ready: "Unknown", system },
    ]);
    assert.equal(facts.objects, "[]");
  });

  test("kube-proxy's DaemonSets, by their pods' label, with this program's annotations and Pulumi's", async () => {
    const ours = { "kube-proxy/restart": "t1", "pulumi.com/deletionPropagationPolicy": "orphan" };
    const others = { "deprecated.daemonset.template.generation": "1", "example.com/kube-proxy/x": "2" };
    const status = { numberAvailable: 2 };
    const managedFields = [
      writer("pulumi-kubernetes", "2026-11-26T17:19:56Z"),
      writer("kube-controller-manager", "2026-11-26T17:19:59Z", "status"),
      writer("kubeadm", "2026-11-26T17:19:57Z"),
      writer("kubeadm", "2026-11-26T17:19:55Z"),
    ];
    const { daemonSets } = await ask(
      cluster(
        [],
        [
          daemonSet(
            "kube-proxy",
            "kube-proxy",
            { annotations: { ...ours, ...others }, managedFields },
            status,
          ),
          daemonSet("kube-proxy-canary", "kube-proxy"),
          daemonSet("kube-proxy-windows", "kube-proxy-windows"),
          daemonSet("flannel", "flannel"),
        ],
      ),
    );
    const common = {
      ...{ desired: 3, available: 0, updated: 0, observed: false, annotations: {} },
      ...{ generation: 2, spec: specOf("kube-proxy") },
    };
    const managers = ["kubeadm", "pulumi-kubernetes"];
    assert.deepEqual(daemonSets, [
      { ...common, name: "kube-proxy", uid: "uid of kube-proxy", annotations: ours, managers, available: 2 },
      { ...common, name: "kube-proxy-canary", uid: "uid of kube-proxy-canary", managers: [] },
    ]);
  });

  test("kube-proxy's ConfigMaps, and kubeadm's own where it left one", async () => {
    const metadata = { name: "kube-proxy", resourceVersion: "7" };
    const configMap = { metadata, data: { "config.conf": "mode: nftables" } };
    const empty = { metadata: { name: "kube-proxy-canary", resourceVersion: "8" } };
    const kubeadmConfig = {
      metadata: { name: "kubeadm-config" },
      data: { ClusterConfiguration: "kubernetesVersion: v1.37.2" },
    };
    const labels = { app: "kube-proxy", "kube-proxy/config": "immutable" };
    const creationTimestamp = "2026-11-23T10:00:00Z";
    const made = { name: "kube-proxy-0123456789", resourceVersion: "9", labels, creationTimestamp };
    const { configMaps, immutableConfigs, clusterConfiguration } = await ask(
      cluster([], [], [configMap, empty, { metadata: made, data: {} }], kubeadmConfig),
    );
    assert.deepEqual(immutableConfigs, [
      { name: made.name, resourceVersion: "9", data: {}, created: creationTimestamp },
    ]);
    assert.deepEqual(configMaps, [
      { name: "kube-proxy", resourceVersion: "7", data: { "config.conf": "mode: nftables" } },
      { name: "kube-proxy-canary", resourceVersion: "8", data: {} },
    ]);
    assert.equal(clusterConfiguration, "kubernetesVersion: v1.37.2");
  });

  test("the helpers of a switch between modes", async () => {
    const metadata = { name: "a", uid: "1", labels: { "kube-proxy/helper": "nftables" } };
    const helper = { metadata, spec: {}, status: {} };
    const { helpers } = await ask(cluster([], [], [], undefined, [helper]));
    assert.deepEqual(helpers, [{ uid: "1", mode: "nftables" }]);
  });

  test("neither facts nor errors have the password of a server's or a proxy's address", async () => {
    const server = createServer(cluster([], [])).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const kubeconfigOf = (more: object) =>
      stringify({
        "current-context": "fake",
        contexts: [{ name: "fake", context: { cluster: "fake", user: "fake" } }],
        clusters: [
          {
            name: "fake",
            cluster: {
              server: `http://me:hidden@127.0.0.1:${port}`,
              "insecure-skip-tls-verify": true,
              ...more,
            },
          },
        ],
        users: [{ name: "fake", user: {} }],
      });
    try {
      const facts = await askFacts({ kubeconfig: kubeconfigOf({}) });
      assert.equal(facts.server, `http://127.0.0.1:${port}`);
      assert.doesNotMatch(JSON.stringify(facts), /hidden/);
      const complain = 'console.error("no way to https://me:hidden@login"); process.exit(1);';
      const apiVersion = "client.authentication.k8s.io/v1";
      const exec = {
        apiVersion,
        command: process.execPath,
        args: ["-e", complain],
        interactiveMode: "Never",
      };
      await assert.rejects(ask(refuse, { exec }), /no way to https:\/\/me:PASSWORD@login/);
      for (const proxy of ["http://me:hidden@127.0.0.1:1", "ftp://me:hidden@proxy", "http://me:hidden@:x"]) {
        await assert.rejects(
          askFacts({ kubeconfig: kubeconfigOf({ "proxy-url": proxy }) }),
          (error: Error) => {
            assert.doesNotMatch(error.message, /hidden/);
            return true;
          },
        );
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test("every failure is an error of one line", async () => {
    const cannot = /^the cluster cannot be read: [^\n]+$/;
    const cases: readonly [() => Promise<unknown>, RegExp][] = [
      [() => ask(refuse), /context: "fake" .* said: 403 nodes is forbidden: User cannot list$/],
      [() => ask((_, response) => response.destroy()), /of context fake: http:.* does not answer: /],
      [() => askFacts({ kubeconfig: join(folder, "missing") }), /kubeconfig: ".*missing" is not accepted/],
    ];
    for (const [asking, expected] of cases) {
      await assert.rejects(asking, ({ message }: Error) => {
        assert.match(message, cannot);
        assert.match(message, expected);
        assert.doesNotMatch(message, /\bat .*\.[jt]s:\d+/);
        return true;
      });
    }
  });

  test("credentials are had as kubectl has them; the stack's config goes to nobody", async () => {
    const seen = join(folder, "environment");
    const plugin = join(folder, "plugin.js");
    const credential = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential" };
    writeFileSync(
      plugin,
      `require("fs").writeFileSync(${JSON.stringify(seen)}, Object.keys(process.env).join("\\n"));
      console.log(${JSON.stringify(JSON.stringify({ ...credential, status: { token: "the-token" } }))});`,
    );
    const exec = { apiVersion: credential.apiVersion, command: process.execPath, args: [plugin] };
    const tokens = new Set<string | undefined>();
    const secret = { PULUMI_CONFIG: "{}", PULUMI_CONFIG_PASSPHRASE: "p", CLOUD_PROFILE: "prod" };
    Object.assign(process.env, secret);
    try {
      await ask(
        (request, response) => {
          tokens.add(request.headers.authorization);
          cluster([], [])(request, response);
        },
        { exec: { ...exec, interactiveMode: "Never" } },
      );
    } finally {
      for (const name of Object.keys(secret)) Reflect.deleteProperty(process.env, name);
    }
    assert.deepEqual([...tokens], ["Bearer the-token"]);
    const names = readFileSync(seen, "utf8").split("\n");
    assert.ok(names.includes("CLOUD_PROFILE"));
    assert.deepEqual(
      names.filter((name) => name.startsWith("PULUMI_CONFIG")),
      [],
    );
  });
});
