/** How much memory `npm run doctor -- --all` takes for a large cluster, measured in a process of its own. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { FakeApi } from "../hostile/fakeApi.ts";

const services = 5000;
const podsEach = 10;

/** As `npm run doctor` is told, see package.json. */
const flags = ["--max-semi-space-size=2", "--heap-growing-percent=50"];

const root = join(import.meta.dirname, "..", "..", "..");
const urlOf = (...path: string[]) => JSON.stringify(pathToFileURL(join(root, ...path)).href);

/** Asks about all Services, and prints what came of it and the most memory that it took. */
const script = `
  const { loadCluster } = await import(${urlOf("components", "cluster", "client.ts")});
  const { examineServices } = await import(${urlOf("components", "cluster", "service", "index.ts")});
  const config = loadCluster({ kubeconfig: process.env.CONFIG }, process.env);
  const { services, diagnoses, unread } = await examineServices(config, { deadlineMs: 300_000 });
  const found = diagnoses.map(({ name, findings }) => [name, ...findings.map(({ kind }) => kind)]);
  console.log(JSON.stringify({ services, found, unread, mb: process.resourceUsage().maxRSS / 1024 }));`;

const managedFields = [{ manager: "kubelet", fieldsV1: { "f:status": "x".repeat(1500) } }];
const addressOf = (index: number) => `10.${128 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
const placeOf = (index: number) => ({ name: `svc-${index}`, namespace: `ns-${index % 200}` });
const serviceOf = (index: number): object => ({
  metadata: placeOf(index),
  spec: {
    clusterIPs: [`10.96.${index >> 8}.${index & 255}`],
    ipFamilies: ["IPv4"],
    selector: { app: `svc-${index}`, tier: "front" },
    ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: 8080 }],
  },
});

function pod(index: number): object {
  const service = placeOf(Math.floor(index / podsEach));
  return {
    metadata: {
      name: `${service.name}-${index % podsEach}`,
      namespace: service.namespace,
      labels: { app: service.name, tier: "front" },
      managedFields,
    },
    spec: { nodeName: "node-a", containers: [{ ports: [{ containerPort: 8080 }] }] },
    status: {
      phase: "Running",
      podIPs: [{ ip: addressOf(index) }],
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
}

/** The last Service has none. */
function slice(index: number): object {
  const { name, namespace } = placeOf(index);
  const labels = {
    "kubernetes.io/service-name": index === services - 1 ? "gone" : name,
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
  };
  return {
    metadata: { name: `${name}-abc`, namespace, labels },
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints: Array.from({ length: podsEach }, (_, one) => ({
      addresses: [addressOf(index * podsEach + one)],
      conditions: { ready: true },
      nodeName: "node-a",
      targetRef: { kind: "Pod", name: `${name}-${one}` },
    })),
  };
}

const lists: Readonly<Record<string, readonly [number, (index: number) => object]>> = {
  "/api/v1/services": [services, serviceOf],
  "/api/v1/pods": [services * podsEach, pod],
  "/apis/discovery.k8s.io/v1/endpointslices": [services, slice],
};

test("5,000 Services with 50,000 endpoints take less than 500 MB", async () => {
  const api = await FakeApi.start();
  api.answer = ({ url = "" }, response) => {
    const { pathname, searchParams } = new URL(url, "http://x");
    const [count = 0, make] = lists[pathname] ?? [];
    if (make === undefined) return false;
    const begin = Number(searchParams.get("continue") ?? 0);
    const end = Math.min(begin + Number(searchParams.get("limit") ?? count), count);
    const items = Array.from({ length: end - begin }, (_, index) => make(begin + index));
    response.end(JSON.stringify({ items, metadata: end < count ? { continue: String(end) } : {} }));
    return true;
  };
  try {
    const env = { ...process.env, CONFIG: api.kubeconfig() };
    const child = spawn(process.execPath, [...flags, "--input-type=module", "-e", script], { env });
    const [printed, complaint] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    assert.equal(complaint, "");
    const { mb, ...read } = JSON.parse(printed) as { mb: number };
    assert.deepEqual(read, { services, found: [[`svc-${services - 1}`, "slices-missing"]], unread: {} });
    assert.ok(mb < 500, `took ${mb} MB`);
  } finally {
    api.stop();
  }
});
