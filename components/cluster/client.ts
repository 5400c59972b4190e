import { existsSync, readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { dirname } from "node:path";
import type { ClusterChoice } from "../facts/ask.ts";
import { withoutPasswords, withoutUserinfo } from "../input/passwords.ts";
import { type Problem, ProblemsError } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { complete, type KnownCluster, type KnownUser, tokenFileProvider, withTokenFile } from "./entries.ts";
import { pluginProblems, runPluginsOnce } from "./execPlugin.ts";
import { impersonationHeaders, impersonationProblems } from "./impersonation.ts";
import {
  checkKubeconfig,
  defaultPaths,
  expandHome,
  isContent,
  isEmpty,
  serviceAccount,
} from "./kubeconfig.ts";
import { KubeConfig } from "./kubernetes.ts";
import { proxyFor, proxyProblems } from "./proxy.ts";
import { setRoute } from "./transport.ts";

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
  const { server, proxyAddress } = config.getCurrentCluster() as KnownCluster;
  const proxy = { server, proxyUrl: proxyAddress, env };
  refuse([...userProblems(config), ...proxyProblems(proxy)]);
  const { impersonation = {} } = config.getCurrentUser() as KnownUser;
  setRoute(config, { proxy: proxyFor(proxy), headers: impersonationHeaders(impersonation) });
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

function load({ kubeconfig, context }: ClusterChoice, env: NodeJS.ProcessEnv): KubeConfig {
  if (kubeconfig !== undefined && isContent(kubeconfig)) {
    return parsed("its content", kubeconfig, process.cwd());
  }
  const paths = kubeconfig === undefined ? defaultPaths(env) : [expandHome(kubeconfig)];
  const files = paths.filter((path) => existsSync(path));
  const merged = merge(files.map((path) => parsed(path, readFileSync(path, "utf8"), dirname(path))));
  const isUndecided = kubeconfig === undefined && context === undefined && !merged.currentContext;
  return isUndecided ? podsOwn(env) : merged;
}

/**
 * The cluster in which this process runs, by the ServiceAccount of its pod.
 *
 * Source: client-go's `rest/config.go` (InClusterConfig); the client library sends tokens without TLS to some ports.
 */
function podsOwn({
  KUBERNETES_SERVICE_HOST: host = "",
  KUBERNETES_SERVICE_PORT: port,
}: NodeJS.ProcessEnv): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [
      {
        name: "inCluster",
        server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
        caFile: `${serviceAccount}/ca.crt`,
        skipTLSVerify: false,
      },
    ],
    users: [withTokenFile({ name: "inClusterUser" }, `${serviceAccount}/token`)],
    contexts: [{ name: inCluster, cluster: "inCluster", user: "inClusterUser" }],
    currentContext: inCluster,
  });
  return config;
}

function stripServers(config: KubeConfig): void {
  const { users, contexts, currentContext } = config;
  const clusters = config.clusters.map((cluster) => {
    return { ...cluster, server: withoutUserinfo(cluster.server) };
  });
  config.loadFromOptions({ clusters, users, contexts, currentContext });
}

/** What keeps the current user from being the one that kubectl and the provider are for the API server. */
function userProblems(config: KubeConfig): Problem[] {
  const user = config.getCurrentUser() as KnownUser;
  const { name, impersonation = {} } = user;
  const [exec, provider] = [user.exec as unknown, user.authProvider as unknown];
  const providerName = isRecord(provider) ? provider["name"] : undefined;
  const isKnown = provider == null || providerName === "oidc" || providerName === tokenFileProvider;
  return [
    ...impersonationProblems(name, impersonation),
    ...(exec == null ? [] : pluginProblems(name, isRecord(exec) ? exec : {})),
    ...(isKnown
      ? []
      : [
          {
            path: `auth-provider of the kubeconfig's user ${name}`,
            value: providerName,
            accepted: "oidc, as with kubectl since 1.26; for others have an exec plugin log in",
          },
        ]),
  ];
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

function parsed(name: string, content: string, folder: string): KubeConfig {
  const config = new KubeConfig();
  if (isEmpty(content)) return config;
  try {
    config.loadFromString(content);
    config.makePathsAbsolute(folder);
    complete(config, content, folder);
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
