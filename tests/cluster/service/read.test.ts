/** What is read for a Service, of an API server that forbids, is slow, or answers what no API server would. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, suite, test } from "node:test";
import { examineService, examineServices } from "../../../components/cluster/service/index.ts";
import { FakeApi } from "../hostile/fakeApi.ts";

const space = "/namespaces/shop";
const labels = { app: "web" };

const service = (name: string, more: object = {}) => ({
  metadata: { name, namespace: "shop", ...more },
  spec: {
    type: "ClusterIP",
    clusterIP: "10.96.0.7",
    clusterIPs: ["10.96.0.7"],
    ipFamilies: ["IPv4"],
    selector: labels,
    ports: [{ port: 80, protocol: "TCP", targetPort: 8080 }],
  },
});
const pod = (name: string, node: string, ip: string) => ({
  metadata: { name, namespace: "shop", labels },
  spec: { nodeName: node, containers: [{ image: "web", ports: [{ containerPort: 8080 }] }] },
  status: { phase: "Running", podIPs: [{ ip }], conditions: [{ type: "Ready", status: "True" }] },
});
const endpoint = (name: string, node: string, ip: string) => ({
  addresses: [ip],
  conditions: { ready: true },
  nodeName: node,
  targetRef: { kind: "Pod", name },
});
const slice = (name: string, endpoints: object[]) => ({
  metadata: {
    name: `${name}-abc`,
    namespace: "shop",
    labels: {
      "kubernetes.io/service-name": name,
      "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    },
  },
  addressType: "IPv4",
  ports: [{ name: "", protocol: "TCP", port: 8080 }],
  endpoints,
});

const places: readonly (readonly [name: string, node: string, ip: string])[] = [
  ["web-a", "node-a", "10.244.0.7"],
  ["web-b", "node-b", "10.244.1.7"],
];

/** By path, what a shop has that answers. */
function shop(name = "web"): Map<string, unknown> {
  return new Map<string, unknown>([
    [`/api/v1${space}/services`, [service(name)]],
    [`/api/v1${space}/pods`, places.map((place) => pod(...place))],
    [
      `/apis/discovery.k8s.io/v1${space}/endpointslices`,
      [
        slice(
          name,
          places.map((place) => endpoint(...place)),
        ),
      ],
    ],
    [
      "/apis/networking.k8s.io/v1/servicecidrs",
      [{ metadata: { name: "kubernetes" }, spec: { cidrs: ["10.96.0.0/16"] } }],
    ],
  ]);
}

const web = { namespace: "shop", name: "web" };
const options = { deadlineMs: 10_000 };

