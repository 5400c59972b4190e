import { enableCompileCache } from "node:module";
import { askFacts, choiceOf, poolNamesOf } from "./facts/ask.ts";
import { compileCache } from "./facts/compileCache.ts";
import type { ClusterFacts } from "./facts/facts.ts";
import { rareTasksOf } from "./facts/rareTasks.ts";

/** The cluster of the stack's config, which is being read. */
export interface Reading {
  readonly facts: Promise<ClusterFacts>;
  /** Ends it: nobody wants to know any more. */
  abandon(): void;
}

/**
 * Has the cluster of the stack's config read by a process of its own, from the moment on in which this file is imported.
 * Pulumi.yaml has Node.js import it before Pulumi's SDK, which takes as long to load as the cluster to answer; so it
 * imports next to nothing, and takes the stack's config from where the language host puts it for the SDK.
 */
export const reading: Reading = begin(process.env, process.argv);

function begin(env: NodeJS.ProcessEnv, argv: readonly string[]): Reading {
  // What was compiled is kept for the next start; the language host does not see to that.
  enableCompileCache(compileCache);
  const project = argv[argv.indexOf("--project") + 1] ?? "";
  const config = parsed(env["PULUMI_CONFIG"]) as Record<string, string> | undefined;
  // The language host writes keys as old SDKs knew them.
  const value = (key: string) => config?.[`${project}:config:${key}`] ?? config?.[`${project}:${key}`];
  const abort = new AbortController();
  const choice = choiceOf({ kubeconfig: value("kubeconfig"), context: value("context") });
  const tasks = rareTasksOf(value("immutableConfig") === "true", value("snapshotIn"));
  const facts = askFacts(choice, poolNamesOf(parsed(value("pools"))), abort.signal, tasks);
  // Nobody may look at it: a mistake in the stack's config is told first.
  facts.catch(() => undefined);
  return {
    facts,
    abandon: () => {
      abort.abort();
    },
  };
}

function parsed(text = "null"): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
