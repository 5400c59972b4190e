import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, suite, test } from "node:test";
import { HttpMethod, RequestContext } from "@kubernetes/client-node";
import { loadCluster } from "../../components/cluster/client.ts";

const folder = mkdtempSync(join(tmpdir(), "client-"));
after(() => {
  rmSync(folder, { recursive: true });
});

function content(name: string, server: string, user = name): string {
  return `current-context: ${name}
contexts: [{ name: ${name}, context: { cluster: ${name}, user: ${user} } }]
clusters: [{ name: ${name}, cluster: { server: "${server}", certificate-authority: ca.crt } }]
users: [{ name: ${name}, user: {} }]
`;
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const a = file("a", content("a", "https://a"));
const b = file("b", content("b", "https://b"));
const otherA = file("other-a", content("a", "https://other-a"));
const serverOf = (...args: Parameters<typeof loadCluster>) =>
  loadCluster(...args).getCurrentCluster()?.server;

suite("the client for the cluster that a user means", () => {
  test("a path, with files named in it relative to it; or a kubeconfig's content", () => {
    const cluster = loadCluster({ kubeconfig: a }, {}).getCurrentCluster();
    assert.equal(cluster?.server, "https://a");
    assert.equal(cluster.caFile, join(folder, "ca.crt"));
    assert.equal(serverOf({ kubeconfig: content("c", "https://c") }, {}), "https://c");
  });

  test("of the files of KUBECONFIG the first counts, missing ones are passed over, a context chooses", () => {
    const KUBECONFIG = [join(folder, "missing"), a, otherA, b].join(delimiter);
    assert.equal(serverOf({}, { KUBECONFIG }), "https://a");
    assert.equal(serverOf({ context: "b" }, { KUBECONFIG }), "https://b");
  });

  test("a token from the file that a kubeconfig names, relative to it; it counts more than a token beside it", async () => {
    for (const [text, isWatched] of [
      ["from-file", true],
      ["from-file\n", false],
    ] as const) {
      file("token", text);
      const withToken = content("t", "https://t")
        .replace(", certificate-authority: ca.crt", "")
        .replace("user: {}", "user: {tokenFile: token, token: beside}");
      const config = loadCluster({ kubeconfig: file("with-token", withToken) }, {});
      const request = new RequestContext("https://t", HttpMethod.GET);
      await config.applySecurityAuthentication(request);
      assert.equal(request.getHeaders()["Authorization"], "Bearer from-file");
      assert.equal(config.getCurrentUser()?.authProvider !== undefined, isWatched);
    }
    const missing = content("t", "https://t").replace("user: {}", "user: {tokenFile: none}");
    assert.throws(
      () => loadCluster({ kubeconfig: file("without-token", missing) }, {}),
      /without-token is no valid kubeconfig: ENOENT/,
    );
  });

  test("a server's URL has no user and no password, as no request takes them", () => {
    assert.equal(serverOf({ kubeconfig: content("a", "https://me:hidden@a:6443") }, {}), "https://a:6443");
  });

  test("what is wrong with a file is told without a part of it", () => {
    const text = `${content("a", "https://a")}# token: hidden\n`.replace(
      "user: {}",
      "user: {}, name: b, token: hidden",
    );
    assert.throws(
      () => loadCluster({ kubeconfig: text }, {}),
      ({ message }: Error) => !message.includes("hidden"),
    );
  });

  test("mistakes name the key: an unknown context, a user that is not there, an entry without a server", () => {
    const failing = (kubeconfig: string, context?: string) => () =>
      loadCluster({ kubeconfig, ...(context !== undefined && { context }) }, {});
    assert.throws(failing(a, "nope"), /context: "nope" is not accepted; accepted: one of .*contexts: a/);
    assert.throws(failing(content("a", "https://a", "gone")), /context: "a" .*; it has no user "gone"/);
    assert.throws(
      failing(content("a", "")),
      /kubeconfig: its content is no valid kubeconfig: clusters\[0\].cluster.server/,
    );
  });
});
