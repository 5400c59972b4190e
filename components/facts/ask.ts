import { compileCache } from "./compileCache.ts";
import type { ClusterFacts } from "./facts.ts";
import { outputOf } from "./outputOf.ts";
import type { RareTask } from "./rareTasks.ts";
import { scriptOf } from "./script.ts";

/** Which cluster a user means. */
export interface ClusterChoice {
  /** Path or content of a kubeconfig; undefined for the usual places. */
  kubeconfig?: string;
  /** Context in it; undefined for its current one. */
  context?: string;
}

/** Option of the process that reads the facts: for the rights that a task takes. */
export function optionOf(task: RareTask): string {
  return `--${task}`;
}

/** The choice without what is not set; the stack's config has an empty text for that. */
export function choiceOf({
  kubeconfig,
  context,
}: Readonly<Record<"kubeconfig" | "context", string | undefined>>): ClusterChoice {
  return { ...(kubeconfig && { kubeconfig }), ...(context && { context }) };
}

/**
 * Longest silence of the process, in milliseconds. It gives up by itself a cluster that makes no progress, and sooner who is
 * asked for credentials, which takes up to 60 s without a word: somebody may have to log in.
 */
const silentMs = 90_000;

/**
 * Asks a cluster for its facts, in a process of its own: loading the Kubernetes client takes a third of a second and
 * keeps 80 MB, which the program itself should not pay for.
 *
 * What cannot be read is named in {@link ClusterFacts.unread}.
 *
 * @param cluster - which one; default as kubectl's
 * @param pools - names of the pools, for the rights to their objects
 * @param signal - ends the asking
 * @param tasks - which of those that few stacks have are this stack's, for the rights that they take
 * @throws Error in one line, when the cluster cannot be asked or gives no answer at all
 */
export async function askFacts(
  { kubeconfig, context }: ClusterChoice,
  pools: readonly string[] = [],
  signal?: AbortSignal,
  tasks: readonly RareTask[] = [],
): Promise<ClusterFacts> {
  const env = {
    ...inheritedEnvironment(),
    NODE_COMPILE_CACHE: compileCache,
    // Not as arguments: a kubeconfig can be a secret, and every process of a machine sees another one's arguments.
    ...(kubeconfig !== undefined && { KUBE_PROXY_KUBECONFIG: kubeconfig }),
    ...(context !== undefined && { KUBE_PROXY_CONTEXT: context }),
  };
  try {
    const args = [scriptOf("facts"), ...tasks.map(optionOf), ...pools];
    const output = await outputOf(process.execPath, args, { env, silentMs, signal });
    return JSON.parse(output) as ClusterFacts;
  } catch (error) {
    throw new Error(`the cluster cannot be read: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** The pools' names, as far as they have any: nobody has looked at them yet. */
export function poolNamesOf(pools: unknown): string[] {
  const named = Array.isArray(pools) ? (pools as ({ name?: unknown } | null)[]) : [];
  return named
    .map((pool) => pool?.name)
    .filter((name) => typeof name === "string")
    .filter((name) => /^[a-z0-9][-a-z0-9]*$/.test(name));
}

/** The environment of the program without the stack's config, where secrets are, and its passphrase. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("PULUMI_CONFIG")),
  );
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.trim().replace(/\s+/g, " ");
}
