/** How much memory the proof takes for a large cluster, measured in a process that reads one. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { FakeApi } from "../hostile/fakeApi.ts";

const nodes = 15_000;

/** As the commands are told, see `components/resources/commands.ts`. */
const flags = ["--max-semi-space-size=2", "--heap-growing-percent=50"];

const root = join(import.meta.dirname, "..", "..", "..");
const urlOf = (...path: string[]) => JSON.stringify(pathToFileURL(join(root, ...path)).href);

/** Reads the fleet twice, with V8 told as the commands tell it, as a proof does more often, and prints how many nodes it has and the most memory it took. */
const script = `
  const { loadCluster } = await import(${urlOf("components", "cluster", "client.ts")});
  const { closeSession } = await import(${urlOf("components", "cluster", "api.ts")});
  const { readFleetInTime } = await import(${urlOf("components", "cluster", "verify", "fleet.ts")});
  const config = loadCluster({ kubeconfig: process.env.CONFIG }, process.env);
  const read = () => readFleetInTime(config, { daemonSet: "kube-proxy", nodes: undefined }, AbortSignal.timeout(120_000));
  await read();
  const fleet = await read();
  await closeSession(config);
  const served = fleet.nodes.filter(({ pods }) => pods.length === 1).length;
  console.log(JSON.stringify({ nodes: fleet.nodes.length, served, mb: process.resourceUsage().maxRSS / 1024 }));`;

/** 16 kB, as a node has with 50 images. */
const images = Array.from({ length: 50 }, (_, index) => {
  const name = `registry.example.com/team/image-${index}`;
  return {
    names: [`${name}@sha256:${"0123456789abcdef".repeat(4)}`, `${name}:v1.${index}.0-build.20261128`],
    sizeBytes: 1e8,
  };
});

function node(index: number): object {
  const labels = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`example.com/label-${i}`, `value-${index}`]),
  );
  const conditions = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].map((type) => {
    return {
      type,
      status: type === "Ready" ? "True" : "False",
      reason: "KubeletSaysSo",
      message: "x".repeat(100),
    };
  });
  const managedFields = [{ manager: "kubelet", fieldsV1: { "f:status": "x".repeat(3000) } }];
  return {
    metadata: { name: `node-${index}`, labels, managedFields },
    spec: {},
    status: { conditions, images },
  };
}

function pod(index: number): object {
  const ownerReferences = [{ kind: "DaemonSet", name: "kube-proxy", uid: "ds" }];
  const managedFields = [{ manager: "kubelet", fieldsV1: { "f:status": "x".repeat(3000) } }];
  const labels = { "k8s-app": "kube-proxy", "controller-revision-hash": "new" };
  return {
    metadata: { name: `kube-proxy-${index}`, labels, ownerReferences, managedFields },
    spec: { nodeName: `node-${index}`, containers: [] },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  };
}

test("15,000 nodes take less than 200 MB", async () => {
  const api = await FakeApi.start();
  api.answer = ({ url = "" }, response) => {
    const { pathname, searchParams } = new URL(url, "http://x");
    const make = { "/api/v1/nodes": node, "/api/v1/namespaces/kube-system/pods": pod }[pathname];
    if (make === undefined) return false;
    const begin = Number(searchParams.get("continue") ?? 0);
    const limit = Number(searchParams.get("limit") ?? nodes);
    const end = Math.min(begin + limit, nodes);
    const items = Array.from({ length: end - begin }, (_, index) => make(begin + index));
    response.end(JSON.stringify({ items, metadata: end < nodes ? { continue: String(end) } : {} }));
    return true;
  };
  try {
    const env = { ...process.env, CONFIG: api.kubeconfig() };
    const child = spawn(process.execPath, [...flags, "--input-type=module", "-e", script], {
      env,
    });
    const [printed, complaint] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    assert.equal(complaint, "");
    const { mb, ...read } = JSON.parse(printed) as { nodes: number; served: number; mb: number };
    assert.deepEqual(read, { nodes, served: nodes });
    assert.ok(mb < 200, `took ${mb} MB`);
  } finally {
    api.stop();
  }
});
