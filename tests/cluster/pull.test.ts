/** How an image is brought onto many nodes, and what ends that. */
import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { suite, test } from "node:test";
import { type Pull, pull } from "../../components/cluster/pull.ts";
import { planOf } from "../../components/plan/plan.ts";
import { reply, withApiServer } from "./apiServer.ts";

const [wave] = planOf({ kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" }).waves;
const wanted: Pull = { daemonSet: "kube-proxy", spec: wave.daemonSet.spec.template.spec };

interface Pod {
  readonly metadata: { name: string; uid?: string };
  readonly spec: { nodeName: string };
  status: object;
}

const node = (name: string, ready: string, labels = {}) => ({
  metadata: { name, uid: name, labels: { "kubernetes.io/os": "linux", ...labels } },
  spec: {},
  status: { conditions: [{ type: "Ready", status: ready }] },
});

/** Pulls onto nodes whose pods end as they are told; gives what was said, the most pods at a time, and whose nodes had one. */
async function pulling(nodes: readonly object[], endOf: (node: string) => object, patienceMs = 10_000) {
  const pods = new Map<string, Pod>();
  const used: string[] = [];
  const said: string[] = [];
  let most = 0;
  const answer = async (request: IncomingMessage): Promise<object> => {
    const name = request.url?.split("?")[0]?.split("/").at(-1) ?? "";
    if (request.method === "POST") {
      const pod = JSON.parse(await text(request)) as Pod;
      pods.set(pod.metadata.name, { ...pod, status: { phase: "Pending" } });
      used.push(pod.spec.nodeName);
      most = Math.max(most, pods.size);
      return pod;
    }
    if (request.method === "DELETE") {
      pods.delete(name);
      return {};
    }
    if (name === "nodes") return { kind: "NodeList", items: nodes };
    const items = [...pods.values()].map((pod) => structuredClone(pod));
    for (const pod of pods.values()) pod.status = endOf(pod.spec.nodeName);
    return {
      kind: "PodList",
      items: items.map((pod) => ({ ...pod, metadata: { ...pod.metadata, uid: "1" } })),
    };
  };
  const problem = await withApiServer(
    (request, response) =>
      void answer(request).then((body) => {
        reply(response, body);
      }),
    (config) => pull(config, wanted, { patienceMs, log: (line) => said.push(line) }).then(() => "", String),
  );
  return { problem, said, most, used, left: pods.size };
}

const ended = (exitCode: number, message = "") => ({
  phase: exitCode === 0 ? "Succeeded" : "Failed",
  containerStatuses: [{ state: { terminated: { exitCode, message } } }],
});

suite("an image that is pulled before", () => {
  test("goes onto the Ready nodes that are selected, 50 at a time, and nothing of it stays", async () => {
    const many = Array.from({ length: 120 }, (_, index) => node(`node-${index}`, "True"));
    const others = [node("dead", "Unknown"), node("windows", "True", { "kubernetes.io/os": "windows" })];
    const { problem, said, most, used, left } = await pulling([...many, ...others], () => ended(0));
    assert.equal(problem, "");
    assert.deepEqual(said, ["Pulled: registry.k8s.io/kube-proxy:v1.37.2 is on the 120 nodes of kube-proxy"]);
    assert.equal(most, 50);
    assert.deepEqual([...used].sort(), many.map(({ metadata }) => metadata.name).sort());
    assert.equal(left, 0);
  });

  test("that does not run on a node ends it at once, with what that said", { timeout: 60_000 }, async () => {
    const nodes = ["a", "b"].map((name) => node(name, "True"));
    const { problem, left } = await pulling(
      nodes,
      (name) => (name === "b" ? ended(126, "exec format error") : { phase: "Pending" }),
      600_000,
    );
    assert.match(problem, /image on b: it does not run there, exit code 126: exec format error/);
    assert.equal(left, 0);
  });

  test("that comes to no further node within the deadline ends it, each node with the reason", async () => {
    const waiting = { reason: "ImagePullBackOff", message: 'Back-off pulling image "a:b"' };
    const stuck = { phase: "Pending", containerStatuses: [{ state: { waiting } }] };
    const nodes = ["a", "b", "c"].map((name) => node(name, "True"));
    const { problem, left } = await pulling(nodes, (name) => (name === "a" ? ended(0) : stuck), 1500);
    assert.match(problem, /^ProblemsError: 2 problems in pulling/);
    for (const name of ["b", "c"])
      assert.match(problem, new RegExp(`image on ${name}: ImagePullBackOff: Back-off pulling image "a:b"`));
    assert.equal(left, 0);
  });
});
