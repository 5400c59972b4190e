/** Credentials by an exec plugin, during a command that takes longer than they are good for. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock, suite, test } from "node:test";
import { stringify } from "yaml";
import { ApiError, closeSession, get } from "../../components/cluster/api.ts";
import { loadCluster } from "../../components/cluster/client.ts";
import { reply, withApiServer } from "./apiServer.ts";

const apiVersion = "client.authentication.k8s.io/v1";
const minute = 60_000;

interface Cluster {
  /** Sends so many requests at once; gives the tokens that were accepted. */
  readonly ask: (times?: number) => Promise<string[]>;
  /** How often the plugin was run; its tokens are numbered. */
  readonly runs: () => number;
  /** The token that the API server accepts; undefined for all. */
  accepted: string | undefined;
  /** Requests that it has refused. */
  refused: number;
}

/**
 * Does something with a cluster whose user has a plugin. The clock stands still unless it is set.
 *
 * @param lifetimeMs - of a token; undefined where the plugin does not say
 */
async function withPlugin(
  lifetimeMs: number | undefined,
  work: (cluster: Cluster, passBy: (ms: number) => void) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "exec-plugin-"));
  const seen = join(folder, "runs");
  const script = `
    const fs = require("fs");
    fs.appendFileSync(${JSON.stringify(seen)}, "x");
    const token = "token-" + fs.readFileSync(${JSON.stringify(seen)}, "utf8").length;
    const expirationTimestamp = ${lifetimeMs === undefined ? "undefined" : `new Date(Date.now() + ${lifetimeMs})`};
    console.log(JSON.stringify({ apiVersion: "${apiVersion}", kind: "ExecCredential", status: { token, expirationTimestamp } }));`;
  const exec = { apiVersion, command: process.execPath, args: ["-e", script], interactiveMode: "Never" };
  const tokens: string[] = [];
  const state: Omit<Cluster, "ask"> = {
    runs: () => (existsSync(seen) ? readFileSync(seen, "utf8").length : 0),
    accepted: undefined,
    refused: 0,
  };
  mock.timers.enable({ apis: ["Date"], now: Date.now() });
  try {
    await withApiServer(
      ({ headers }, response) => {
        const token = (headers.authorization ?? "").replace("Bearer ", "");
        const isAccepted = state.accepted === undefined || token === state.accepted;
        if (isAccepted) tokens.push(token);
        else state.refused += 1;
        reply(response, isAccepted ? { metadata: { name: "kube-proxy" } } : {}, isAccepted ? 200 : 401);
      },
      async (fake) => {
        const cluster = { server: fake.getCurrentCluster()?.server, "insecure-skip-tls-verify": true };
        const kubeconfig = stringify({
          "current-context": "fake",
          contexts: [{ name: "fake", context: { cluster: "fake", user: "fake" } }],
          clusters: [{ name: "fake", cluster }],
          users: [{ name: "fake", user: { exec } }],
        });
        const config = loadCluster({ kubeconfig }, {});
        const ask = async (times = 1) => {
          tokens.length = 0;
          const path = "/api/v1/namespaces/kube-system/configmaps/kube-proxy";
          await Promise.all(Array.from({ length: times }, () => get(config, path)));
          return [...tokens];
        };
        try {
          await work(Object.assign(state, { ask }), (ms) => {
            mock.timers.setTime(Date.now() + ms);
          });
        } finally {
          await closeSession(config);
        }
      },
    );
  } finally {
    mock.timers.reset();
    rmSync(folder, { recursive: true });
  }
}

// One after the other: they set this process' clock.
suite("a token of an exec plugin", () => {
  test("is used until it expires, and the plugin runs once for all who ask", async () => {
    // Longer than a session.
    const pauseMs = 5.5 * minute;
    // What is about to expire is taken for expired: on its way it may be.
    await withPlugin(2 * pauseMs + 5000, async ({ ask, runs }, passBy) => {
      assert.deepEqual(await ask(3), Array(3).fill("token-1"));
      passBy(pauseMs);
      assert.deepEqual(await ask(3), Array(3).fill("token-1"));
      assert.equal(runs(), 1);
      passBy(pauseMs);
      assert.deepEqual(await ask(3), Array(3).fill("token-2"));
      assert.deepEqual(await ask(3), Array(3).fill("token-2"));
      assert.equal(runs(), 2);
    });
  });

  test("is renewed when it is refused, whether or not the plugin says when it expires; for all who ask once", async () => {
    for (const lifetimeMs of [minute, undefined]) {
      await withPlugin(lifetimeMs, async (cluster, passBy) => {
        await cluster.ask();
        passBy(2 * minute);
        cluster.accepted = "token-2";
        assert.deepEqual(await cluster.ask(5), Array(5).fill("token-2"));
        assert.deepEqual([cluster.runs(), cluster.refused], [2, 5]);
      });
    }
  });

  test("that is refused at once is not renewed, and one that is refused again not a second time", async () => {
    await withPlugin(undefined, async (cluster, passBy) => {
      cluster.accepted = "none";
      const isRefused = (error: unknown) => error instanceof ApiError && error.status === 401;
      await assert.rejects(cluster.ask(), isRefused);
      assert.deepEqual([cluster.runs(), cluster.refused], [1, 1]);
      passBy(minute);
      await assert.rejects(cluster.ask(), isRefused);
      assert.deepEqual([cluster.runs(), cluster.refused], [2, 3]);
    });
  });
});
