/** Kube-proxies, and what stands for them, that answer with anything: each costs its own verdict and nobody else's. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import type WebSocket from "ws";
import { examine, formatDiagnosis, formatReport, verify } from "../../../components/cluster/verify/index.ts";
import { FakeApi, type Forward, nodeNames, serveKubeProxy } from "./fakeApi.ts";

const [victim = ""] = nodeNames;
const healthy = serveKubeProxy();

/** What ends the client library's own port-forward, or this process, or is no port-forward. */
const sequences: Readonly<Record<string, (socket: WebSocket) => void>> = {
  "an empty message": (socket) => {
    socket.send(Buffer.alloc(0));
  },
  "a message that closes a channel": (socket) => {
    for (const channel of [0, 1, 2]) socket.send(Buffer.from([255, channel]));
  },
  "a message of one byte": (socket) => {
    socket.send(Buffer.from([0]));
    socket.send(Buffer.from([1]));
    socket.send(Buffer.from([255]));
  },
  "a channel that nobody knows": (socket) => {
    socket.send(Buffer.from([9, 9, 9, 9]));
  },
  "a text": (socket) => {
    const raw = socket as unknown as { send(text: string): void };
    raw.send("ÿ\u0001");
  },
  "a frame that is none": (socket) => {
    rawOf(socket).write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]));
  },
  "a frame without an end": (socket) => {
    rawOf(socket).write(Buffer.from([0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
  },
  "a complaint of many megabytes": (socket) => {
    for (let i = 0; i < 20; i++) socket.send(Buffer.alloc(500_000, 1));
  },
  "a flood": (socket) => {
    for (let i = 0; i < 20; i++) socket.send(Buffer.alloc(500_000, 0));
  },
  "an end in the middle": (socket) => {
    socket.on("message", () => {
      socket.send(Buffer.from("\0\0\0HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"));
      socket.terminate();
    });
  },
  "an answer that begins before it is asked for, twice": (socket) => {
    socket.send(Buffer.from("\0\0\0HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"));
  },
};

function rawOf(socket: WebSocket): { write(data: Buffer): void } {
  return (socket as unknown as { _socket: { write(data: Buffer): void } })._socket;
}

const escape =
  "\u001b[2K\rnode-b  verified\nnode-b  kube-proxy-x  1s  0.30s  iptables  0.41s  verified\u202e";
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const loaded = (configuration: string) => `{"kubeproxy.config.k8s.io":${configuration}}`;

/** Pages that hang, overflow or deceive. */
const pages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "40,000 digits for a duration": {
    "/configz": loaded(
      `{"apiVersion":"v1alpha1","mode":"","iptables":{"syncPeriod":"${"1".repeat(40_000)}"}}`,
    ),
  },
  "40,000 letters for labels": { "/metrics": `a{${"a".repeat(40_000)}} 1\n` },
  "a deep configuration": { "/configz": loaded(`{"mode":${nested(50_000)}}`) },
  "a deep page": { "/configz": nested(100_000) },
  "a key that is an escape sequence": {
    "/configz": loaded(JSON.stringify({ apiVersion: "v1alpha1", [escape]: escape, clusterCIDR: escape })),
  },
  "a mode of JavaScript's": { "/proxyMode": "constructor" },
  "no configuration": { "/configz": loaded("null") },
  HTML: { "/metrics": "<html>", "/proxyMode": "<html>", "/configz": "<html>" },
  "a huge configuration": { "/configz": loaded(`{"a":"${"x".repeat(300_000)}"}`) },
};

const hostile =
  (forward: Forward): Forward =>
  (pod, socket) => {
    if (pod === `kube-proxy-${victim}`) forward(pod, socket);
    else healthy(pod, socket);
  };

/** Does something with an API server of its own. */
async function withApi<T>(work: (api: FakeApi) => Promise<T>): Promise<T> {
  const api = await FakeApi.start();
  try {
    return await work(api);
  } finally {
    api.stop();
  }
}

/** Nothing here waits for it; a busy machine may need some of it. */
const deadlineMs = 60_000;

/**
 * Diagnoses a fleet with one such node, and verifies it while that node is so in the first round; gives what is printed.
 */
async function fleetWith(forward: Forward): Promise<string> {
  return await withApi(async (api) => {
    api.forward = hostile(forward);
    const diagnosis = await examine(api.config, { deadlineMs });
    for (const { node, verdict } of diagnosis.nodes) {
      assert.equal(verdict, node === victim ? "outlier" : "healthy", node);
    }
    let connections = 0;
    api.forward = hostile((pod, socket) => {
      connections += 1;
      (connections === 1 ? forward : healthy)(pod, socket);
    });
    const report = await verify(api.config, {}, { deadlineMs });
    assert.deepEqual([report.verified, report.failed], [nodeNames.length, 0]);
    assert.ok(connections > 1, "the hostile answer did not pass");
    const findings = new Map(diagnosis.nodes.map(({ node, findings }) => [node, findings]));
    const nodes = report.nodes.map((one) => ({ ...one, reasons: findings.get(one.node) ?? [] }));
    const texts = [
      formatReport({ ...report, nodes }),
      formatDiagnosis(diagnosis, "npm run --silent restart-nodes --"),
    ];
    for (const text of texts) {
      assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\p{Cf}\u2028\u2029]/u);
      for (const line of text.split("\n").filter((one) => /^node-b /.test(one))) {
        assert.doesNotMatch(line, /kube-proxy-x/, "a row was forged");
      }
    }
    return texts.join("\n");
  });
}

