/** A drain waits for what ipvs carries, and goes on or not with what is left at the deadline. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { drain, type DrainOptions } from "../../components/cluster/modeSwitch/drain.ts";
import type { Pod } from "../../components/cluster/workload.ts";
import { ProblemsError } from "../../components/input/problems.ts";
import { reply, withApiServer } from "./apiServer.ts";

const beside = (node: string): Pod => ({
  metadata: { name: `kube-proxy-${node}`, uid: node },
  spec: { nodeName: node, containers: [{ image: "kube-proxy" }] },
  status: {},
});

const carries = (connections: number, own = 0, ip = false) =>
  `${ip ? "ip\n" : ""}servers 2\ndevice 1\nconnections ${connections}\nflows 0\nown ${own}\n` +
  (connections > 0 ? `at TCP 0A600001 01BB ${connections}\n` : "");

interface Drained {
  readonly lines: readonly string[];
  readonly error: string | undefined;
  /** How often each node was counted. */
  readonly counts: Readonly<Record<string, number>>;
  /** What is left of the pods that count. */
  readonly pods: number;
  readonly images: ReadonlySet<string>;
}

/**
 * Drains nodes that tell, one count after the other, what is given; the last one again and again.
 *
 * @param told - what each node says; undefined for a pod that is gone with its kube-proxy
 */
async function drained(
  told: Readonly<Record<string, readonly (string | undefined)[]>>,
  options: Partial<DrainOptions> = {},
): Promise<Drained> {
  const pods = new Map<string, object>();
  const counts: Record<string, number> = {};
  const images = new Set<string>();
  const lines: string[] = [];
  const answer = (method: string | undefined, path: string, body: string): object | undefined => {
    const name = path.split("/").at(-1)?.split("?")[0] ?? "";
    if (method === "GET") return { items: [...pods.values()] };
    if (method === "DELETE") return pods.delete(name) ? {} : undefined;
    const { metadata, spec } = JSON.parse(body) as Pod;
    const node = spec.nodeName ?? "";
    const says = told[node] ?? [];
    const index = counts[node] ?? 0;
    counts[node] = index + 1;
    images.add(spec.containers[0]?.image ?? "");
    const message = index < says.length ? says[index] : says.at(-1);
    if (message === undefined) return {};
    const state = { terminated: { exitCode: message.startsWith("sh:") ? 127 : 0, message } };
    pods.set(metadata.name, {
      metadata: { ...metadata, uid: `${node}-${index}` },
      spec,
      status: { phase: "Succeeded", containerStatuses: [{ state }] },
    });
    return {};
  };
  const error = await withApiServer(
    (request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        reply(response, answer(request.method, request.url ?? "", body));
      });
    },
    (config) =>
      drain(config, Object.keys(told).map(beside), {
        ...{ drain: "20s", timeoutMs: 20_000, onDeadline: "stop", countMs: 5000 },
        ...{ image: undefined, others: [], untouched: "nothing was touched" },
        log: (line) => void lines.push(line),
        ...options,
      }).then(
        () => undefined,
        (reason: unknown) => {
          assert.ok(reason instanceof ProblemsError);
          return reason.message;
        },
      ),
  );
  return { lines, error, counts, pods: pods.size, images };
}

suite("a drain", () => {
  test("ends when no node carries a connection, and asks those no more that do not", async () => {
    const { lines, error, counts, pods } = await drained({ a: [carries(2), carries(0)], b: [carries(0)] });
    assert.equal(error, undefined);
    assert.deepEqual(lines, [
      "ipvs still carries: a 2 connections (2 to 10.96.0.1:443)",
      "Drained: ipvs carries no connection any more",
    ]);
    assert.deepEqual(counts, { a: 2, b: 1 });
    assert.equal(pods, 0);
  });

  test("stops at the deadline, with every node and what it carries, and leaves no pod", async () => {
    const { error, pods } = await drained(
      { a: [carries(2)], b: [carries(0)], c: [carries(1, 1)] },
      { timeoutMs: 0 },
    );
    assert.match(error ?? "", /^3 problems in draining ipvs; nothing was touched:/);
    assert.match(error ?? "", /ipvs on a: carries 2 connections \(2 to 10\.96\.0\.1:443\)/);
    assert.match(error ?? "", /ipvs on c: carries 1 connection .*, 1 connection of the node itself/);
    assert.match(
      error ?? "",
      /modeSwitch: run pulumi up again to wait 20s once more, or set .* by modeSwitch\.image/,
    );
    assert.doesNotMatch(error ?? "", /ipvs on b/);
    assert.equal(pods, 0);
  });

  for (const [onDeadline, word] of [
    ["cut", "Cut"],
    ["keep", "Kept"],
  ] as const) {
    test(`goes on at the deadline with ${onDeadline}, and names what is left`, async () => {
      const { lines, error } = await drained({ a: [carries(2)] }, { timeoutMs: 0, onDeadline });
      assert.equal(error, undefined);
      assert.equal(lines.at(-1), `${word}, as modeSwitch says: a 2 connections (2 to 10.96.0.1:443)`);
    });
  }

  test("does not wait for what nothing ends: a node's own connections, without an image that has ip", async () => {
    const own = { a: [carries(0, 3)] };
    const stopped = await drained(own, { timeoutMs: 3_600_000 });
    assert.match(stopped.error ?? "", /ipvs on a: carries 0 connections, 3 connections of the node itself/);
    assert.deepEqual(stopped.counts, { a: 1 });
    const ended = await drained({ a: [carries(0, 3, true), carries(0)] }, { image: "tools" });
    assert.equal(ended.error, undefined);
    assert.deepEqual([...ended.images], ["tools"]);
  });

  test("is refused at once where others have virtual servers, and what counts could not leave those", async () => {
    const others = ["192.0.2.0/24"];
    for (const told of [carries(0), carries(2)]) {
      const { error, pods } = await drained({ a: [told] }, { others, image: "tools" });
      assert.match(
        error ?? "",
        /draining ipvs; nothing was touched:\n.*modeSwitch\.image: "tools" is not accepted; accepted: .* ipvsadm: .* at 192\.0\.2\.0\/24/,
      );
      assert.equal(pods, 0);
    }
    const able = await drained({ a: [`ipvsadm\n${carries(0)}`] }, { others, image: "tools" });
    assert.equal(able.error, undefined);
    // Without ipvs there is nothing to leave.
    assert.equal((await drained({ a: ["gone\ndevice 0\n"] }, { others })).error, undefined);
    const kept = await drained({ a: [carries(2)] }, { others, timeoutMs: 0, onDeadline: "keep" });
    assert.equal(kept.error, undefined);
  });

  test("a node that cannot be counted is not taken for one that carries nothing", async () => {
    const { error } = await drained({ a: ["sh: not found"] }, { timeoutMs: 0 });
    assert.match(error ?? "", /ipvs on a: is not counted: sh: not found/);
  });

  test("a node whose kube-proxy is gone meanwhile is none any more", async () => {
    const { error, lines } = await drained({ a: [undefined] });
    assert.equal(error, undefined);
    assert.deepEqual(lines, ["Drained: ipvs carries no connection any more"]);
  });
});
