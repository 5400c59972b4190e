/** What of a recording is different in a plugin: who calls its hooks, and how it ends. */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { findReports } from "../../components/cluster/report/files.ts";
import { Recording } from "../../components/resources/recording.ts";
import { KubeProxyProvider } from "../../plugin/provider.ts";
import { reply, withApiServer } from "../cluster/apiServer.ts";
import { Monitor, useMonitor } from "../component/monitor.ts";

const expected = {
  ...{ occasions: [], by: "me", token: "t", strategy: "Rolling", stack: null, snapshot: null, told: [] },
  ...{ cluster: { id: "uid", server: "", context: null }, skipped: [], waves: [] },
};
const called = { urn: "urn:one", id: "one", name: "one", type: "" };

/** A pod that is new and ready: its first sync is asked for, by a port-forward that this server never answers. */
const pod = {
  metadata: {
    ...{ name: "kube-proxy-a", uid: "pod" },
    ownerReferences: [{ kind: "DaemonSet", name: "kube-proxy", uid: "set", controller: true }],
  },
  spec: { nodeName: "a", containers: [] },
  status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
};

function answer({ url = "" }: IncomingMessage, response: ServerResponse): void {
  if (url.includes("watch=1")) {
    response.writeHead(200, { "content-type": "application/json" });
    response.write(`${JSON.stringify({ type: "ADDED", object: pod })}\n`);
  } else reply(response, { kind: "PodList", metadata: {}, items: [] });
}

/** Does some work with a recording, and tells how the report of its update ends. */
async function outcomeOf(
  work: (recording: Recording, server: Server) => Promise<void>,
): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-recording-"));
  try {
    return await withApiServer(answer, async (config, server) => {
      const parent = new pulumi.ComponentResource("test:index:Parent", "parent");
      await work(
        new Recording(parent, "kp", { cluster: { kubeconfig: config.exportConfig() }, folder }),
        server,
      );
      return findReports(folder)[0]?.report.outcome;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The engine calls the first hook. */
async function begin(recording: Recording): Promise<void> {
  const [hook] = recording.before({}, undefined, undefined).beforeCreate ?? [];
  assert.ok(hook instanceof pulumi.ResourceHook);
  await hook.callback(called);
}

suite("a recording in a plugin", () => {
  before(() =>
    useMonitor(new Monitor({ newResource: () => ({ id: "", state: {} }), call: () => ({}) }), "test"),
  );

  test("knows in a hook what is known where the component is made: a plugin's SDK keeps the stack and the log there", async () => {
    const known = new AsyncLocalStorage<string>();
    let seen: string | undefined;
    await outcomeOf(async (recording) => {
      recording.expect(() => {
        seen = known.getStore();
        return expected;
      });
      const { beforeCreate } = known.run("stack", () => recording.before({}, undefined, undefined));
      const [hook] = beforeCreate ?? [];
      assert.ok(hook instanceof pulumi.ResourceHook);
      await hook.callback(called);
      await new KubeProxyProvider().cancel();
    });
    assert.equal(seen, "stack");
  });

  test("of an update that is not done when the process is killed has failed", async () => {
    const outcome = await outcomeOf(async (recording) => {
      recording.expect(() => expected);
      await begin(recording);
      await new KubeProxyProvider().cancel();
    });
    assert.equal(outcome, "failed");
  });

  test("of one that is done is seen through", async () => {
    const outcome = await outcomeOf(async (recording, server) => {
      recording.expect(() => expected);
      const asked = once(server, "upgrade");
      await begin(recording);
      await asked;
      recording.ends([]);
      // The outputs that it waits for; then it waits for the first sync.
      await new Promise(setImmediate);
      await new KubeProxyProvider().cancel();
    });
    assert.equal(outcome, "succeeded");
  });
});
