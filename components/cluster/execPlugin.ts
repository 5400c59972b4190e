import { type ChildProcess, spawn } from "node:child_process";
import type { KubeConfig } from "@kubernetes/client-node";
import { parseJson } from "../input/json.ts";
import { isRecord } from "../input/record.ts";
import { ending } from "./ending.ts";

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
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
}

interface Credential {
  readonly token?: string;
  readonly clientCertificateData?: string;
  readonly clientKeyData?: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** What users have in the place of their plugin; the client has an authenticator of its own for `exec`. */
const providerName = "exec-once";

/**
 * Has a kubeconfig's exec plugins run by this program, not by the client library, which runs one for each of several
 * requests that are sent together, and waits for it for ever.
 */
export function runPluginsOnce(config: KubeConfig): void {
  const { clusters, contexts, currentContext } = config;
  const users = config.users.map((user) => {
    const { exec, authProvider, ...others } = user as Omit<User, "exec" | "authProvider"> & {
      exec?: unknown;
      authProvider?: { config?: { exec?: unknown } };
    };
    const plugin = exec ?? authProvider?.config?.exec;
    return plugin === undefined
      ? user
      : { ...others, authProvider: { name: providerName, config: { plugin } } };
  });
  config.loadFromOptions({ clusters, contexts, users, currentContext });
  const plugins = new ExecPlugins();
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
    const asked: { promise: Promise<Credential>; credential?: Credential } = { promise: run(config.plugin) };
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

async function run({ command, args = [], env = [], apiVersion }: Exec): Promise<Credential> {
  if (typeof command !== "string" || command === "") {
    throw new Error("the kubeconfig's exec plugin has no command");
  }
  const info = { apiVersion, kind: "ExecCredential", spec: { interactive: false } };
  const child = spawn(command, [...args], {
    env: {
      ...process.env,
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
      ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  try {
    return credentialOf(command, await outputOf(command, child));
  } finally {
    process.off("exit", kill);
    kill();
  }
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

function credentialOf(command: string, output: string): Credential {
  let answer: unknown;
  try {
    answer = parseJson(output);
  } catch {
    // Said below.
  }
  const status = isRecord(answer) && isRecord(answer["status"]) ? answer["status"] : undefined;
  const text = (name: string) => {
    const value = status?.[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const [token, cert, key] = [text("token"), text("clientCertificateData"), text("clientKeyData")];
  // Another sign in a header would be refused with an error that shows the token.
  if ((token === undefined && cert === undefined) || (token !== undefined && !/^[\x21-\x7e]+$/.test(token))) {
    throw new Error(
      `the kubeconfig's exec plugin ${command} gives no ExecCredential with a token or a certificate`,
    );
  }
  const expires = Date.parse(text("expirationTimestamp") ?? "");
  return {
    ...(token !== undefined && { token }),
    ...(cert !== undefined && { clientCertificateData: cert }),
    ...(key !== undefined && { clientKeyData: key }),
    expires: Number.isNaN(expires) ? Infinity : expires,
  };
}
