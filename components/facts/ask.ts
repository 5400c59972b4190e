import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { compileCache } from "./compileCache.ts";
import type { ClusterFacts } from "./facts.ts";

/** Which cluster a user means. */
export interface ClusterChoice {
  /** Path or content of a kubeconfig; undefined for the usual places. */
  kubeconfig?: string;
  /** Context in it; undefined for its current one. */
  context?: string;
}

/** The choice without what is not set; the stack's config has an empty text for that. */
export function choiceOf({
  kubeconfig,
  context,
}: Readonly<Record<"kubeconfig" | "context", string | undefined>>): ClusterChoice {
  return { ...(kubeconfig && { kubeconfig }), ...(context && { context }) };
}

/** Longest wait for the process, in milliseconds; it gives up the cluster itself, but not who it asks for credentials. */
const deadlineMs = 15_000;

/**
 * Asks a cluster for its facts, in a process of its own: loading the Kubernetes client takes a third of a second and
 * keeps 80 MB, which the program itself should not pay for.
 *
 * What cannot be read is named in {@link ClusterFacts.unread}.
 *
 * @param cluster - which one; default as kubectl's
 * @param pools - names of the pools, for the rights to their objects
 * @param signal - ends the asking
 * @throws Error in one line, when the cluster cannot be asked or gives no answer at all
 */
export async function askFacts(
  { kubeconfig, context }: ClusterChoice,
  pools: readonly string[] = [],
  signal?: AbortSignal,
): Promise<ClusterFacts> {
  const script = join(import.meta.dirname, "..", "..", "commands", "facts.ts");
  const env = {
    ...inheritedEnvironment(),
    NODE_COMPILE_CACHE: compileCache,
    // Not as arguments: a kubeconfig can be a secret, and every process of a machine sees another one's arguments.
    ...(kubeconfig !== undefined && { KUBE_PROXY_KUBECONFIG: kubeconfig }),
    ...(context !== undefined && { KUBE_PROXY_CONTEXT: context }),
  };
  try {
    const options = { env, timeout: deadlineMs, maxBuffer: Infinity, signal };
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...pools], options);
    return JSON.parse(stdout) as ClusterFacts;
  } catch (error) {
    throw new Error(`the cluster cannot be read: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** The environment of the program without the stack's config, where secrets are, and its passphrase. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("PULUMI_CONFIG")),
  );
}

function reasonOf(error: unknown): string {
  const { killed, stderr, message } = error as { killed?: boolean; stderr?: string; message: string };
  if (killed === true) {
    return `no answer within ${deadlineMs / 1000} s`;
  }
  return (stderr || message).trim().replace(/\s+/g, " ");
}
