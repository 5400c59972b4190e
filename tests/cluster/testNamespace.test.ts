/** The namespace of the test Services: whose it is, and what becomes of it. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { describe, mock, test } from "node:test";
import { makeTestNamespace, removeTestNamespace } from "../../components/cluster/testNamespace.ts";
import type { KubeConfig } from "../../components/cluster/kubernetes.ts";
import { reply, withApiServer } from "./apiServer.ts";

const own = { "app.kubernetes.io/managed-by": "kube-proxy-as-code" };

/** Does something where this is the namespace at each look; gives what came of it, and what was changed. */
async function where(
  looks: readonly (object | undefined)[],
  work: (config: KubeConfig) => Promise<string>,
  status = 200,
): Promise<{ said: string; changes: readonly string[] }> {
  const changes: string[] = [];
  let look = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = "", url = "" } = request;
    if (method === "GET") {
      const metadata = looks[Math.min(look++, looks.length - 1)];
      reply(response, metadata && { metadata: { name: "kube-proxy-test", uid: "one", ...metadata } });
    } else {
      changes.push(`${method} ${url} ${await text(request)}`);
      reply(response, status === 200 ? { metadata: { name: "kube-proxy-test" } } : { message: "no" }, status);
    }
  };
  const said = await withApiServer((request, response) => void answer(request, response), work);
  return { said, changes };
}

const post = `POST /api/v1/namespaces ${JSON.stringify({ metadata: { name: "kube-proxy-test", labels: own } })}`;
const remove = 'DELETE /api/v1/namespaces/kube-proxy-test {"preconditions":{"uid":"one"}}';

describe("the namespace of the test Services", { concurrency: true }, () => {
  test("is made where there is none, also when an earlier one is about to end", async () => {
    for (const looks of [[undefined], [{ deletionTimestamp: "2026-11-28T00:00:00Z" }, undefined]]) {
      assert.deepEqual((await where(looks, makeTestNamespace)).changes, [post]);
    }
  });

  test("stays as it is where there is one", async () => {
    assert.deepEqual((await where([{}], makeTestNamespace)).changes, []);
  });

  test("that may not be made keeps nothing from going on", async () => {
    assert.deepEqual(await where([undefined], makeTestNamespace, 403), {
      said: "Namespace kube-proxy-test is not made, so that no test Service will be asked for: no.",
      changes: [post],
    });
  });

  test("is removed if this program has made it", async () => {
    assert.deepEqual((await where([{ labels: own }], removeTestNamespace)).changes, [remove]);
    assert.match(
      (await where([{ labels: own }], removeTestNamespace, 403)).said,
      /^Namespace .* stays: no\.$/,
    );
  });

  test("is not removed if somebody else has, or is not there", async () => {
    for (const looks of [[{}], [{ labels: { "app.kubernetes.io/managed-by": "Helm" } }], [undefined]]) {
      assert.deepEqual((await where(looks, removeTestNamespace)).changes, []);
    }
  });
});

describe("an earlier one that does not end", () => {
  test("is waited for a minute, and keeps nothing from going on", async () => {
    mock.timers.enable({ apis: ["Date"], now: 0 });
    try {
      const end = { deletionTimestamp: "2026-11-28T00:00:00Z" };
      let looks = 0;
      const said = await withApiServer((_, response) => {
        looks += 1;
        mock.timers.setTime(Date.now() + 25_000);
        reply(response, { metadata: { name: "kube-proxy-test", ...end } });
      }, makeTestNamespace);
      assert.equal(said, "Namespace kube-proxy-test is there.");
      // The first one begins the minute.
      assert.equal(looks, 4);
    } finally {
      mock.timers.reset();
    }
  });
});
