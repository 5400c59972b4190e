import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What can be wrong with the kube-proxy of a node, for tests. */
export const faults = {
  neverSynced: "it runs, but has never synced its rules",
  staleSync: "its rules were last synced before its process started",
  failuresGrow: "a sync fails with every question",
  wrongMode: "it runs in another mode than its configuration says",
  wrongConfiguration: "it has loaded another clusterCIDR than its configuration says",
  oldProcess: "its process has run for a day",
  slow: "it takes the question and never answers",
  reset: "it resets the connection",
  garbage: "its answer is no HTTP",
  noMetrics: "it answers with a page of something else",
  huge: "its answer never ends",
  deaf: "it does not hear of Services, so that they do not answer on its node",
  isolated: "its node reaches no port of other nodes",
  unreachable: "its node's address does not answer the API server; a forwarded port does",
} as const;

/** The name of a {@link faults}. */
export type Fault = keyof typeof faults;

const file = "kube-proxy-faults.json";

/** Writes down which nodes' kube-proxies have which fault, in place of what was written before. */
export function writeFaults(dir: string, byNode: Readonly<Record<string, Fault>>): void {
  const path = join(dir, file);
  writeFileSync(`${path}.new`, JSON.stringify(byNode, undefined, 2), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** The fault of a node's kube-proxy; undefined when it has none. */
export function readFault(dir: string, node: string): Fault | undefined {
  try {
    return (JSON.parse(readFileSync(join(dir, file), "utf8")) as Record<string, Fault>)[node];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
