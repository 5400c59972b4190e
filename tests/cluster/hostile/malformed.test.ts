/** Answers that no API server gives: each is one clear problem, whatever asked for it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import type { KubeConfig } from "@kubernetes/client-node";
import { readFacts } from "../../../components/cluster/facts.ts";
import { makeRoom } from "../../../components/cluster/layout.ts";
import { removeLeftover } from "../../../components/cluster/leftover.ts";
import { clear } from "../../../components/cluster/modeSwitch/index.ts";
import { removeOrphans } from "../../../components/cluster/orphans.ts";
import { restartNodes } from "../../../components/cluster/restartNodes.ts";
import { takeSnapshot } from "../../../components/cluster/snapshot/index.ts";
import { keepInCluster, listKept, readKept } from "../../../components/cluster/snapshot/inCluster.ts";
import { restore } from "../../../components/cluster/snapshot/restore.ts";
import { examine, prepareRestart, verify } from "../../../components/cluster/verify/index.ts";
import { ProblemsError } from "../../../components/input/problems.ts";
import { FakeApi } from "./fakeApi.ts";

const folder = mkdtempSync(join(tmpdir(), "malformed-"));
after(() => {
  rmSync(folder, { recursive: true });
});

const log = () => undefined;
const configMap = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "kube-proxy", namespace: "kube-system" },
};
const daemonSet = {
  ...{ apiVersion: "apps/v1", kind: "DaemonSet", metadata: { name: "kube-proxy", namespace: "kube-system" } },
  spec: { selector: { matchLabels: { "k8s-app": "kube-proxy" } }, template: { metadata: {}, spec: {} } },
};
const snapshot = { cluster: "cluster", server: "", time: new Date(), objects: [configMap, daemonSet] };

/** What each command does. */
const works: Readonly<Record<string, (config: KubeConfig) => Promise<unknown>>> = {
  verify: (config) => verify(config, {}, { deadlineMs: 1500 }),
  doctor: (config) => examine(config, { deadlineMs: 1500 }),
  snapshot: (config) => takeSnapshot(config, { folder }),
  "snapshot in the cluster": (config) => keepInCluster(config, snapshot, 1),
  "names of snapshots": listKept,
  "restore from the cluster": (config) => readKept(config, "2026-11-23t10-15-07.123z"),
  restore: (config) => restore(config, snapshot, { timeoutMs: 300, log }),
  "restart-nodes": (config) => restartNodes(config, ["node-a"], { deadlineMs: 1000, log }),
  facts: (config) => readFacts(config, ["canary"]),
  layout: (config) => makeRoom(config, [{ daemonSet: "kube-proxy", placement: {} }], { timeoutMs: 300, log }),
  orphans: (config) => removeOrphans(config, 300),
  clear: (config) => clear(config, { timeoutMs: 300, log }, ["ipvs"]),
  testService: (config) => prepareRestart(config, { daemonSet: "kube-proxy", id: "t", lifetimeMs: 1000 }),
  "clearing hook": (config) => removeLeftover(config, daemonSet),
};

const send =
  (body: string, status = 200) =>
  (response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  };
const items = (...all: unknown[]) =>
  send(JSON.stringify({ items: all, ...{ metadata: { name: "x", uid: "u" } } }));
const odd = (...fields: object[]) => items(...fields.map((one) => ({ metadata: { name: "x" }, ...one })));

const malformed: Readonly<Record<string, (response: ServerResponse) => void>> = {
  empty: send(""),
  "cut JSON": send('{"items": [{"metadata": {"name": "a"'),
  HTML: send("<html><body>Log in</body></html>"),
  "HTML that is no success": send("<html><body>Bad gateway</body></html>", 400),
  "{}": send("{}"),
  null: send("null"),
  "[]": send("[]"),
  "a text": send('"ok"'),
  "a number": send("1e999"),
  "a deep one": send(`{"items":${"[".repeat(50_000)}${"]".repeat(50_000)}}`),
  "items that are no list": send('{"items": {"a": 1}}'),
  "items of null": items(null),
  "items of numbers": items(1, 2),
  "items of nothing": items({}),
  "items without a name": items({ metadata: {} }),
  "items with a number for a name": items({ metadata: { name: 5 } }),
  "items of a name alone": odd({}),
  "items with null for all": odd({ spec: null, status: null, data: null }),
  "items with texts for all": odd({ spec: "a", status: "b", data: "c" }),
  "items with lists for all": odd({ spec: [], status: [], data: [] }),
  "items with odd fields": odd({
    spec: {
      taints: [null],
      template: { metadata: null, spec: { containers: [null] } },
      volumes: [{}],
      ports: 5,
    },
    status: { conditions: [null], containerStatuses: {}, addresses: [1] },
  }),
  "odd metadata": items({
    metadata: { name: "x", labels: [1], ownerReferences: [null], managedFields: [7], annotations: { a: {} } },
    spec: {},
    status: {},
  }),
  "the same page for ever": send('{"items": [], "metadata": {"continue": "again", "name": "x"}}'),
  "a redirection to itself": (response) => {
    response.writeHead(302, { location: response.req.url ?? "" }).end();
  },
};

