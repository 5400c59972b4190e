// Run by the component's own `local.Command` when the stack is destroyed.
import { parseArgs } from "node:util";
import { loadCluster } from "../components/cluster/client.ts";
import { removeOrphans } from "../components/cluster/orphans.ts";
import { clusterOf, runCommand, UsageError } from "./commandLine.ts";

const usage = `Usage: node commands/orphans.ts --all

Removes the pods that a deleted DaemonSet kube-proxy has left behind, and waits until they are gone.`;

const timeoutMs = 5 * 60_000;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { all: { type: "boolean" } } });
  if (values.all !== true) {
    throw new UsageError("--all: is required");
  }
  const removed = await removeOrphans(loadCluster(clusterOf({}), process.env), timeoutMs);
  console.log(`Pods of the deleted DaemonSet kube-proxy that were removed: ${removed}`);
}

await runCommand(usage, main);
