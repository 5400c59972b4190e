import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { suite, test } from "node:test";
import { KubeConfig } from "@kubernetes/client-node";
import { Session } from "../../components/cluster/session.ts";
import { readFacts } from "../../components/cluster/facts.ts";
import { Reader } from "../../components/cluster/reader.ts";
import { accessesOf } from "../../components/preflight/rights.ts";

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** Runs work against a server that stands in for an API server; gives also what it was asked for. */
async function against<T>(answer: Answer, work: (config: KubeConfig) => Promise<T>) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      answer(request, response, body);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    {
      name: "fake",
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      skipTLSVerify: true,
    },
    { name: "fake" },
  );
  try {
    return { result: await work(config), asked };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const json = (response: ServerResponse, body: object, status = 200) => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
};
const reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/** A cluster that has these things by their paths, all rights, and nothing else. */
function cluster(things: Readonly<Record<string, object>>): Answer {
  return ({ url = "" }, response) => {
    const path = url.replace(/\?.*/, "");
    const isList = url.includes("limit=");
    const found = path === reviews ? { status: { allowed: true } } : things[path];
    if (found === undefined && !isList) {
      json(response, { message: "not found" }, 404);
    } else {
      // Of metadata alone there is no empty list.
      const none = path.endsWith("/pods") ? null : [];
      json(response, isList ? { items: found ?? none } : (found ?? {}));
    }
  };
}

const read = async (things: Readonly<Record<string, object>>) =>
  (await against(cluster(things), (config) => readFacts(config, []))).result;