suite("what is read for a Service", () => {
  let api: FakeApi;
  beforeEach(async () => {
    api = await FakeApi.start();
  });
  afterEach(() => {
    api.stop();
  });

  /** Answers by path: with a list, with a status that is a number, or never. */
  function serve(answers: ReadonlyMap<string, unknown>): void {
    api.answer = ({ url = "" }, response) => {
      const answer = answers.get(url.replace(/\?.*/, ""));
      if (answer === undefined) return false;
      if (answer === "never") return true;
      const status = typeof answer === "number" ? answer : 200;
      const body =
        typeof answer === "number"
          ? { message: `${answer} it is` }
          : Array.isArray(answer)
            ? { items: answer }
            : answer;
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      return true;
    };
  }

  test("a Service that answers, and how many requests that takes: as many for another one", async () => {
    serve(shop());
    const one = await examineService(api.config, web, options);
    assert.deepEqual([one.ok, one.findings, one.unread], [true, [], {}]);
    assert.deepEqual(one.endpoints, { ready: 2, nodes: 2 });
    const few = api.asked.splice(0);
    assert.ok(few.length <= 15, few.join("\n"));

    const other = shop("other");
    const pods = Array.from({ length: 200 }, (_, index) => pod(`o-${index}`, "node-a", `10.244.0.${index}`));
    const endpoints = pods.map(({ metadata, status }) =>
      endpoint(metadata.name, "node-a", status.podIPs[0]?.ip ?? ""),
    );
    other.set(`/api/v1${space}/pods`, pods);
    other.set(`/apis/discovery.k8s.io/v1${space}/endpointslices`, [slice("other", endpoints)]);
    serve(other);
    const another = await examineService(api.config, { namespace: "shop", name: "other" }, options);
    assert.deepEqual(another.endpoints, { ready: 200, nodes: 1 });
    assert.deepEqual(api.asked.toSorted(), few.toSorted());
    assert.ok(
      api.asked.every((request) => request.startsWith("GET ")),
      "nothing is written",
    );
  });

  const ofTrial = (url: string) => url.includes("/namespaces/kube-proxy-test/");
  const ofPods = (url: string) => url.startsWith(`/api/v1${space}/pods?`);
  for (const [what, late] of [
    ["the pods and a test Service", (url: string) => ofPods(url) || ofTrial(url)],
    ["a test Service", ofTrial],
  ] as const) {
    test(`one deadline for all of it, where the API server never answers for ${what}`, async () => {
      serve(shop());
      const { answer } = api;
      api.answer = (request, response) => late(request.url ?? "") || answer(request, response);
      const began = Date.now();
      const deadlineMs = 4000;
      await examineService(api.config, web, { deadlineMs, isTried: true });
      const ms = Date.now() - began;
      // It is two seconds, and a busy machine takes some more.
      assert.ok(ms < deadlineMs + 3500, `took ${ms} ms`);
    });
  }

  const kinds = [
    ["slices", `/apis/discovery.k8s.io/v1${space}/endpointslices`],
    ["endpoints", `/api/v1${space}/endpoints`],
    ["pods", `/api/v1${space}/pods`],
    ["policies", `/apis/networking.k8s.io/v1${space}/networkpolicies`],
    ["nodes", "/api/v1/nodes"],
    ["serviceCIDRs", "/apis/networking.k8s.io/v1/servicecidrs"],
    ["kubeadm", "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"],
    ["configMaps", "/api/v1/namespaces/kube-system/configmaps"],
    ["proxies", "/apis/apps/v1/namespaces/kube-system/daemonsets"],
    ["otherDaemonSets", "/apis/apps/v1/daemonsets"],
    ["staticPods", "/api/v1/namespaces/kube-system/pods"],
  ] as const;

  for (const [part, path] of kinds) {
    test(`who may not read ${part} is told so, and whatever else can be told`, async () => {
      serve(new Map<string, unknown>([...shop(), [path, 403]]));
      const forbidden = await examineService(api.config, web, options);
      assert.match(forbidden.unread[part] ?? "", /^403 403 it is$/);
      assert.deepEqual(forbidden.findings, []);
      const isDecisive = part === "slices";
      assert.equal(forbidden.verdict.kind, isDecisive ? "unknown" : "answers");
      assert.equal(forbidden.ok, !isDecisive);
      // What does not need it is found all the same.
      const sick = new Map<string, unknown>([...shop(), [path, 403]]);
      sick.set(`/api/v1${space}/services`, [service("web", { deletionTimestamp: "2026-11-28T00:00:00Z" })]);
      serve(sick);
      const { findings } = await examineService(api.config, web, options);
      assert.deepEqual(
        findings.map(({ kind }) => kind),
        ["terminating"],
      );
    });

    test(`${part} of another type are read as none, and that is told`, async () => {
      serve(new Map<string, unknown>([...shop(), [path, { items: [{ metadata: { name: 7 } }] }]]));
      const { unread, findings } = await examineService(api.config, web, options);
      assert.match(unread[part] ?? "", /none of a Kubernetes API server/);
      assert.deepEqual(findings, []);
    });
  }

  test("without the Service itself there is nothing to say", async () => {
    serve(new Map<string, unknown>([...shop(), [`/api/v1${space}/services`, 403]]));
    await assert.rejects(examineService(api.config, web, options), /403 403 it is/);
    await assert.rejects(
      examineService(api.config, { namespace: "shop", name: "gone" }, options),
      /403 403 it is/,
    );
  });

  test("of a Service that is not there the nearest name is told, by two more requests", async () => {
    serve(new Map<string, unknown>([["/api/v1/namespaces", [{ metadata: { name: "shop" } }]]]));
    api.answer = ((before) => (request, response) => {
      const isNamed = request.url?.includes("fieldSelector") ?? false;
      if (!request.url?.startsWith(`/api/v1${space}/services`)) return before(request, response);
      response.end(JSON.stringify({ items: isNamed ? [] : [{ metadata: { name: "wep" } }] }));
      return true;
    })(api.answer);
    const { findings, verdict } = await examineService(api.config, web, options);
    assert.equal(findings[0]?.words, "Namespace shop has no Service web; did you mean wep?");
    assert.equal(verdict.sentence, "kube-proxy is not the reason: there is no such Service.");
    assert.equal(api.asked.length, 3, api.asked.join("\n"));
  });

  test("what is not answered in time is told, and whatever else can be told", async () => {
    serve(
      new Map<string, unknown>([...shop(), [`/apis/discovery.k8s.io/v1${space}/endpointslices`, "never"]]),
    );
    const one = await examineService(api.config, web, { deadlineMs: 500 });
    assert.match(one.unread["slices"] ?? "", /no answer in time/);
    assert.equal(one.verdict.sentence, "It cannot be told from here: the EndpointSlices could not be read.");
  });

  test("a megabyte of annotations of each object is nobody's matter", async () => {
    const annotations = { "example.com/long": "x\u001b[2J".repeat(200_000) };
    const long = new Map(
      [...shop()].map(([path, items]) => [
        path,
        (items as { metadata: object }[]).map((item) => ({
          ...item,
          metadata: { ...item.metadata, annotations },
        })),
      ]),
    );
    serve(long);
    const one = await examineService(api.config, web, options);
    assert.deepEqual([one.ok, one.findings, one.unread], [true, [], {}]);
    assert.ok(JSON.stringify(one).length < 2000);
  });

  test("all Services, by pages", async () => {
    const all = Array.from({ length: 7 }, (_, index) => service(`web-${index}`));
    const paged: Record<string, object[]> = {
      "/api/v1/services": all,
      "/api/v1/pods": places.map((place) => pod(...place)),
      "/apis/discovery.k8s.io/v1/endpointslices": all.slice(1).map(({ metadata: { name } }) =>
        slice(
          name,
          places.map((place) => endpoint(...place)),
        ),
      ),
    };
    api.answer = ({ url = "" }, response) => {
      const { pathname, searchParams } = new URL(url, "http://fake");
      const items = paged[pathname];
      if (items === undefined) return false;
      // Two at a time, whatever is asked for.
      const start = Number(searchParams.get("continue") ?? 0);
      const metadata = start + 2 < items.length ? { continue: String(start + 2) } : {};
      response.end(JSON.stringify({ metadata, items: items.slice(start, start + 2) }));
      return true;
    };
    const found = await examineServices(api.config, options);
    assert.equal(found.services, 7);
    assert.deepEqual(
      found.diagnoses.map(({ name, findings }) => [name, findings.map(({ kind }) => kind)]),
      [["web-0", ["slices-missing"]]],
    );
    assert.deepEqual([found.ok, found.counts.stops, found.unread], [false, 1, {}]);
    assert.ok(api.asked.filter((request) => request === "GET /api/v1/services").length === 4);
  });
});
