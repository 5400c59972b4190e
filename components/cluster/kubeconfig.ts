import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join, resolve, sep } from "node:path";
import { parseYaml } from "../configuration/readYaml.ts";
import type { ClusterChoice } from "../facts/ask.ts";
import type { Problem } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";

/**
 * Finds out before anything is sent whether the kubeconfig can be read and has the context. Nothing is connected to.
 *
 * @param choice - what the user set
 * @param env - the process' environment: `KUBECONFIG`, and `KUBERNETES_SERVICE_HOST` within a cluster
 *
 * Source: client-go's `clientcmd` loading rules: an explicit path, else the files of `KUBECONFIG`, else
 * `~/.kube/config`; where those say no context, the pod's own ServiceAccount.
 */
export function checkKubeconfig({ kubeconfig, context }: ClusterChoice, env: NodeJS.ProcessEnv): Problem[] {
  if (kubeconfig !== undefined && isContent(kubeconfig)) {
    return checkContents([{ name: "its content", content: kubeconfig }], context);
  }
  if (kubeconfig !== undefined && !existsSync(expandHome(kubeconfig))) {
    return [
      {
        path: "kubeconfig",
        value: kubeconfig,
        accepted: "the path of an existing file, or a kubeconfig's content",
      },
    ];
  }
  const candidates = kubeconfig === undefined ? defaultPaths(env) : [expandHome(kubeconfig)];
  const files = candidates.filter((path) => existsSync(path));
  if (files.length === 0) {
    const places = candidates.join(", ") || "any path of KUBECONFIG";
    return isInCluster(env) && context === undefined
      ? []
      : [{ path: "kubeconfig", accepted: `is required: found none at ${places}; set it to a path` }];
  }
  const contents: { name: string; content: string }[] = [];
  for (const name of files) {
    try {
      contents.push({ name, content: readFileSync(name, "utf8") });
    } catch (error) {
      return [{ path: "kubeconfig", value: name, accepted: `a file that can be read (${String(error)})` }];
    }
  }
  const problems = checkContents(contents, context);
  const isUndecided = problems.some(({ path, value }) => path === "context" && value === undefined);
  return isUndecided && kubeconfig === undefined && isInCluster(env) ? [] : problems;
}

/** Where a pod has what its ServiceAccount needs; nothing of a machine can say otherwise. */
export const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * Whether this process is in a pod whose ServiceAccount can be used. It is where no kubeconfig says which context.
 *
 * Source: client-go's `tools/clientcmd/client_config.go` (inClusterClientConfig.Possible).
 */
export function isInCluster(env: NodeJS.ProcessEnv): boolean {
  const isToldWhere = Boolean(env["KUBERNETES_SERVICE_HOST"] && env["KUBERNETES_SERVICE_PORT"]);
  return isToldWhere && existsSync(`${serviceAccount}/token`);
}

function checkContents(
  contents: { name: string; content: string }[],
  context: string | undefined,
): Problem[] {
  const contexts: string[] = [];
  let current: string | undefined;
  for (const { name, content } of contents) {
    const config = parseKubeconfig(content);
    if (config === undefined) {
      return [{ path: "kubeconfig", accepted: `${name} is no kubeconfig: not YAML, or without contexts` }];
    }
    contexts.push(...config.contexts);
    current ??= config.current;
  }
  const wanted = context ?? current;
  if (wanted !== undefined && contexts.includes(wanted)) {
    return [];
  }
  const accepted = `one of the kubeconfig's contexts: ${contexts.join(", ") || "it has none"}`;
  return wanted === undefined
    ? [{ path: "context", accepted: `is required, since the kubeconfig has no current-context: ${accepted}` }]
    : [{ path: "context", value: wanted, accepted }];
}

/** Keys of a kubeconfig's entries that name files. */
const files = {
  cluster: ["certificate-authority"],
  user: ["client-certificate", "client-key", "tokenFile"],
} as const;

