/** A connection to a kube-proxy that ends before the answer is whole: told at once, in one sentence. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { aborted } from "../../../components/cluster/concurrency.ts";
import { probe } from "../../../components/cluster/verify/probe.ts";
import { FakeApi, type Forward } from "../hostile/fakeApi.ts";

/** How a connection ends, and what is said of it. */
const ends: Readonly<Record<string, readonly [Forward, RegExp]>> = {
  "by a refusal that comes before the question": [
    // In one piece with the answer to the handshake, so that nothing is asked by then.
    (_, socket) => {
      socket.send(Buffer.from("\u0001\0\0"));
      socket.send(Buffer.from("\u0001error forwarding port"));
    },
    /^error forwarding port$/,
  ],
  "as soon as something is asked": [
    (_, socket) => {
      socket.on("message", () => {
        socket.terminate();
      });
    },
    /^socket hang up$/,
  ],
  "by an answer that is no HTTP": [
    (_, socket) => {
      socket.on("message", () => {
        socket.send(Buffer.from("\0\0\0no such thing\r\n\r\n"));
      });
    },
    /^Parse Error/,
  ],
  "in the middle of the answer": [
    (_, socket) => {
      socket.on("message", () => {
        socket.send(Buffer.from("\0\0\0HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"));
        socket.terminate();
      });
    },
    /^(Premature close|aborted)$/,
  ],
};

suite("a connection to a kube-proxy that ends", { concurrency: true }, () => {
  for (const [how, [forward, said]] of Object.entries(ends)) {
    test(how, async () => {
      const api = await FakeApi.start();
      api.forward = forward;
      try {
        const { signal } = new AbortController();
        // Shorter than what a kube-proxy is given to answer.
        const answer = await Promise.race([
          probe(api.config, { pod: "kube-proxy-node-a", port: 10249 }, signal),
          aborted(AbortSignal.timeout(4000)),
        ]);
        const text = typeof answer === "string" ? answer : "";
        const [, reason = ""] = /^its metrics cannot be read: (.*)$/.exec(text) ?? [];
        assert.match(reason, said);
      } finally {
        api.stop();
      }
    });
  }
});
