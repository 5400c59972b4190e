import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { User } from "@kubernetes/client-node";
import { parseYaml } from "../configuration/readYaml.ts";
import type { ClusterChoice } from "../facts/ask.ts";
import { withoutPasswords, withoutUserinfo } from "../input/passwords.ts";
import { isRecord } from "../input/record.ts";
import { type Problem, ProblemsError } from "../input/problems.ts";
import { runPluginsOnce } from "./execPlugin.ts";
import { checkKubeconfig, defaultPaths, expandHome, isContent, largestKubeconfig } from "./kubeconfig.ts";
import { KubeConfig } from "./kubernetes.ts";

/**
 * The Kubernetes client's configuration for the cluster that a user means. Nothing is connected to.
 *
 * Users and passwords in servers' URLs are left out: no request takes them, and the URL is told in many places.
 *
 * Where several files name the same cluster, user or context, the first one counts, as with kubectl.
 *
 * @param choice - path or content of a kubeconfig, and a context in it; both may be left out
 * @param env - the process' environment: `KUBECONFIG`, and `KUBERNETES_SERVICE_HOST` within a cluster
 * @returns a configuration whose current context, cluster and user all exist
 * @throws ProblemsError naming `kubeconfig` or `context`, its value and what is accepted
 *
 * Source: client-go's `clientcmd` loading rules, as in {@link checkKubeconfig}.
 */
export function loadCluster(choice: ClusterChoice, env: NodeJS.ProcessEnv): KubeConfig {
  refuse(checkKubeconfig(choice, env));
  const config = load(choice, env);
  if (choice.context !== undefined) {
    config.setCurrentContext(choice.context);
  }
  refuse(danglingNames(config));
  stripServers(config);
  runPluginsOnce(config);
  return config;
}

/** What the client calls the context of a pod's own ServiceAccount, which is in no kubeconfig. */
const inCluster = "inClusterContext";

/**
 * The context that a configuration of {@link loadCluster} uses, by which the same kubeconfig gives the same cluster again
 * whatever its current context is by then; undefined for a pod's own ServiceAccount.
 */
export function contextOf(config: KubeConfig): string | undefined {
  const { currentContext } = config;
  return currentContext === inCluster ? undefined : currentContext;
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) {
    throw new ProblemsError("the choice of the cluster", problems);
  }
}

function load({ kubeconfig }: ClusterChoice, env: NodeJS.ProcessEnv): KubeConfig {
  if (kubeconfig !== undefined && isContent(kubeconfig)) {
    return parsed("its content", (config) => {
      config.loadFromString(kubeconfig);
      readTokenFiles(config, kubeconfig, process.cwd());
    });
  }
  const paths = kubeconfig === undefined ? defaultPaths(env) : [expandHome(kubeconfig)];
  const files = paths.filter((path) => existsSync(path));
  if (files.length === 0) {
    return parsed("the pod's ServiceAccount", (config) => {
      config.loadFromCluster();
    });
  }
  return merge(
    files.map((path) =>
      parsed(path, (config) => {
        config.loadFromFile(path);
        readTokenFiles(config, readFileSync(path, "utf8"), dirname(path));
      }),
    ),
  );
}

/**
 * Has tokens read from the files that a kubeconfig names, which the client knows under another key than kubectl's. They are
 * read again every minute; where a token stands beside, the file counts.
 *
 * @param folder - where a relative path begins
 *
 * Source: client-go's `tools/clientcmd/api/v1/types.go` and `rest/transport.go`.
 */
function readTokenFiles(config: KubeConfig, content: string, folder: string): void {
  // Most have none, and need not be parsed once more.
  if (!content.includes("tokenFile")) return;
  const document = parseYaml(content, largestKubeconfig);
  const users: readonly unknown[] =
    isRecord(document) && Array.isArray(document["users"]) ? document["users"] : [];
  const files = new Map(
    users.filter(isRecord).map(({ name, user }) => [name, isRecord(user) ? user["tokenFile"] : undefined]),
  );
  config.users = config.users.map((user) => {
    const file = files.get(user.name);
    return typeof file === "string" && file !== "" ? withTokenFile(user, resolve(folder, file)) : user;
  });
}

function withTokenFile({ token: _, ...user }: User, tokenFile: string): User {
  const text = readFileSync(tokenFile, "utf8");
  // The client sends a file's text as it is, and no header has an end of line.
  return text === text.trim()
    ? { ...user, authProvider: { name: "tokenFile", config: { tokenFile } } }
    : { ...user, token: text.trim() };
}

function stripServers(config: KubeConfig): void {
  const { users, contexts, currentContext } = config;
  const clusters = config.clusters.map((cluster) => {
    return { ...cluster, server: withoutUserinfo(cluster.server) };
  });
  config.loadFromOptions({ clusters, users, contexts, currentContext });
}

/** The client finds the first of equal names, so that appending is client-go's rule; its own merge refuses them. */
function merge(configs: readonly KubeConfig[]): KubeConfig {
  const merged = new KubeConfig();
  merged.loadFromOptions({
    clusters: configs.flatMap(({ clusters }) => clusters),
    users: configs.flatMap(({ users }) => users),
    contexts: configs.flatMap(({ contexts }) => contexts),
    currentContext: configs.map(({ currentContext }) => currentContext).find(Boolean),
  });
  return merged;
}

function parsed(name: string, read: (config: KubeConfig) => void): KubeConfig {
  const config = new KubeConfig();
  try {
    read(config);
  } catch (error) {
    refuse([{ path: "kubeconfig", accepted: `${name} is no valid kubeconfig: ${reason(error)}` }]);
  }
  return config;
}

function danglingNames(config: KubeConfig): Problem[] {
  const { currentContext } = config;
  const context = config.getContextObject(currentContext);
  const missing = [
    ...(config.getCurrentCluster() === null ? [`cluster "${context?.cluster ?? ""}"`] : []),
    ...(config.getCurrentUser() === null ? [`user "${context?.user ?? ""}"`] : []),
  ];
  return missing.map((name) => ({
    path: "context",
    value: currentContext,
    accepted: `a context whose cluster and user are in the kubeconfig; it has no ${name}`,
  }));
}

/** The first line alone: what follows is a part of the file, where secrets are. */
function reason(error: unknown): string {
  const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return withoutPasswords(line);
}
