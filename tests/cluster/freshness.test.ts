/** Who reads what the API server has in its memory, which may be some seconds old, and who the cluster as it is by now. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { closeSession } from "../../components/cluster/api.ts";
import { Session } from "../../components/cluster/session.ts";
import { refuseAdopters, refuseAdoptersOf } from "../../components/cluster/controllers.ts";
import type { KubeConfig } from "../../components/cluster/kubernetes.ts";
import { awaitEndingOrphans, removeOrphans } from "../../components/cluster/orphans.ts";
import { restartNodes } from "../../components/cluster/restartNodes.ts";
import { readLive } from "../../components/cluster/snapshot/live.ts";
import { examine, removeTestServices, takeBaseline } from "../../components/cluster/verify/index.ts";
import { removeExpired } from "../../components/cluster/verify/testServiceRemoval.ts";
import { listHelpers } from "../../components/cluster/workload.ts";
import { reply, withApiServer } from "./apiServer.ts";
import { FakeApi } from "./hostile/fakeApi.ts";

/** What is read before something is deleted, restarted or let pass, and what is read for it. */
const decisions: Readonly<Record<string, readonly [(config: KubeConfig) => Promise<unknown>, RegExp]>> = {
  "which pods nobody owns": [(config) => removeOrphans(config, 1000), /\/pods\?/],
  "which pods are about to end": [awaitEndingOrphans, /\/pods\?/],
  "who could adopt pods": [(config) => refuseAdopters(config, () => true), /\/daemonsets\?/],
  "whose pods are left": [(config) => refuseAdoptersOf(config, "kube-proxy", "token"), /\/daemonsets\?/],
  "which pods help in a switch": [listHelpers, /\/pods\?/],
  "which pods are restarted": [
    (config) =>
      assert.rejects(
        restartNodes(config, ["nowhere"], { deadlineMs: 1000, log: () => undefined }),
        /nothing was restarted/,
      ),
    /\/pods\?/,
  ],
  "which test Services are removed": [(config) => removeTestServices(config, "id"), /\/services\?/],
  "which test Services have expired": [removeExpired, /\/services\?/],
  "what a snapshot has, and a restore compares with": [readLive, /\/daemonsets\?/],
  "who was Ready before a change": [(config) => takeBaseline(config, "kube-proxy"), /\/nodes\?/],
  "who stands out": [(config) => examine(config, { deadlineMs: 30_000 }), /\/pods\?/],
};

suite("read as it is by now", { concurrency: true }, () => {
  for (const [what, [work, expected]] of Object.entries(decisions)) {
    test(what, async () => {
      const api = await FakeApi.start();
      const { config } = api;
      const lists: string[] = [];
      api.answer = ({ method, url = "" }) => {
        if (method === "GET" && url.includes("limit=")) lists.push(url);
        return false;
      };
      try {
        await work(config);
      } finally {
        await closeSession(config);
        api.stop();
      }
      assert.ok(
        lists.some((url) => expected.test(url)),
        lists.join("\n"),
      );
      assert.deepEqual(
        lists.filter((url) => url.includes("resourceVersion")),
        [],
      );
    });
  }
});

test("pages after the first are of its version: the API server refuses another one with them", async () => {
  const versions: (string | null)[] = [];
  const items = await withApiServer(
    ({ url = "" }, response) => {
      const { searchParams } = new URL(url, "http://fake");
      versions.push(searchParams.get("resourceVersion"));
      const isLast = searchParams.has("continue");
      const metadata = isLast ? {} : { continue: "next" };
      reply(response, { items: [{ metadata: { name: isLast ? "b" : "a" } }], metadata });
    },
    async (config) => {
      const session = await Session.open(config);
      try {
        return await session.list("/api/v1/namespaces", { query: { resourceVersion: "0" } });
      } finally {
        await session.close();
      }
    },
  );
  assert.equal(items.length, 2);
  assert.deepEqual(versions, ["0", null]);
});
