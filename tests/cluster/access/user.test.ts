/** Who an API server takes this program for: nobody else than kubectl, or nobody at all. */
import assert from "node:assert/strict";
import type { IncomingMessage, RequestListener } from "node:http";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, suite, test } from "node:test";
import { stringify } from "yaml";
import { closeSession, get } from "../../../components/cluster/api.ts";
import { loadCluster } from "../../../components/cluster/client.ts";
import { probe } from "../../../components/cluster/verify/probe.ts";
import { answers } from "../verify/fixtures.ts";
import { certificate, endServers, startCluster } from "./servers.ts";

const folder = mkdtempSync(join(tmpdir(), "access-"));
after(() => {
  endServers();
  rmSync(folder, { recursive: true });
});

const { metrics, configz } = answers();
const kubeProxy: RequestListener = ({ url = "" }, response) => {
  response.end({ "/metrics": metrics, "/configz": configz }[url] ?? "iptables");
};
const authority = Buffer.from(certificate.cert).toString("base64");

/** A kubeconfig's content. Nothing need listen at its server. */
function kubeconfig(user: object, { port = 1, more = {} }: { port?: number; more?: object } = {}): string {
  const cluster = {
    server: `https://127.0.0.1:${port}`,
    "certificate-authority-data": authority,
    ...more,
  };
  return stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user }],
  });
}

/** The headers of a request and of a port-forward, each value by itself. */
async function headersOf(
  makeChoice: (port: number) => Parameters<typeof loadCluster>,
): Promise<IncomingMessage["headersDistinct"][]> {
  const cluster = await startCluster(kubeProxy);
  const config = loadCluster(...makeChoice(cluster.port));
  try {
    await get(config, "/api/v1/namespaces/kube-system");
    const probed = await probe(config, { pod: "a", port: 10249 }, AbortSignal.timeout(20_000));
    assert.equal(typeof probed === "string" ? probed : probed.mode, "iptables");
  } finally {
    await closeSession(config);
  }
  assert.equal(cluster.asked.length, 2);
  return cluster.asked.map(({ headersDistinct }) => headersDistinct);
}

function impersonated(headers: IncomingMessage["headersDistinct"]): object {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("impersonate-")));
}

suite("whom a kubeconfig's user impersonates", () => {
  const refusal = (user: object) => {
    try {
      loadCluster({ kubeconfig: kubeconfig({ token: "hidden", ...user }) }, {});
    } catch (error) {
      return (error as Error).message;
    }
    return undefined;
  };

  test("is told by requests and port-forwards alike: user, UID, each group, and what else there is", async () => {
    const user = {
      token: "the-token",
      as: "jürgen",
      "as-uid": "7",
      "as-groups": ["system:masters, no", "dev"],
      "as-user-extra": { "example.com/Scopes %": ["a", "b"], scopes: ["c"], none: [], nil: null },
    };
    for (const headers of await headersOf((port) => [{ kubeconfig: kubeconfig(user, { port }) }, {}])) {
      assert.deepEqual(impersonated(headers), {
        // As Node.js shows its UTF-8.
        "impersonate-user": [Buffer.from("jürgen").toString("latin1")],
        "impersonate-uid": ["7"],
        "impersonate-group": ["system:masters, no", "dev"],
        "impersonate-extra-example.com%2fscopes%20%25": ["a", "b"],
        "impersonate-extra-scopes": ["c"],
      });
      assert.equal(headers["authorization"]?.join(), "Bearer the-token");
    }
  });

  test("is told where a key is written by its letters' codes", async () => {
    const user = { token: "t", as: "a", "as-groups": ["dev"] };
    for (const headers of await headersOf((port) => [
      { kubeconfig: kubeconfig(user, { port }).replace("as-groups:", '"as\\u002dgroups":') },
      {},
    ])) {
      assert.deepEqual(impersonated(headers), { "impersonate-user": ["a"], "impersonate-group": ["dev"] });
    }
  });

  test("is nobody where nobody is named", async () => {
    const user = { token: "t", as: "", "as-groups": [], "as-user-extra": null };
    for (const headers of await headersOf((port) => [{ kubeconfig: kubeconfig(user, { port }) }, {}])) {
      assert.deepEqual(impersonated(headers), {});
    }
  });

  test("is refused without a user, each key by its name", () => {
    const user = { "as-uid": "1", "as-groups": ["dev"], "as-user-extra": { a: ["b"] } };
    const said = refusal(user) ?? "";
    assert.match(said, /3 problems/);
    for (const key of Object.keys(user)) {
      assert.match(
        said,
        new RegExp(`${key} of the kubeconfig's user u: .* unless \`as\` beside it names a user`),
      );
    }
    assert.doesNotMatch(said, /hidden/);
  });

  test("is refused where it is not what kubectl reads, or no header can say it", () => {
    for (const [wrong, said] of [
      [{ as: 1 }, /as of .* user u: 1 is not accepted; accepted: a text/],
      [{ as: "a\nb" }, /as of .*: a text of one line/],
      [{ as: "a", "as-uid": 1 }, /as-uid of .*: a text of one line/],
      [{ as: "a", "as-groups": "dev" }, /as-groups of .*: a list of texts/],
      [{ as: "a", "as-groups": [1] }, /as-groups of .*: a list of texts/],
      [{ as: "a", "as-user-extra": ["b"] }, /as-user-extra of .*: lists of texts/],
      [{ as: "a", "as-user-extra": { b: "c" } }, /as-user-extra of .*: lists of texts/],
      [{ "auth-provider": { name: "gcp" } }, /auth-provider of .*: "gcp" is not accepted; accepted: oidc/],
    ] as const) {
      assert.match(refusal(wrong) ?? "none", said, JSON.stringify(wrong));
    }
  });
});