/**
 * Files of a kubeconfig that Pulumi's provider would look for elsewhere than kubectl. It takes the kubeconfig for a text that
 * is nowhere: what is beside it is beside this program to the provider, and a plugin is looked for in `PATH`.
 *
 * @param choice - with `kubeconfig`; without, the provider goes by client-go's rules. {@link checkKubeconfig} has accepted it
 *
 * Source: pulumi-kubernetes `provider/pkg/provider` (parseKubeconfigString); client-go's
 * `plugin/pkg/client/auth/exec/exec.go` (newAuthenticator).
 */
export function checkForProvider({ kubeconfig, context }: ClusterChoice): Problem[] {
  if (kubeconfig === undefined) return [];
  const path = isContent(kubeconfig) ? undefined : expandHome(kubeconfig);
  const folder = path === undefined ? process.cwd() : dirname(path);
  const document = parseYaml(path === undefined ? kubeconfig : readFileSync(path, "utf8"), largestKubeconfig);
  const chosen = entryOf(document, "context", context ?? textOf(document, "current-context"));
  const found = (["cluster", "user"] as const).flatMap((kind) => {
    const entry = entryOf(document, kind, textOf(chosen, kind));
    const beside = files[kind]
      .map((key) => [key, textOf(entry, key)] as const)
      .filter(([, file]) => file !== "" && resolve(folder, file) !== resolve(file));
    const command = isRecord(entry) ? textOf(entry["exec"], "command") : "";
    return isRelativeCommand(command) ? [...beside, ["exec.command", command] as const] : beside;
  });
  return found.map(([key, file]) => ({
    path: `${key} of the kubeconfig`,
    value: file,
    accepted:
      "an absolute path, since Pulumi's Kubernetes provider does not look beside the kubeconfig; " +
      "or leave kubeconfig out of the stack's config and set the variable KUBECONFIG",
  }));
}

function entryOf(document: unknown, kind: string, name: string): unknown {
  const list = isRecord(document) ? document[`${kind}s`] : undefined;
  const entries: unknown[] = Array.isArray(list) ? list : [];
  return entries.filter(isRecord).find((entry) => entry["name"] === name)?.[kind];
}

function textOf(value: unknown, key: string): string {
  const text = isRecord(value) ? value[key] : undefined;
  return typeof text === "string" ? text : "";
}

/** Whether a plugin's command is a path, and not an absolute one. A name alone is looked for in `PATH`. */
export function isRelativeCommand(command: string): boolean {
  return command.includes(sep) && !isAbsolute(command);
}

/** In bytes: room for a thousand clusters with their certificates. */
export const largestKubeconfig = 16 * 1024 * 1024;

function parseKubeconfig(content: string): { contexts: string[]; current: string | undefined } | undefined {
  if (isEmpty(content)) return { contexts: [], current: undefined };
  let config: unknown;
  try {
    config = parseYaml(content, largestKubeconfig);
  } catch {
    return undefined;
  }
  if (!isRecord(config) || !(Array.isArray(config["contexts"]) || config["contexts"] == null)) {
    return undefined;
  }
  const contexts: unknown[] = config["contexts"] ?? [];
  const current = config["current-context"];
  return {
    contexts: contexts
      .map((entry) => (isRecord(entry) ? entry["name"] : undefined))
      .filter((name) => typeof name === "string"),
    current: typeof current === "string" && current !== "" ? current : undefined,
  };
}

/** Whether a kubeconfig says nothing, as one that `touch` has made: that is one without contexts. */
export function isEmpty(content: string): boolean {
  return content.split("\n").every((line) => /^\s*(#.*)?$/.test(line));
}

/** Whether a kubeconfig is given by its content, not by its path. */
export function isContent(kubeconfig: string): boolean {
  return kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{");
}

/** A path with the home folder in the place of `~`. */
export function expandHome(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

/** Where a kubeconfig is looked for when none is given: the files of `KUBECONFIG`, else `~/.kube/config`. */
export function defaultPaths(env: NodeJS.ProcessEnv): string[] {
  const { KUBECONFIG: list } = env;
  return list ? list.split(delimiter).filter((path) => path !== "") : [join(homedir(), ".kube", "config")];
}
