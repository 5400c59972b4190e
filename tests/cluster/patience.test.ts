/** Answers that take long: as long as they come they are waited for, and no longer. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { suite, test } from "node:test";
import { Session } from "../../components/cluster/session.ts";
import { outputOf } from "../../components/facts/outputOf.ts";
import { withApiServer } from "./apiServer.ts";

const idleMs = 500;

/** Reads the nodes from such a server; gives how often there was progress and how long it took. */
async function nodesFrom(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<{ names: string[]; progress: number; ms: number }> {
  const began = Date.now();
  let progress = 0;
  const onProgress = () => {
    progress += 1;
  };
  const names = await withApiServer(
    (request, response) => {
      void answer(request, response);
    },
    async (config) => {
      const session = await Session.open(config);
      try {
        const options = { patience: { idleMs, onProgress } };
        const nameOf = ({ metadata }: { metadata: { name: string } }) => metadata.name;
        return await session.list("/api/v1/nodes", options, nameOf);
      } finally {
        await session.close();
      }
    },
  );
  return { names, progress, ms: Date.now() - began };
}

const nodeOf = (name: string, image = "") => {
  return { metadata: { name }, spec: {}, status: { images: [{ names: [image] }] } };
};

suite("an answer that takes long", { concurrency: true }, () => {
  test("pages that come one by one are waited for, however many there are", async () => {
    const { names, progress, ms } = await nodesFrom(async ({ url = "" }, response) => {
      const page = Number(new URL(url, "http://x").searchParams.get("continue") ?? 0);
      await sleep(idleMs / 2);
      const metadata = page < 5 ? { continue: String(page + 1) } : {};
      response.end(JSON.stringify({ items: [nodeOf(`node-${page}`)], metadata }));
    });
    assert.equal(names.length, 6);
    assert.ok(progress >= 6);
    assert.ok(ms > 2 * idleMs, `took ${ms} ms`);
  });

  test("so is one that comes slowly", async () => {
    const { names, ms } = await nodesFrom(async (_, response) => {
      const text = JSON.stringify({ items: [nodeOf("node", "x".repeat(200_000))] });
      for (let begin = 0; begin < text.length; begin += 20_000) {
        response.write(text.slice(begin, begin + 20_000));
        await sleep(idleMs / 4);
      }
      response.end();
    });
    assert.deepEqual(names, ["node"]);
    assert.ok(ms > 2 * idleMs, `took ${ms} ms`);
  });

  test("one that does not come is given up, also when only its beginning or single bytes do", async () => {
    const silent: Readonly<Record<string, (response: ServerResponse) => Promise<void>>> = {
      silent: () => Promise.resolve(),
      begins: (response) => {
        response.write('{"items": [');
        return Promise.resolve();
      },
      drips: async (response) => {
        for (let part = 0; part < 300; part++) {
          response.write(" ");
          await sleep(20);
        }
        response.destroy();
      },
    };
    for (const answer of Object.values(silent)) {
      const began = Date.now();
      await assert.rejects(
        nodesFrom((_, response) => answer(response)),
        /no answer in time/,
      );
      const ms = Date.now() - began;
      assert.ok(ms >= idleMs && ms < 6 * idleMs, `took ${ms} ms`);
    }
  });

  test("a process that had no time to read what is there does not give it up", async () => {
    const { names } = await nodesFrom((_, response) => {
      response.end(JSON.stringify({ items: [nodeOf("node")] }));
      const until = Date.now() + 3 * idleMs;
      while (Date.now() < until);
      return Promise.resolve();
    });
    assert.deepEqual(names, ["node"]);
  });
});

suite("a process that takes long", { concurrency: true }, () => {
  const run = (script: string, silentMs: number, signal?: AbortSignal) =>
    outputOf(process.execPath, ["-e", script], { env: process.env, silentMs, signal });

  test("is waited for as long as it says something", async () => {
    const script =
      "let n = 0; const t = setInterval(() => { console.log(n); if (++n > 5) clearInterval(t); }, 500);";
    assert.equal(await run(script, 2000), "0\n1\n2\n3\n4\n5\n");
  });

  test("is ended when it is silent; it has two seconds for that, also when it takes no notice", async () => {
    const began = Date.now();
    // It ends by itself, so that none is left where nobody ends it.
    const script =
      'process.on("SIGTERM", () => {}); console.log("begun"); setTimeout(() => process.exit(), 20_000);';
    await assert.rejects(run(script, 3000), /^Error: no sign of life within 3 s$/);
    const ms = Date.now() - began;
    assert.ok(ms >= 5000 && ms < 15_000, `took ${ms} ms`);
  });

  test("tells what it complained of, and is ended by who wants no answer any more", async () => {
    await assert.rejects(run('console.error("no such cluster"); process.exit(1);', 5000), /no such cluster/);
    await assert.rejects(run("setInterval(() => {}, 1000);", 5000, AbortSignal.timeout(300)), {
      name: "AbortError",
    });
  });
});