suite("an exec plugin", () => {
  const apiVersion = "client.authentication.k8s.io/v1";
  const seen = join(folder, "seen");
  /** Writes down what it is told, and gives a token. */
  const script = `#!${process.execPath}
    const { KUBERNETES_EXEC_INFO: info, OWN: own } = process.env;
    require("fs").writeFileSync(${JSON.stringify(seen)}, JSON.stringify({ info: JSON.parse(info), own, argv: process.argv.slice(2) }));
    const { apiVersion } = JSON.parse(info);
    console.log(JSON.stringify({ apiVersion, kind: "ExecCredential", status: { token: "of-" + own } }));`;
  const install = (...path: string[]) => {
    mkdirSync(join(folder, ...path, ".."), { recursive: true });
    writeFileSync(join(folder, ...path), script);
    chmodSync(join(folder, ...path), 0o755);
  };
  const told = () => JSON.parse(readFileSync(seen, "utf8")) as { info: object; own: string; argv: string[] };
  const exec = {
    apiVersion,
    interactiveMode: "Never",
    command: "./bin/plugin",
    env: [{ name: "OWN", value: "a" }],
  };
  const tokenOf = async (content: (port: number) => string) => {
    const file = join(folder, "config");
    const [headers] = await headersOf((port) => {
      writeFileSync(file, content(port));
      return [{ kubeconfig: file }, {}];
    });
    return headers?.["authorization"]?.join();
  };
  install("bin", "plugin");

  test("with a relative path is that beside its kubeconfig, whichever of several that is; a name is found in PATH", async () => {
    install("path", "plugin-in-path");
    const path = process.env["PATH"];
    process.env["PATH"] = `${join(folder, "path")}${delimiter}${path ?? ""}`;
    try {
      for (const command of ["./bin/plugin", "bin/plugin", join(folder, "bin", "plugin"), "plugin-in-path"]) {
        const user = { exec: { ...exec, command, args: ["x"] } };
        assert.equal(await tokenOf((port) => kubeconfig(user, { port })), "Bearer of-a");
        assert.deepEqual(told().argv, ["x"]);
        const [empty, config] = [join(folder, "empty"), join(folder, "config")];
        writeFileSync(empty, "");
        const KUBECONFIG = [empty, config].join(delimiter);
        const [headers] = await headersOf((port) => {
          writeFileSync(config, kubeconfig(user, { port }));
          return [{}, { KUBECONFIG }];
        });
        assert.equal(headers?.["authorization"]?.join(), "Bearer of-a");
      }
    } finally {
      process.env["PATH"] = path;
    }
  });

  test("is told of the cluster where it asks for that, in the version of the kubeconfig", async () => {
    const more = {
      "tls-server-name": "another.invalid",
      "disable-compression": true,
      extensions: [
        { name: "other", extension: 1 },
        { name: "client.authentication.k8s.io/exec", extension: { audience: "a", n: [1] } },
      ],
    };
    for (const version of ["v1", "v1beta1"]) {
      const plugin = {
        ...exec,
        apiVersion: `client.authentication.k8s.io/${version}`,
        provideClusterInfo: true,
      };
      let server = "";
      await tokenOf((port) => {
        server = `https://127.0.0.1:${port}`;
        return kubeconfig({ exec: plugin }, { port, more });
      });
      assert.deepEqual(told().info, {
        kind: "ExecCredential",
        apiVersion: plugin.apiVersion,
        spec: {
          cluster: {
            server,
            "tls-server-name": "another.invalid",
            "certificate-authority-data": authority,
            "disable-compression": true,
            config: { audience: "a", n: [1] },
          },
          interactive: false,
        },
      });
    }
  });

  test("is told the cluster's certificates from their file, and the kubeconfig's proxy", async () => {
    writeFileSync(join(folder, "ca.crt"), certificate.cert);
    const plugin = { ...exec, provideClusterInfo: true };
    const more = { "certificate-authority-data": undefined, "certificate-authority": "ca.crt" };
    await tokenOf((port) => kubeconfig({ exec: plugin }, { port, more }));
    const { spec } = told().info as { spec: { cluster: Record<string, unknown> } };
    assert.deepEqual([spec.cluster["certificate-authority-data"], spec.cluster["config"]], [authority, null]);
    const file = join(folder, "config");
    writeFileSync(
      file,
      kubeconfig({ exec: plugin }, { port: 6443, more: { "proxy-url": "http://127.0.0.1:1" } }),
    );
    const config = loadCluster({ kubeconfig: file }, {});
    await assert.rejects(get(config, "/version"), /the proxy http:\/\/127\.0\.0\.1:1/);
    await closeSession(config);
    assert.match(JSON.stringify(told().info), /"proxy-url":"http:\/\/127\.0\.0\.1:1"/);
  });

  test("is told nothing of the cluster where it does not ask; its variables cannot say otherwise", async () => {
    const env = [...exec.env, { name: "KUBERNETES_EXEC_INFO", value: "{}" }];
    await tokenOf((port) => kubeconfig({ exec: { ...exec, env, args: null } }, { port }));
    assert.deepEqual(told().info, { kind: "ExecCredential", apiVersion, spec: { interactive: false } });
  });

  test("does not run where the user has other credentials", async () => {
    rmSync(seen, { force: true });
    writeFileSync(join(folder, "token"), "from-file");
    for (const [other, expected] of [
      [{ token: "beside" }, "Bearer beside"],
      [{ tokenFile: "token" }, "Bearer from-file"],
      [{ username: "me", password: "p" }, `Basic ${Buffer.from("me:p").toString("base64")}`],
      [
        {
          "client-certificate-data": authority,
          "client-key-data": Buffer.from(certificate.key).toString("base64"),
        },
        undefined,
      ],
    ] as const) {
      assert.equal(await tokenOf((port) => kubeconfig({ ...other, exec }, { port })), expected);
    }
    assert.throws(told, /ENOENT/);
  });

  test("is refused where kubectl refuses it, or where it would have to ask somebody: all at once", () => {
    const refusal = (changed: object) => () =>
      loadCluster({ kubeconfig: kubeconfig({ exec: { ...exec, ...changed } }) }, {});
    for (const [changed, said] of [
      [
        { apiVersion: "client.authentication.k8s.io/v1alpha1" },
        /exec.apiVersion of .*v1alpha1" is not accepted/,
      ],
      [{ command: "" }, /exec.command of .*: a program's name or path/],
      [{ interactiveMode: undefined }, /exec.interactiveMode of .*: Never or IfAvailable/],
      [{ interactiveMode: "Always" }, /exec.interactiveMode of .*log in beforehand/],
      [{ command: 1, interactiveMode: "x", apiVersion: 1 }, /3 problems/],
    ] as const) {
      assert.throws(refusal(changed), said);
    }
    const old = { apiVersion: "client.authentication.k8s.io/v1beta1", interactiveMode: undefined };
    assert.doesNotThrow(refusal(old));
  });

  test("that gives what kubectl does not take has its credential used by nobody", async () => {
    for (const [said, expected] of [
      [
        { apiVersion: "client.authentication.k8s.io/v1beta1" },
        /no ExecCredential of client\.authentication\.k8s\.io\/v1,/,
      ],
      [{ kind: "Secret" }, /no ExecCredential of/],
      [
        { status: { token: "hidden", clientKeyData: "hidden" } },
        /a certificate without a key, or a key alone/,
      ],
      [{ status: null }, /no ExecCredential with a token or a certificate/],
    ] as const) {
      const usual = { apiVersion, kind: "ExecCredential", status: { token: "hidden" } };
      const answer: object = { ...usual, ...(said as object) };
      const args = ["-e", `console.log(${JSON.stringify(JSON.stringify(answer))})`];
      const user = { exec: { ...exec, command: process.execPath, args } };
      const config = loadCluster({ kubeconfig: kubeconfig(user) }, {});
      await assert.rejects(get(config, "/version"), ({ message }: Error) => {
        assert.match(message, expected);
        assert.doesNotMatch(message, /hidden/);
        return true;
      });
    }
  });
});
