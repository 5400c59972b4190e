/** An API server that does not let a connection to a pod through, or not yet. */
import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { suite, test } from "node:test";
import { probe } from "../../../components/cluster/verify/probe.ts";
import type { Probed } from "../../../components/cluster/verify/types.ts";
import { withApiServer } from "../apiServer.ts";
import { answers } from "./fixtures.ts";
import { forwardPorts } from "./portForward.ts";

const { metrics, configz } = answers();
const kubeProxy: RequestListener = ({ url = "" }, response) => {
  response.end({ "/metrics": metrics, "/configz": configz }[url] ?? "iptables");
};

interface Asked {
  readonly probed: Probed;
  /** Connections that were asked for and not let through, and are still there. */
  readonly left: number;
  /** When a connection was asked for, in milliseconds since the first time. */
  readonly times: readonly number[];
  readonly ms: number;
}

/**
 * Asks a kube-proxy to which the API server lets nobody through so often.
 *
 * @param refusal - its answer; undefined for none
 */
async function ask(refusal: string | undefined, { times = 1, deadlineMs = 30_000 } = {}): Promise<Asked> {
  const pods = createServer();
  forwardPorts(pods, () => kubeProxy);
  const asked: number[] = [];
  const refused: Duplex[] = [];
  const probed = await withApiServer(
    (_, response) => response.end(),
    async (config, server) => {
      server.on("upgrade", (request, socket, head) => {
        asked.push(Date.now());
        if (asked.length > times) {
          pods.emit("upgrade", request, socket, head);
          return;
        }
        refused.push(socket.resume());
        if (refusal !== undefined) socket.write(`HTTP/1.1 ${refusal}\r\nContent-Length: 0\r\n\r\n`);
      });
      const answer = await probe(config, { pod: "a", port: 10249 }, AbortSignal.timeout(deadlineMs));
      // What its other end has done is here a moment later.
      const ends = refused.map((one) => finished(one, { writable: false }).catch(() => undefined));
      await Promise.race([Promise.all(ends), sleep(2000, undefined, { ref: false })]);
      return answer;
    },
  );
  const left = refused.filter(({ readable }) => readable).length;
  for (const socket of refused) socket.destroy();
  const [first = 0] = asked;
  return { probed, left, times: asked.map((time) => time - first), ms: Date.now() - first };
}

suite("a connection to a pod", { concurrency: true }, () => {
  // The longest is longer than what a kube-proxy is given to answer.
  for (const [refusal, waitMs] of [
    ["429 Too Many Requests\r\nRetry-After: 2", 2000],
    ["429 Too Many Requests\r\nRetry-After: 6", 6000],
    ["429 Too Many Requests", 1000],
    ["503 Service Unavailable\r\nRetry-After: 1", 1000],
  ] as const) {
    test(`is asked for again after ${waitMs / 1000} s where the answer is ${refusal.replace("\r\n", ", ")}`, async () => {
      const { probed, left, times } = await ask(refusal);
      assert.equal(typeof probed === "string" ? probed : probed.mode, "iptables");
      assert.deepEqual([times.length, left], [2, 0]);
      // A timer may be early by one.
      assert.ok((times[1] ?? 0) >= waitMs - 10, `again after ${times[1]} ms`);
    });
  }

  test("is asked for as often as the API server says so", async () => {
    const { probed, times } = await ask("429 Too Many Requests\r\nRetry-After: 0", { times: 3 });
    assert.equal(typeof probed, "object");
    assert.equal(times.length, 4);
  });

  test("is refused where it says nothing of the sort, or a time that nobody waits", async () => {
    for (const [refusal, said] of [
      ["503 Service Unavailable", "the API server answers with status 503"],
      ["429 Too Many Requests\r\nRetry-After: 3600", "the API server answers with status 429"],
      [
        "403 Forbidden\r\nRetry-After: 0",
        'the user cannot get or create resource "pods/portforward" in namespace "kube-system"',
      ],
    ] as const) {
      const { probed, times } = await ask(refusal);
      assert.equal(probed, `its metrics cannot be read: ${said}`);
      assert.equal(times.length, 1);
    }
  });

  test("is not waited for longer than who asks wants to wait", async () => {
    const { probed, ms } = await ask("429 Too Many Requests\r\nRetry-After: 9", { deadlineMs: 500 });
    assert.equal(probed, "its metrics cannot be read: the deadline has passed");
    assert.ok(ms < 5000, `took ${ms} ms`);
  });

  test("is given up where there is no answer, and ended", async () => {
    const { probed, left, times } = await ask(undefined);
    assert.equal(probed, "its metrics cannot be read: no complete answer within 5 s");
    assert.deepEqual([times.length, left], [1, 0]);
  });
});