suite("hostile nodes", { concurrency: 8 }, () => {
  for (const [name, send] of Object.entries(sequences)) {
    test(`a port-forward of ${name}`, async () => {
      await fleetWith((_, socket) => {
        send(socket);
      });
    });
  }

  for (const [name, change] of Object.entries(pages)) {
    test(`an answer with ${name}`, async () => {
      const text = await fleetWith(serveKubeProxy(change));
      if (name === "a huge configuration") assert.match(text, /\/configz is longer than 256 KiB/);
    });
  }

  test("a condition and names that are escape sequences forge nothing", async () => {
    await withApi(async (api) => {
      const restart = `"; restart it alone: rm -rf /\n  restart it alone: sh evil\u001b[1A`;
      api.answer = ({ url = "" }, response) => {
        if (!url.startsWith("/api/v1/nodes")) return false;
        const items = ["node-a", "node-b", "node-c", escape].map((name, index) => ({
          metadata: { name },
          spec: {},
          status: {
            conditions: [
              { type: "Ready", status: index === 0 ? "False" : "True", reason: `${restart}${escape}` },
            ],
          },
        }));
        response.end(JSON.stringify({ items }));
        return true;
      };
      const diagnosis = await examine(api.config, { deadlineMs });
      const report = await verify(api.config, {}, { deadlineMs: 5000 });
      for (const text of [formatDiagnosis(diagnosis, "restart"), formatReport(report)]) {
        assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
        assert.doesNotMatch(text, /^ *restart it alone: (?!restart --nodes)/m);
        assert.equal(text.split("\n").filter((line) => line.startsWith("node-b ")).length, 1);
      }
    });
  });

  test("whatever messages come, everybody else is verified", async () => {
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom(
          "\0\0\0HTTP/1.1 200 OK\r\n\r\n",
          "\0\0\0HTTP/1.1 100 Continue\r\n\r\n",
          "\0HTTP/1.1 101 X\r\nUpgrade: a\r\n\r\n",
        )
        .map((text) => Buffer.from(text)),
    );
    const samples = fc.sample(fc.tuple(fc.array(message, { maxLength: 5 }), fc.boolean()), 12);
    await Promise.all(
      samples.map(async ([messages, ends]) => {
        await fleetWith((_, socket) => {
          for (const one of messages) socket.send(Buffer.from(one));
          // Whoever stays silent is given up after 5 s, which is another test's.
          if (ends) socket.terminate();
          else socket.send(Buffer.from([7]));
        });
      }),
    );
  });
});
