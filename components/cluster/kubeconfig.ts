import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
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
 * `~/.kube/config`, else the pod's own ServiceAccount.
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
    return env["KUBERNETES_SERVICE_HOST"] !== undefined && context === undefined
      ? []
      : [
          {
            path: "kubeconfig",
            accepted: `is required: found none at ${candidates.join(", ")}; set it to a path`,
          },
        ];
  }
  const contents: { name: string; content: string }[] = [];
  for (const name of files) {
    try {
      contents.push({ name, content: readFileSync(name, "utf8") });
    } catch (error) {
      return [{ path: "kubeconfig", value: name, accepted: `a file that can be read (${String(error)})` }];
    }
  }
  return checkContents(contents, context);
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

/** In bytes: room for a thousand clusters with their certificates. */
export const largestKubeconfig = 16 * 1024 * 1024;

function parseKubeconfig(content: string): { contexts: string[]; current: string | undefined } | undefined {
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
  const listed = env["KUBECONFIG"]?.split(delimiter).filter((path) => path !== "") ?? [];
  return listed.length > 0 ? listed : [join(homedir(), ".kube", "config")];
}
