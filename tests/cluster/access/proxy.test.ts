/** Proxies between this machine and an API server: whatever is sent goes through them. */
import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { after, suite, test } from "node:test";
import { stringify } from "yaml";
import { closeSession, get } from "../../../components/cluster/api.ts";
import { loadCluster } from "../../../components/cluster/client.ts";
import { proxyFor } from "../../../components/cluster/proxy.ts";
import { probe } from "../../../components/cluster/verify/probe.ts";
import { askFacts } from "../../../components/facts/ask.ts";
import { answers } from "../verify/fixtures.ts";
import {
  certificate,
  endServers,
  faraway,
  type FakeCluster,
  type FakeProxy,
  startCluster,
  startProxy,
  startSocks,
} from "./servers.ts";

after(endServers);

const { metrics, configz } = answers();
const kubeProxy: RequestListener = ({ url = "" }, response) => {
  response.end({ "/metrics": metrics, "/configz": configz }[url] ?? "iptables");
};

function kubeconfig({ port }: FakeCluster, more: object = {}): string {
  const authority = Buffer.from(certificate.cert).toString("base64");
  const cluster = { server: `https://${faraway}:${port}`, "certificate-authority-data": authority, ...more };
  return stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user: { token: "the-token" } }],
  });
}

/** Sends a request and opens a port-forward. */
async function use(content: string, env: NodeJS.ProcessEnv): Promise<void> {
  const config = loadCluster({ kubeconfig: content }, env);
  try {
    const { metadata } = await get(config, "/api/v1/namespaces/kube-system");
    assert.equal(metadata.uid, "cluster");
    const probed = await probe(config, { pod: "a", port: 10249 }, AbortSignal.timeout(20_000));
    assert.equal(typeof probed === "string" ? probed : probed.mode, "iptables");
  } finally {
    await closeSession(config);
  }
}

const userPart = "me:p%40ss@";
const basic = `Basic ${Buffer.from("me:p@ss").toString("base64")}`;

