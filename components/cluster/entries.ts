/** What the client library does not read of a kubeconfig, or reads otherwise than kubectl. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Cluster, User } from "@kubernetes/client-node";
import { parseYaml } from "../configuration/readYaml.ts";
import { isRecord } from "../input/record.ts";
import type { Impersonation } from "./impersonation.ts";
import { isRelativeCommand, largestKubeconfig } from "./kubeconfig.ts";
import type { KubeConfig } from "./kubernetes.ts";

/** A user with all that kubectl knows of it. */
export interface KnownUser extends User {
  readonly impersonation?: Impersonation;
}

/** A cluster with all that kubectl knows of it. */
export interface KnownCluster extends Cluster {
  /** Its `proxy-url`, which the client library would go to by itself, and by other rules. */
  readonly proxyAddress?: string;
  /** What is meant for the exec plugins of its users. */
  readonly execConfig?: unknown;
  readonly disableCompression?: boolean;
}

/** What the client library calls it. */
export const tokenFileProvider = "tokenFile";

/** The name of that extension. */
const execExtension = "client.authentication.k8s.io/exec";

/** Without one of these in it a kubeconfig need not be parsed once more; a backslash may be one of their letters. */
const beyondTheClient = /tokenFile|as-(groups|uid|user-extra)|extensions|disable-compression|\\/;

/**
 * Completes the users and clusters that the client has read of one kubeconfig: token files, whom they impersonate, where
 * their plugins are, and what those are told.
 *
 * @param content - of the kubeconfig
 * @param folder - where its relative paths begin
 * @throws Error for a token's file that cannot be read
 *
 * Source: client-go's `tools/clientcmd/api/v1/types.go`, `tools/clientcmd/loader.go` (GetAuthInfoFileReferences) and
 * `rest/transport.go`.
 */
export function complete(config: KubeConfig, content: string, folder: string): void {
  const document = beyondTheClient.test(content) ? parseYaml(content, largestKubeconfig) : undefined;
  const users = detailsOf(document, "users", "user");
  const clusters = detailsOf(document, "clusters", "cluster");
  const { contexts, currentContext } = config;
  config.loadFromOptions({
    users: config.users.map((user, index) => completeUser(user, users[index] ?? {}, folder)),
    clusters: config.clusters.map((cluster, index) => completeCluster(cluster, clusters[index] ?? {})),
    contexts,
    currentContext,
  });
}

/** The entries of a list, in its order: the client has the same one, as it takes no list with an entry that is none. */
function detailsOf(document: unknown, list: string, key: string): Readonly<Record<string, unknown>>[] {
  const entries: unknown = isRecord(document) ? document[list] : undefined;
  return (Array.isArray(entries) ? entries : []).map((entry: unknown) => {
    const details = isRecord(entry) ? entry[key] : undefined;
    return isRecord(details) ? details : {};
  });
}

function completeUser(user: User, details: Readonly<Record<string, unknown>>, folder: string): KnownUser {
  const { impersonateUser, ...others } = user;
  const { tokenFile, "as-uid": uid, "as-groups": groups, "as-user-extra": extra } = details;
  const exec = user.exec as unknown;
  const known = {
    ...others,
    ...(isRecord(exec) && { exec: withPath(exec, folder) }),
    impersonation: { as: impersonateUser, "as-uid": uid, "as-groups": groups, "as-user-extra": extra },
  };
  return typeof tokenFile === "string" && tokenFile !== ""
    ? withTokenFile(known, resolve(folder, tokenFile))
    : known;
}

/** A plugin's relative path begins where its kubeconfig is; a name alone is looked for in `PATH`. */
function withPath(exec: Readonly<Record<string, unknown>>, folder: string): object {
  const { command } = exec;
  return typeof command === "string" && isRelativeCommand(command)
    ? { ...exec, command: resolve(folder, command) }
    : exec;
}

function completeCluster(
  { proxyUrl, ...cluster }: Cluster,
  details: Readonly<Record<string, unknown>>,
): KnownCluster {
  const extensions: readonly unknown[] = Array.isArray(details["extensions"]) ? details["extensions"] : [];
  const found = extensions.filter(isRecord).find(({ name }) => name === execExtension);
  return {
    ...cluster,
    ...(proxyUrl && { proxyAddress: proxyUrl }),
    ...(found !== undefined && { execConfig: found["extension"] }),
    ...(details["disable-compression"] === true && { disableCompression: true }),
  };
}

/**
 * Has a user's token read from a file, every minute again; where a token stands beside, the file counts. The client knows
 * such files under another key than kubectl's.
 */
export function withTokenFile({ token: _, ...user }: KnownUser, tokenFile: string): KnownUser {
  const text = readFileSync(tokenFile, "utf8");
  // The client sends a file's text as it is, and no header has an end of line.
  return text === text.trim()
    ? { ...user, authProvider: { name: tokenFileProvider, config: { tokenFile } } }
    : { ...user, token: text.trim() };
}
