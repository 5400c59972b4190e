import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { KubeConfig } from "@kubernetes/client-node";
import { parseJson } from "../input/json.ts";
import type { Problem } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { ending } from "./ending.ts";
import type { KnownCluster } from "./entries.ts";

/** Longest time for a plugin, in milliseconds: somebody may have to log in. */
const timeoutMs = 60_000;

/** Longest output in letters. A token has some thousand. */
const longest = 1024 * 1024;

/** So much earlier than it expires a credential is taken for expired, in milliseconds. */
const skewMs = 10_000;

type User = KubeConfig["users"][number];

/** What the client sends with a request, as far as it is set here. */
interface Options {
  cert?: unknown;
  key?: unknown;
  headers?: unknown;
}

/** How a kubeconfig names a plugin, as far as it is looked at. */
interface Exec {
  readonly apiVersion: string;
  readonly command: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly provideClusterInfo?: boolean;
}

interface Credential {
  readonly token?: string;
  readonly clientCertificateData?: string;
  readonly clientKeyData?: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

const apiVersions = ["v1", "v1beta1"].map((version) => `client.authentication.k8s.io/${version}`);

/**
 * What keeps a user's plugin from being run as kubectl would run it within `pulumi up`.
 *
 * @param user - name of the kubeconfig's user
 * @param exec - its plugin, as it stands in the kubeconfig
 *
 * Source: client-go's `tools/clientcmd/validation.go` and `tools/clientcmd/api/v1/defaults.go`.
 */
export function pluginProblems(user: string, exec: Readonly<Record<string, unknown>>): Problem[] {
  const { apiVersion, command, interactiveMode } = exec;
  const problem = (key: string, accepted: string): Problem => {
    return { path: `exec.${key} of the kubeconfig's user ${user}`, value: exec[key], accepted };
  };
  const isKnown = typeof apiVersion === "string" && apiVersions.includes(apiVersion);
  const isOld = apiVersion === apiVersions[1] && (interactiveMode == null || interactiveMode === "");
  const modes = ["Never", "IfAvailable"];
  return [
    ...(isKnown ? [] : [problem("apiVersion", apiVersions.join(" or "))]),
    ...(typeof command === "string" && command !== ""
      ? []
      : [problem("command", "a program's name or path")]),
    ...(isOld || (typeof interactiveMode === "string" && modes.includes(interactiveMode))
      ? []
      : [
          problem(
            "interactiveMode",
            `${modes.join(" or ")}: no plugin can ask anybody here; have it log in beforehand`,
          ),
        ]),
  ];
}

/** What users have in the place of their plugin; the client has an authenticator of its own for `exec`. */
const providerName = "exec-once";

/**
 * Has a kubeconfig's exec plugins run by this program, not by the client library, which runs one for each of several
 * requests that are sent together, and waits for it for ever. Who has other credentials has them used without a plugin.
 *
 * Source: client-go's `plugin/pkg/client/auth/exec/exec.go` (UpdateTransportConfig).
 */
export function runPluginsOnce(config: KubeConfig): void {
  const { clusters, contexts, currentContext } = config;
  const users = config.users.map((user) => {
    const { exec, ...others } = user as Omit<User, "exec"> & { readonly exec?: unknown };
    if (exec == null) return user;
    const has = [others.token, others.username, others.password, others.certData, others.certFile];
    return has.some(Boolean) || others.authProvider != null
      ? others
      : { ...others, authProvider: { name: providerName, config: { plugin: exec } } };
  });
  config.loadFromOptions({ clusters, contexts, users, currentContext });
  const plugins = new ExecPlugins(config.getCurrentCluster() as KnownCluster);
  config.addAuthenticator(plugins);
  pluginsOf.set(config, plugins);
}

/** Has a plugin run again when a credential is asked for, since the one that it gave is refused: not all say when it expires. */
export function forgetCredentials(config: KubeConfig): void {
  pluginsOf.get(config)?.forget();
}

/** Runs a plugin when a credential is asked for and there is none that is valid; for all who ask meanwhile once. */
class ExecPlugins {
  readonly #asked = new Map<string, { readonly promise: Promise<Credential>; credential?: Credential }>();
  readonly #cluster: KnownCluster;

  constructor(cluster: KnownCluster) {
    this.#cluster = cluster;
  }

  forget(): void {
    this.#asked.clear();
  }

  isAuthProvider({ authProvider }: User): boolean {
    return isRecord(authProvider) && authProvider["name"] === providerName;
  }

  async applyAuthentication(user: User, options: Options): Promise<void> {
    const { token, clientCertificateData: cert, clientKeyData: key } = await this.#credentialOf(user);
    if (cert !== undefined) options.cert = cert;
    if (key !== undefined) options.key = key;
    if (token !== undefined) {
      options.headers = { ...(options.headers as object | undefined), Authorization: `Bearer ${token}` };
    }
  }

