import { enableCompileCache } from "node:module";
import { allConfig } from "@pulumi/pulumi/runtime/config.js";
import { getProject } from "@pulumi/pulumi/runtime/settings.js";
import { askFacts, type ClusterChoice } from "./facts/ask.ts";
import { compileCache } from "./facts/compileCache.ts";
import type { ClusterFacts } from "./facts/facts.ts";

/** The cluster of the stack's config, which is being read. */
export interface Reading {
  readonly facts: Promise<ClusterFacts>;
  /** Ends it: nobody wants to know any more. */
  abandon(): void;
}

/**
 * Has the cluster of the stack's config read, by a process of its own, while this one loads the SDKs and the program. Most
 * of a preview's start is spent there, so this file imports next to nothing, and is imported first. What was compiled is
 * kept for the next start; Pulumi's language host does not see to that.
 */
export function beginReading(): Reading {
  enableCompileCache(compileCache);
  const config = allConfig();
  const [kubeconfig, context, pools] = ["kubeconfig", "context", "pools"].map(
    (key) => config[`${getProject()}:${key}`],
  );
  const abort = new AbortController();
  const facts = askFacts(choiceOf({ kubeconfig, context }), poolNamesOf(parsed(pools)), abort.signal);
  // Until somebody looks at it; a mistake in the stack's config is told first, and this one never.
  facts.catch(() => undefined);
  return {
    facts,
    abandon: () => {
      abort.abort();
    },
  };
}

/** Which cluster the values of the stack's config choose; an empty one stands for "not set". */
export function choiceOf({
  kubeconfig,
  context,
}: Readonly<Record<"kubeconfig" | "context", string | undefined>>): ClusterChoice {
  return { ...(kubeconfig && { kubeconfig }), ...(context && { context }) };
}

/** The pools' names, as far as they have any: nobody has looked at them yet. */
function poolNamesOf(pools: unknown): string[] {
  const named = Array.isArray(pools) ? (pools as ({ name?: unknown } | null)[]) : [];
  return named
    .map((pool) => pool?.name)
    .filter((name) => typeof name === "string")
    .filter((name) => /^[a-z0-9][-a-z0-9]*$/.test(name));
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return undefined;
  }
}