/** Those in which no object can be found. */
const nothing = [
  "empty",
  "cut JSON",
  "HTML",
  "HTML that is no success",
  "{}",
  "null",
  "[]",
  "a text",
  "a number",
];

/** What can be asked for. */
const paths = [
  ...["", "/nodes", "/pods", "/daemonsets", "/daemonsets/kube-proxy", "/controllerrevisions", "/configmaps"],
  ...["/configmaps/kube-proxy", "/services", "/endpointslices", "/healthz", "/namespaces/kube-system"],
  ...["/selfsubjectaccessreviews", "/version", "/serviceaccounts/kube-proxy"],
  ...["/secrets", "/secrets/2026-11-23t10-15-07.123z"],
];

/** Words of JavaScript, not of this program. */
const internals = /Cannot read|undefined|is not (a function|iterable)|Unexpected (token|end)|\[object|NaN/;

async function tryOut(work: (config: KubeConfig) => Promise<unknown>, api: FakeApi): Promise<string> {
  try {
    await work(api.config);
    return "done";
  } catch (error) {
    assert.ok(error instanceof Error);
    const isTold =
      error instanceof ProblemsError || (error.constructor === Error && !error.message.includes("\n"));
    assert.ok(isTold, `no stack trace: ${error.stack ?? ""}`);
    assert.doesNotMatch(error.message, internals);
    assert.doesNotMatch(error.message.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
    return error.message;
  }
}

suite("malformed answers", { concurrency: true }, () => {
  for (const [command, work] of Object.entries(works)) {
    test(`${command}: one clear problem, or nothing lost`, async () => {
      const api = await FakeApi.start();
      try {
        await tryOut(work, api);
        // A proof goes on until its deadline where one thing alone is odd: those are tried side by side below.
        const asked = ["verify", "doctor", "restart-nodes", "testService"].includes(command)
          ? []
          : paths.filter((path) => api.asked.some((one) => one.endsWith(path)));
        for (const [name, how] of Object.entries(malformed)) {
          for (const path of new Set(["", ...asked])) {
            api.answer = ({ url = "" }, response) => {
              const isMeant = url.replace(/\?.*/, "").endsWith(path);
              if (isMeant) how(response);
              return isMeant;
            };
            const came = await tryOut(work, api);
            if (path === "" && nothing.includes(name)) assert.notEqual(came, "done", name);
          }
        }
      } finally {
        api.stop();
      }
    });
  }

  test("a proof with one odd answer among others", async () => {
    const cases = Object.values(malformed).flatMap((how) => paths.slice(1).map((path) => ({ how, path })));
    const queue = cases.values();
    const worker = async () => {
      for (const { how, path } of queue) {
        const api = await FakeApi.start();
        api.answer = ({ url = "" }, response) => {
          const isMeant = url.replace(/\?.*/, "").endsWith(path);
          if (isMeant) how(response);
          return isMeant;
        };
        try {
          await tryOut((config) => verify(config, {}, { deadlineMs: 300 }), api);
          await tryOut((config) => examine(config, { deadlineMs: 300 }), api);
        } finally {
          api.stop();
        }
      }
    };
    await Promise.all(Array.from({ length: 100 }, worker));
  });

  test("a list whose pages never end, each with another name", async () => {
    const api = await FakeApi.start();
    let page = 0;
    api.answer = ({ url = "" }, response) => {
      if (!url.startsWith("/api/v1/nodes")) return false;
      send(JSON.stringify({ items: [], metadata: { continue: String((page += 1)) } }))(response);
      return true;
    };
    try {
      const said = await tryOut((config) => examine(config, { deadlineMs: 60_000 }), api);
      assert.match(said, /its pages never end/);
    } finally {
      api.stop();
    }
  });
});