  async #credentialOf({ name, authProvider }: User): Promise<Credential> {
    const found = this.#asked.get(name);
    const isValid = (found?.credential?.expires ?? Infinity) - skewMs > Date.now();
    if (found !== undefined && isValid) return await found.promise;
    const { config } = authProvider as { config: { plugin: Exec } };
    const asked: { promise: Promise<Credential>; credential?: Credential } = {
      promise: run(config.plugin, this.#cluster),
    };
    this.#asked.set(name, asked);
    try {
      asked.credential = await asked.promise;
    } catch (error) {
      this.#asked.delete(name);
      throw error;
    }
    return asked.credential;
  }
}

const pluginsOf = new WeakMap<KubeConfig, ExecPlugins>();

async function run(plugin: Exec, cluster: KnownCluster): Promise<Credential> {
  const { command, args, env } = plugin;
  const child = spawn(command, [...(args ?? [])], {
    env: {
      ...process.env,
      ...Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(infoOf(plugin, cluster)),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  try {
    return credentialOf(plugin, await outputOf(command, child));
  } finally {
    process.off("exit", kill);
    kill();
  }
}

/**
 * What a plugin is told. Of proxies it is that of the kubeconfig: the plugin sees the environment's itself.
 *
 * Source: client-go's `rest/exec.go` and `pkg/apis/clientauthentication`.
 */
function infoOf({ apiVersion, provideClusterInfo }: Exec, cluster: KnownCluster): object {
  const { server, tlsServerName, skipTLSVerify, caFile, caData, proxyAddress } = cluster;
  const authority = caFile ? readFileSync(caFile).toString("base64") : caData;
  const told = {
    server,
    ...(tlsServerName && { "tls-server-name": tlsServerName }),
    ...(skipTLSVerify && { "insecure-skip-tls-verify": true }),
    ...(authority && { "certificate-authority-data": authority }),
    ...(proxyAddress && { "proxy-url": proxyAddress }),
    ...(cluster.disableCompression === true && { "disable-compression": true }),
    config: cluster.execConfig ?? null,
  };
  const spec = { ...(provideClusterInfo === true && { cluster: told }), interactive: false };
  return { kind: "ExecCredential", apiVersion, spec };
}

async function outputOf(command: string, child: ChildProcess): Promise<string> {
  const [timeout, ends] = [AbortSignal.timeout(timeoutMs), ending()];
  const stop = AbortSignal.any([timeout, ...ends]);
  return await new Promise((resolve, reject) => {
    const fail = (why: string) => {
      reject(new Error(`the kubeconfig's exec plugin ${command} ${why}`));
    };
    let [output, complaint] = ["", ""];
    child.stdout?.setEncoding("utf8").on("data", (part: string) => {
      output += part;
      if (output.length > longest) fail("says more than a credential has");
    });
    child.stderr?.setEncoding("utf8").on("data", (part: string) => {
      complaint = (complaint + part).slice(-500);
    });
    child.on("error", ({ message }) => {
      fail(`cannot be run: ${message}`);
    });
    child.on("close", (code, signal) => {
      if (code === 0) resolve(output);
      else fail(`ended with ${code ?? signal ?? ""}: ${complaint.trim()}`);
    });
    stop.addEventListener("abort", () => {
      fail(timeout.aborted ? `has not ended within ${timeoutMs / 1000} s` : "was ended");
    });
  });
}

function credentialOf({ command, apiVersion }: Exec, output: string): Credential {
  const refuse = (why: string) => new Error(`the kubeconfig's exec plugin ${command} gives ${why}`);
  let answer: unknown;
  try {
    answer = parseJson(output);
  } catch {
    // Said below.
  }
  if (!isRecord(answer) || answer["kind"] !== "ExecCredential" || answer["apiVersion"] !== apiVersion) {
    throw refuse(`no ExecCredential of ${apiVersion}, which the kubeconfig asks for`);
  }
  const status = isRecord(answer["status"]) ? answer["status"] : {};
  const text = (name: string) => {
    const value = status[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const [token, cert, key] = [text("token"), text("clientCertificateData"), text("clientKeyData")];
  if ((cert === undefined) !== (key === undefined))
    throw refuse("a certificate without a key, or a key alone");
  // Another sign in a header would be refused with an error that shows the token.
  if ((token === undefined && cert === undefined) || (token !== undefined && !/^[\x21-\x7e]+$/.test(token))) {
    throw refuse("no ExecCredential with a token or a certificate");
  }
  const expires = Date.parse(text("expirationTimestamp") ?? "");
  return {
    ...(token !== undefined && { token }),
    ...(cert !== undefined && { clientCertificateData: cert }),
    ...(key !== undefined && { clientKeyData: key }),
    expires: Number.isNaN(expires) ? Infinity : expires,
  };
}