suite("what stands around kube-proxy", () => {
  test("is empty where there is nothing", async () => {
    assert.deepEqual(
      { ...(await read({})), server: "" },
      {
        nodes: [],
        daemonSets: [],
        configMaps: [],
        helpers: [],
        objects: "[]",
        webhooks: [],
        quotas: [],
        clusterRoles: [],
        priorityClasses: [],
        serviceCIDRs: [],
        apiServers: [],
        otherDaemonSets: [],
        controllers: [],
        staticPods: [],
        dataPlanes: [],
        denied: [],
        server: "",
        context: "loaded-context",
      },
    );
  });

  test("webhooks that fail closed, with the API's defaults; those that fail open are left out", async () => {
    const clientConfig = { service: { namespace: "a", name: "b" }, caBundle: "large" };
    const rule = { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] };
    const { webhooks } = await read({
      "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations": [
        {
          metadata: { name: "one" },
          webhooks: [
            { name: "w", clientConfig, rules: [rule], matchConditions: [{}] },
            { name: "open", clientConfig, failurePolicy: "Ignore" },
          ],
        },
      ],
      "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations": [
        { metadata: { name: "two" }, webhooks: [{ name: "u", clientConfig: { url: "https://x" } }] },
        { metadata: { name: "empty" } },
      ],
    });
    const rules = [
      { operations: ["CREATE"], groups: [""], versions: ["v1"], resources: ["pods"], scope: "*" },
    ];
    const selectors = { namespaceSelector: {}, objectSelector: {} };
    assert.deepEqual(webhooks, [
      {
        ...selectors,
        configuration: "ValidatingWebhookConfiguration one",
        name: "w",
        rules,
        service: "a/b",
        conditional: true,
      },
      { ...selectors, configuration: "MutatingWebhookConfiguration two", name: "u", rules: [] },
    ]);
  });

  test("static pods, network plugins and other DaemonSets", async () => {
    const pod = (name: string, labels: object, kind: string) => ({
      metadata: { name, namespace: "kube-system", labels, ownerReferences: [{ kind }] },
    });
    const daemonSet = (namespace: string, name: string, image: string, env: object[] = []) => ({
      metadata: { namespace, name, uid: name },
      spec: {
        template: { metadata: { labels: {} }, spec: { containers: [{ name, image, args: ["--a"], env }] } },
      },
      status: {},
    });
    const felix = "/apis/crd.projectcalico.org/v1/felixconfigurations/default";
    const things = {
      "/api/v1/namespaces/kube-system/pods": [
        pod("kube-proxy-a", { component: "kube-proxy" }, "Node"),
        pod("kube-proxy-b", { "k8s-app": "kube-proxy" }, "DaemonSet"),
        pod("etcd-a", { component: "etcd" }, "Node"),
      ],
      "/apis/apps/v1/namespaces/kube-system/daemonsets": [
        daemonSet("kube-system", "cilium", "quay.io/cilium/cilium:v1.18.0@sha256:00"),
      ],
      "/apis/apps/v1/daemonsets": [daemonSet("calico-system", "calico-node", "docker.io/calico/node:v3.30")],
      "/api/v1/namespaces/kube-system/configmaps/cilium-config": {
        metadata: { name: "cilium-config" },
        data: { "kube-proxy-replacement": "true" },
      },
      [felix]: { metadata: { name: "default" }, spec: { bpfEnabled: true } },
    };
    const facts = await read(things);
    assert.deepEqual(facts.staticPods, [{ namespace: "kube-system", name: "kube-proxy-a" }]);
    assert.deepEqual(
      facts.otherDaemonSets?.map(({ namespace, name, containers }) => [
        namespace,
        name,
        containers[0]?.command,
      ]),
      [
        ["kube-system", "cilium", ["--a"]],
        ["calico-system", "calico-node", ["--a"]],
      ],
    );
    assert.deepEqual(facts.dataPlanes, [
      {
        plugin: "Cilium",
        setting: "kube-proxy-replacement in ConfigMap kube-system/cilium-config",
        value: "true",
      },
      { plugin: "Calico", setting: "bpfEnabled in FelixConfiguration default", value: "true" },
    ]);
    const env = [{ name: "FELIX_BPFENABLED", value: "false" }];
    const overridden = await read({
      ...things,
      "/apis/apps/v1/namespaces/kube-system/daemonsets": [],
      "/apis/apps/v1/daemonsets": [daemonSet("calico-system", "calico-node", "calico/node:v3.30", env)],
    });
    assert.deepEqual(
      overridden.dataPlanes?.map(({ value }) => value),
      ["false"],
    );
  });

  test("everything that makes pods in kube-system, with what it selects", async () => {
    const matchLabels = { "k8s-app": "kube-proxy" };
    const one = (name: string, selector: object) => ({ metadata: { name }, spec: { selector } });
    const template = { metadata: { labels: {} }, spec: { containers: [] } };
    const { controllers } = await read({
      "/apis/apps/v1/namespaces/kube-system/daemonsets": [
        {
          metadata: { namespace: "kube-system", name: "a" },
          spec: { selector: { matchLabels }, template },
          status: {},
        },
      ],
      "/apis/apps/v1/namespaces/kube-system/replicasets": [one("b", { matchLabels })],
      "/apis/apps/v1/namespaces/kube-system/statefulsets": [one("c", { matchLabels })],
      "/apis/batch/v1/namespaces/kube-system/jobs": [one("d", { matchLabels })],
      "/api/v1/namespaces/kube-system/replicationcontrollers": [one("e", matchLabels)],
    });
    const kinds = ["DaemonSet", "ReplicaSet", "StatefulSet", "Job", "ReplicationController"];
    assert.deepEqual(
      controllers,
      kinds.map((kind, index) => ({ kind, name: "abcde"[index], selector: { matchLabels } })),
    );
  });

  test("costs the same number of requests whatever there is, and one more for each further page of nodes", async () => {
    const node = (name: number) => ({ metadata: { name: `node-${name}` }, spec: {}, status: {} });
    const pages: Answer = (request, response, body) => {
      const url = new URL(request.url ?? "", "http://x");
      if (url.pathname !== "/api/v1/nodes") {
        cluster({})(request, response, body);
        return;
      }
      const from = Number(url.searchParams.get("continue") ?? 0);
      const limit = Number(url.searchParams.get("limit"));
      const items = Array.from({ length: Math.min(limit, 1200 - from) }, (_, index) => node(from + index));
      const more = from + limit < 1200;
      json(response, { items, metadata: more ? { continue: String(from + limit) } : {} });
    };
    const none = await against(cluster({}), (config) => readFacts(config, []));
    const many = await against(pages, (config) => readFacts(config, []));
    assert.equal(many.result.nodes.length, 1200);
    assert.equal(new Set(many.result.nodes.map(({ name }) => name)).size, 1200);
    assert.equal(none.asked.length, 27);
    assert.equal(many.asked.length, none.asked.length + 2);
  });

  test("what the API server has in memory is asked for where the answer is short: kubelets' own pods, no nodes", async () => {
    const { asked } = await against(cluster({}), (config) => readFacts(config, []));
    const fromMemory = asked.filter((one) => one.includes("resourceVersion=0"));
    assert.deepEqual(
      fromMemory.map((one) => one.replace(/&limit=.*/, "")),
      ["GET /api/v1/namespaces/kube-system/pods?labelSelector=%21controller-revision-hash&resourceVersion=0"],
    );
  });

  test("rights: an administrator is asked once, anybody else for each right", async () => {
    const grudging: Answer = (request, response, body) => {
      if (request.url !== reviews) {
        cluster({})(request, response, body);
        return;
      }
      const { spec } = JSON.parse(body) as { spec: { resourceAttributes: Record<string, string> } };
      const { verb, resource, subresource } = spec.resourceAttributes;
      const allowed = verb !== "*" && !(resource === "pods" && subresource === "portforward");
      json(response, { status: { allowed } });
    };
    const { result, asked } = await against(grudging, (config) => readFacts(config, ["canary"]));
    assert.deepEqual(result.denied, [
      "create pods/portforward in kube-system",
      "get pods/portforward in kube-system",
    ]);
    assert.equal(asked.filter((one) => one.includes(reviews)).length, 1 + accessesOf(["canary"]).length);
  });
});