suite("through a proxy", () => {
  const kinds: readonly [string, () => Promise<FakeProxy>, string, string | undefined][] = [
    ["http", () => startProxy(), "", undefined],
    ["http", () => startProxy(), userPart, basic],
    ["https", () => startProxy(true), userPart, basic],
    ["socks5", () => startSocks(), "", undefined],
    ["socks5", () => startSocks(true), userPart, "me:p@ss"],
  ];
  for (const [kind, start, user, said] of kinds) {
    test(`of ${kind}://${user && "a user"}, requests and port-forwards alike, by proxy-url and by HTTPS_PROXY`, async () => {
      const [cluster, proxy] = [await startCluster(kubeProxy), await start()];
      const address = `${kind}://${user}127.0.0.1:${proxy.port}`;
      for (const [more, env] of [
        [{ "proxy-url": address }, { HTTPS_PROXY: "http://127.0.0.1:1", NO_PROXY: "*" }],
        [{}, { HTTPS_PROXY: address, HTTP_PROXY: "http://127.0.0.1:1" }],
      ] as const) {
        [proxy.targets, proxy.users, cluster.asked].forEach((list) => (list.length = 0));
        await use(kubeconfig(cluster, more), env);
        // One for requests, one for the port-forward; the name is not looked up here.
        assert.deepEqual(proxy.targets, Array(2).fill(`${faraway}:${cluster.port}`));
        assert.deepEqual(proxy.users.filter(Boolean), said === undefined ? [] : [said, said]);
        assert.deepEqual(
          [...new Set(cluster.asked.map(({ headers }) => headers.authorization))],
          ["Bearer the-token"],
        );
      }
    });
  }

  test("to a server without TLS a connection is made as well, by proxy-url and by HTTP_PROXY", async () => {
    const [cluster, proxy] = [await startCluster(kubeProxy, false), await startProxy()];
    const address = `http://127.0.0.1:${proxy.port}`;
    const plain = { server: `http://${faraway}:${cluster.port}`, "insecure-skip-tls-verify": true };
    await use(kubeconfig(cluster, { ...plain, "proxy-url": address }), {});
    await use(kubeconfig(cluster, plain), { HTTP_PROXY: address, HTTPS_PROXY: "http://127.0.0.1:1" });
    assert.deepEqual(proxy.targets, Array(4).fill(`${faraway}:${cluster.port}`));
  });

  test("the cluster's certificate is looked at, by the name that it has to have, whatever Node.js is told", async () => {
    const [cluster, proxy] = [await startCluster(kubeProxy), await startProxy()];
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    await use(kubeconfig(cluster, { "tls-server-name": "another.invalid" }), env);
    const wrong = kubeconfig(cluster, { "tls-server-name": "wrong.invalid" });
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      await assert.rejects(use(wrong, env), /does not match certificate's altnames/);
      const direct = wrong.replace(faraway, "127.0.0.1");
      await assert.rejects(use(direct, {}), /does not match certificate's altnames/);
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
    assert.ok(!cluster.asked.some(({ url = "" }) => url.includes("wrong")));
  });

  test("a proxy that refuses, or is not there, is named without its user's password", async () => {
    const cluster = await startCluster();
    const proxy = await startProxy(false, "407 Proxy Authentication Required");
    for (const [address, said] of [
      [
        `http://me:hidden@127.0.0.1:${proxy.port}`,
        /the proxy http:\/\/127\.0\.0\.1:\d+: it answers with 407 Proxy/,
      ],
      ["http://me:hidden@127.0.0.1:1", /the proxy http:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/],
      ["socks5://me:hidden@127.0.0.1:1", /the proxy socks5:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/],
      ["https://me:hidden@127.0.0.1:1", /the proxy https:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/],
    ] as const) {
      await assert.rejects(use(kubeconfig(cluster, { "proxy-url": address }), {}), ({ message }: Error) => {
        assert.match(message, said);
        assert.doesNotMatch(message, /hidden/);
        return true;
      });
    }
    assert.deepEqual(cluster.asked, []);
  });

  test("the process that reads the facts goes through the environment's proxy, too", async () => {
    const [cluster, proxy] = [await startCluster(), await startProxy()];
    process.env["HTTPS_PROXY"] = `http://127.0.0.1:${proxy.port}`;
    try {
      const { server } = await askFacts({ kubeconfig: kubeconfig(cluster) });
      assert.equal(server, `https://${faraway}:${cluster.port}`);
    } finally {
      delete process.env["HTTPS_PROXY"];
    }
    assert.ok(proxy.targets.length > 0);
    assert.ok(cluster.asked.length > 0);
  });
});

suite("the proxy of an API server", () => {
  const proxyOf = (server: string, env: NodeJS.ProcessEnv) => {
    const proxy = proxyFor({ server, proxyUrl: undefined, env });
    return proxy && `${proxy.kind}://${proxy.host}:${proxy.port}`;
  };

  test("is that for its scheme; small letters come first, an address without a scheme is of http", () => {
    const https = "https://api.example.com:6443";
    for (const [server, env, expected] of [
      [https, {}, undefined],
      [https, { HTTP_PROXY: "http://p:1" }, undefined],
      [https, { HTTPS_PROXY: "", https_proxy: "" }, undefined],
      [https, { HTTPS_PROXY: "http://p:1", https_proxy: "http://q:2" }, "http://q:2"],
      [https, { HTTPS_PROXY: "http://p:1", https_proxy: "" }, "http://p:1"],
      [https, { HTTPS_PROXY: "p:3128" }, "http://p:3128"],
      [https, { HTTPS_PROXY: "192.0.2.1:3128" }, "http://192.0.2.1:3128"],
      [https, { HTTPS_PROXY: "p" }, "http://p:80"],
      [https, { HTTPS_PROXY: "https://p/" }, "https://p:443"],
      [https, { HTTPS_PROXY: "socks5://p" }, "socks5://p:1080"],
      [https, { HTTPS_PROXY: "socks5h://[2001:db8::1]:1" }, "socks5://2001:db8::1:1"],
      ["http://api.example.com", { HTTP_PROXY: "p:1", HTTPS_PROXY: "q:2" }, "http://p:1"],
    ] as const) {
      assert.equal(proxyOf(server, env), expected, JSON.stringify([server, env]));
    }
  });

  test("is none where NO_PROXY says so, as Go reads it, and for this machine", () => {
    const [name, v4, v6] = [
      "https://api.example.com:6443",
      "https://192.0.2.10",
      "https://[2001:db8::5]:6443",
    ];
    for (const [server, noProxy, isProxied] of [
      [name, "", true],
      [name, "*", false],
      [name, "other, *", false],
      [name, "api.example.com", false],
      [name, "API.Example.com", false],
      [name, "example.com", false],
      [name, " .example.com , x", false],
      [name, "*.example.com", false],
      [name, "ample.com", true],
      [name, ".api.example.com", true],
      [name, "*.api.example.com", true],
      [name, "other.example.com api.example.com", true],
      [name, "example.com:6443", false],
      [name, "example.com:", false],
      [name, "example.com:443", true],
      [name, ":6443,,", true],
      [name, "192.0.2.0/24", true],
      [v4, "192.0.2.0/24", false],
      [v4, "192.0.2.99/24", false],
      [v4, "192.0.3.0/24", true],
      [v4, "192.0.2.10", false],
      [v4, "::ffff:192.0.2.10", false],
      [v4, "192.0.2.10:443", false],
      [v4, "192.0.2.10:6443", true],
      [v4, "192.0.2.0/99", true],
      [v4, "2.10", true],
      [v4, "0.0.0.0/0", false],
      [v6, "2001:db8::/32", false],
      [v6, "2001:db8:0::5", false],
      [v6, "[2001:db8::5]:6443", false],
      [v6, "[2001:db8::5]:443", true],
      [v6, "[2001:db8::5]", true],
      [v6, "0.0.0.0/0", true],
      ["https://bücher.example", "bücher.example", false],
      ["https://localhost:6443", "", false],
      ["https://127.0.0.53:6443", "", false],
      ["https://[::1]:6443", "", false],
      ["https://localhost.example:6443", "", true],
    ] as const) {
      const expected = isProxied ? "http://p:1" : undefined;
      const why = `${server} with NO_PROXY=${noProxy}`;
      assert.equal(proxyOf(server, { HTTPS_PROXY: "http://p:1", NO_PROXY: noProxy }), expected, why);
      const small = { HTTPS_PROXY: "http://p:1", NO_PROXY: isProxied ? "*" : "x", no_proxy: noProxy };
      if (noProxy !== "") assert.equal(proxyOf(server, small), expected, why);
    }
  });

  test("that has no address of one is refused, by the name of what says so, without a password", () => {
    const load = (more: object, env: NodeJS.ProcessEnv) => () =>
      loadCluster({ kubeconfig: kubeconfig({ port: 1, asked: [] }, more) }, env);
    for (const [address, inEnvironment] of [
      ["ftp://me:hidden@p", true],
      ["socks4://me:hidden@p", true],
      ["http://me:hidden@:x", true],
      ["http://me:hidden%zz@p", true],
      ["socks5h://me:hidden@p", false],
      ["p:3128", false],
    ] as const) {
      const hides = ({ message }: Error) => !message.includes("hidden");
      const matches = (expected: RegExp) => (error: Error) => expected.test(error.message) && hides(error);
      const [byUrl, byVariable] = [load({ "proxy-url": address }, {}), load({}, { https_proxy: address })];
      assert.throws(byUrl, matches(/proxy-url of the kubeconfig's cluster: .* accepted: http:\/\/, https/));
      if (inEnvironment)
        assert.throws(byVariable, matches(/https_proxy: .* accepted: http:\/\/, .*NO_PROXY/));
      else assert.doesNotThrow(byVariable);
    }
  });
});
