/** Servers that take their time, or never end: how long anybody waits for them. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { KubeConfig } from "@kubernetes/client-node";
import { get, listAll } from "../../../components/cluster/api.ts";
import { ApiError } from "../../../components/cluster/apiError.ts";
import { examine, inEachFleet, type Share, verify } from "../../../components/cluster/verify/index.ts";
import { type Answer, FakeApi } from "./fakeApi.ts";

/** Does something with an API server that answers so; gives also how long it took, in milliseconds. */
async function against<T>(
  answer: Answer,
  work: (api: FakeApi) => Promise<T>,
): Promise<{ came: T; ms: number }> {
  const api = await FakeApi.start();
  api.answer = answer;
  const began = Date.now();
  try {
    return { came: await work(api), ms: Date.now() - began };
  } finally {
    api.stop();
  }
}

const drip: Answer = (_, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  const timer = setInterval(() => response.write(" "), 50);
  response.on("close", () => {
    clearInterval(timer);
  });
  return true;
};

const slow: Readonly<Record<string, Answer>> = {
  "is silent": () => true,
  drips: drip,
  resets: (_, response) => {
    response.destroy();
    return true;
  },
  "is busy for ever": (_, response) => {
    response.writeHead(429, { "retry-after": "1" }).end("{}");
    return true;
  },
  "is silent for Services only": ({ url = "" }) => url.includes("/services"),
  "is silent for pods' ports only": ({ url = "" }) => url.includes("/proxy/"),
  "never ends its pages": ({ url = "" }, response) => {
    if (!url.startsWith("/api/v1/nodes")) return false;
    const page = { items: [], metadata: { continue: String(Math.random()) } };
    setTimeout(() => response.end(JSON.stringify(page)), 20);
    return true;
  },
};

suite("deadlines", { concurrency: true }, () => {
  for (const [name, answer] of Object.entries(slow)) {
    test(`hold where the API server ${name}`, async () => {
      const deadlineMs = 1500;
      for (const prove of [verify, examine]) {
        const { ms } = await against(answer, async (api) => {
          const options = { deadlineMs };
          return await (
            prove === verify ? verify(api.config, {}, options) : examine(api.config, options)
          ).catch((error: unknown) => {
            assert.match(
              String(error),
              /^Error: DaemonSet kube-system\/kube-proxy and its nodes cannot be read: /,
            );
          });
        });
        // It is two seconds, and a busy machine takes some more.
        assert.ok(ms < deadlineMs + 3500, `took ${ms} ms`);
      }
    });
  }

  const works: Readonly<Record<string, (config: KubeConfig, share: Share) => Promise<unknown>>> = {
    verify: (config, share) => verify(config, share, share),
    examine,
  };
  for (const [name, work] of Object.entries(works)) {
    test(`hold also where nobody says which DaemonSets there are: ${name}`, async () => {
      const deadlineMs = 4000;
      const all = { daemonSet: undefined, nodes: undefined, isPatient: name === "verify" };
      const { ms } = await against(
        () => true,
        ({ config }) =>
          assert.rejects(
            inEachFleet(config, { ...all, deadlineMs }, (share) => work(config, share)),
            /its nodes cannot be read: /,
          ),
      );
      assert.ok(ms < deadlineMs + 3500, `took ${ms} ms`);
    });
  }

  test("the first look is asked again like all others", async () => {
    const began = Date.now();
    const absent: Answer = (_, response) => {
      const isAway = Date.now() - began < 1200;
      if (isAway) response.writeHead(503).end('{"message":"etcd is away"}');
      return isAway;
    };
    const { came } = await against(absent, (api) => verify(api.config, {}, { deadlineMs: 10_000 }));
    assert.equal(came.verified, 3);
  });

  test("a DaemonSet that is not there, or must not be read, is told at once", async () => {
    for (const status of [403, 404]) {
      const refuse: Answer = (_, response) => {
        response.writeHead(status).end('{"message":"no"}');
        return true;
      };
      const { ms } = await against(refuse, (api) =>
        assert.rejects(verify(api.config, {}, { deadlineMs: 10_000 }), /cannot be read: no$/),
      );
      assert.ok(ms < 5000);
    }
  });
});

suite("a busy API server", { concurrency: true }, () => {
  const busy = (status: number, headers: Record<string, string>, times: number): Answer => {
    let left = times;
    return (_, response) => {
      if (left-- <= 0) return false;
      response.writeHead(status, headers).end('{"message":"too many requests"}');
      return true;
    };
  };
  const node = "/api/v1/namespaces/kube-system/configmaps/kube-proxy";

  test("is asked again when it says so, also for one page of a list", async () => {
    const { came, ms } = await against(busy(429, { "retry-after": "1" }, 2), (api) => get(api.config, node));
    assert.equal(came.metadata.name, "kube-proxy");
    assert.ok(ms >= 2000 && ms < 15_000, `took ${ms} ms`);
    const nodes = await against(busy(503, { "retry-after": "0" }, 3), (api) =>
      listAll(api.config, "/api/v1/nodes"),
    );
    assert.equal(nodes.came.length, 3);
  });

  test("that says it another time, or for long, has refused", async () => {
    const cases: readonly [number, Record<string, string>][] = [
      [503, {}],
      [429, { "retry-after": "3600" }],
      [429, { "retry-after": "0" }],
    ];
    for (const [status, headers] of cases) {
      const { ms } = await against(busy(status, headers, Infinity), (api) =>
        assert.rejects(
          get(api.config, node),
          (error) => error instanceof ApiError && error.status === status,
        ),
      );
      assert.ok(ms < 5000, `took ${ms} ms`);
    }
  });

  test("is not waited for longer than who asks wants to wait", async () => {
    const signal = AbortSignal.timeout(500);
    const { ms } = await against(busy(429, { "retry-after": "5" }, Infinity), (api) =>
      assert.rejects(get(api.config, node, { signal }), ApiError),
    );
    assert.ok(ms < 4000, `took ${ms} ms`);
  });
});

test("an answer beyond all measure is not kept in memory", async () => {
  const flood: Answer = (_, response) => {
    response.writeHead(200);
    const part = Buffer.alloc(64 * 1024, " ");
    const pour = () => {
      while (!response.destroyed && response.write(part));
      if (!response.destroyed) response.once("drain", pour);
    };
    pour();
    return true;
  };
  const path = "/api/v1/namespaces/kube-system/configmaps/kube-proxy";
  const { ms } = await against(flood, (api) =>
    assert.rejects(get(api.config, path, { largest: 1024 * 1024 }), /longer than 1 MiB/),
  );
  assert.ok(ms < 5000, `took ${ms} ms`);
});
