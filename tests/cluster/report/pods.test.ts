/** Pods are watched whatever the API server does: it ends the watch, breaks it off, refuses it, or says what is no event. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { suite, test } from "node:test";
import { closeSession } from "../../../components/cluster/api.ts";
import { podsSeen, watchPods } from "../../../components/cluster/report/pods.ts";
import type { PodSeen } from "../../../components/report/courses.ts";
import { reply, withApiServer } from "../apiServer.ts";

const pod = (uid: string, { node = "a", ready = "True", ...more }: Record<string, string> = {}) => ({
  metadata: {
    ...{ name: `kube-proxy-${uid}`, uid },
    ownerReferences: [{ kind: "DaemonSet", name: "kube-proxy", uid: "set", controller: true }],
    ...more,
  },
  spec: { ...(node !== "" && { nodeName: node }), containers: [] },
  status: { phase: "Running", conditions: [{ type: "Ready", status: ready }] },
});
const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;

/** What was told until `enough`, from a server that answers one watch after the other. */
async function watched(
  answers: readonly ((response: ServerResponse) => void)[],
  enough: (seen: readonly string[], faults: readonly string[]) => boolean,
): Promise<{ seen: string[]; faults: string[]; urls: string[]; hasEnded: boolean }> {
  const [seen, faults, urls]: string[][] = [[], [], []];
  let hasEnded = false;
  await withApiServer(
    ({ url = "" }: IncomingMessage, response) => {
      urls?.push(url);
      const answer = answers[Math.min(urls?.length ?? 1, answers.length) - 1];
      answer?.(response);
    },
    async (config) => {
      const stop = new AbortController();
      const isEnough = Promise.withResolvers<undefined>();
      const look = (): void => {
        if (enough(seen ?? [], faults ?? [])) isEnough.resolve(undefined);
      };
      const watching = watchPods(
        config,
        {
          onPod: ({ name, isReady }: PodSeen) => {
            seen?.push(`${name} ${isReady ? "ready" : "not"}`);
            look();
          },
          onGone: (uid) => {
            seen?.push(`${uid} gone`);
            look();
          },
          onFault: (reason) => {
            faults?.push(reason);
            look();
          },
        },
        stop.signal,
      ).then(() => {
        hasEnded = true;
      });
      try {
        await isEnough.promise;
        await new Promise((resolve) => setImmediate(resolve));
      } finally {
        stop.abort();
        await watching;
        await closeSession(config);
      }
    },
  );
  return { seen: seen ?? [], faults: faults ?? [], urls: urls ?? [], hasEnded };
}

suite("the pods of an update", () => {
  test("are listed with their node and DaemonSet; one without a node is not there yet", async () => {
    await withApiServer(
      (_, response) => {
        reply(response, { items: [pod("1"), pod("2", { node: "" })] });
      },
      async (config) => {
        const pods = await podsSeen(config, new AbortController().signal);
        await closeSession(config);
        assert.deepEqual(pods, [
          {
            ...{ uid: "1", name: "kube-proxy-1", node: "a", owner: { name: "kube-proxy", uid: "set" } },
            ...{ isEnding: false, hasStopped: false, isReady: true, waiting: undefined },
          },
        ]);
      },
    );
  });

  test("are watched over a watch that ends and one that breaks off, in events cut anywhere", async () => {
    const { seen, urls } = await watched(
      [
        (response) => {
          const text = event("ADDED", pod("1", { ready: "False" })) + event("MODIFIED", pod("1"));
          response.write(text.slice(0, 50));
          setImmediate(() => response.end(text.slice(50)));
        },
        (response) => {
          response.write(event("BOOKMARK", { metadata: {} }) + event("DELETED", pod("1")));
          setImmediate(() => response.destroy());
        },
        (response) => response.write(event("ADDED", pod("2"))),
      ],
      (all) => all.includes("kube-proxy-2 ready"),
    );
    assert.deepEqual(seen, ["kube-proxy-1 not", "kube-proxy-1 ready", "1 gone", "kube-proxy-2 ready"]);
    assert.equal(urls.length, 3);
    for (const url of urls) {
      const { searchParams, pathname } = new URL(url, "http://api");
      assert.equal(pathname, "/api/v1/namespaces/kube-system/pods");
      assert.equal(searchParams.get("labelSelector"), "k8s-app=kube-proxy");
      assert.equal(searchParams.get("watch"), "1");
      assert.equal(searchParams.get("resourceVersion"), null, "each begins with all pods there are");
    }
  });

  test("that may not be watched are not asked for again; why is told", async () => {
    const { seen, faults, urls, hasEnded } = await watched(
      [
        (response) => {
          reply(response, { kind: "Status", message: "pods is forbidden" }, 403);
        },
      ],
      (_, told) => told.length > 0,
    );
    assert.deepEqual([seen, urls.length, hasEnded], [[], 1, true]);
    assert.match(faults[0] ?? "", /pods is forbidden/);
  });

  test("what is no event, or of no pod, is told and nothing else comes of it", async () => {
    const { seen, faults } = await watched(
      [
        (response) => {
          const lines = ["no JSON\n", event("ERROR", { code: 410 }), event("ADDED", { metadata: 7 }), "[]\n"];
          response.write(lines.join("") + event("ADDED", pod("1")));
        },
      ],
      (all) => all.length > 0,
    );
    assert.deepEqual(seen, ["kube-proxy-1 ready"]);
    assert.deepEqual(faults, [
      "an event of the watch is not JSON",
      "an event of the watch has no pod",
      "an event of the watch has no pod",
    ]);
  });

  test("an event that never ends ends the watch, not the program", async () => {
    const { seen, faults } = await watched(
      [
        (response) => {
          const rest = "x".repeat(1024 * 1024);
          for (let part = 0; part < 4; part++) response.write(rest);
        },
        (response) => response.write(event("ADDED", pod("1"))),
      ],
      (all) => all.length > 0,
    );
    assert.deepEqual(seen, ["kube-proxy-1 ready"]);
    assert.match(faults[0] ?? "", /a line of the answer is longer than 2 MiB/);
  });
});