suite("a cluster that is half broken", () => {
  const broken = (path: string, how: (response: ServerResponse) => void): Answer => {
    return (request, response, body) => {
      if (request.url?.startsWith(path)) how(response);
      else cluster({})(request, response, body);
    };
  };

  test("each thing is read by itself; what fails is named with its reason", async () => {
    const cases: readonly [how: (response: ServerResponse) => void, RegExp][] = [
      [
        (response) => {
          json(response, { message: "etcd is away" }, 500);
        },
        /^500 etcd is away$/,
      ],
      [
        (response) => {
          json(response, { message: "no" }, 403);
        },
        /^403 no$/,
      ],
      [
        (response) => {
          response.end("<html>");
        },
        /JSON/,
      ],
      [
        (response) => {
          response.destroy();
        },
        /closed|socket|ECONNRESET/,
      ],
      [
        (response) => {
          response.writeHead(200).write('{"items": [');
          response.destroy();
        },
        /terminated|closed|ECONNRESET/,
      ],
    ];
    for (const [how, reason] of cases) {
      const answer = broken("/api/v1/namespaces/kube-system/resourcequotas", how);
      const { result } = await against(answer, (config) => readFacts(config, []));
      assert.deepEqual(Object.keys(result.unread ?? {}), ["quotas"]);
      assert.match(result.unread?.["quotas"] ?? "", reason);
      assert.equal(result.quotas, undefined);
      assert.deepEqual(result.priorityClasses, []);
    }
  });

  test("a list that fails in the middle is no list", async () => {
    const answer: Answer = (request, response, body) => {
      const isFirst = request.url === "/api/v1/nodes?limit=500";
      const page = {
        items: [{ metadata: { name: "a" }, spec: {}, status: {} }],
        metadata: { continue: "2" },
      };
      if (isFirst) json(response, page);
      else
        broken("/api/v1/nodes", () => {
          json(response, { message: "timeout" }, 504);
        })(request, response, body);
    };
    const { result } = await against(answer, (config) => readFacts(config, []));
    assert.deepEqual(result.nodes, []);
    assert.deepEqual(result.unread, { nodes: "504 timeout" });
  });

  test("a list that stays open is given up in time, and nothing else with it", async () => {
    const answer = broken("/slow", (response) => {
      response.writeHead(200).write('{"items": [');
    });
    await against(answer, async (config) => {
      const session = await Session.open(config);
      const reader = new Reader(session, { idleMs: 300 });
      const slow = reader.fact("slow", reader.list("/slow"));
      assert.deepEqual(await reader.fact("fast", reader.list("/fast")), []);
      assert.equal(await slow, undefined);
      assert.deepEqual(reader.unread, { slow: "no answer in time" });
      await session.close();
    });
  });
});
