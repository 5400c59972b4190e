// Run by the component's own `local.Command` when the stack is destroyed.
import { removeOrphans } from "../components/cluster/orphans.ts";
import { operationOf, print, runCommand } from "./commandLine.ts";
import { connect } from "./connect.ts";

const usage = `Usage: node commands/orphans.ts remove-orphans

Removes the pods that a deleted DaemonSet kube-proxy has left behind, and waits until they are gone.`;

const ended = "Some pods may be deleted and others not: the next run of the same goes on from there.";

const timeoutMs = 5 * 60_000;

async function main(): Promise<void> {
  operationOf({ "remove-orphans": "--all" });
  const removed = await removeOrphans(await connect(), timeoutMs);
  print(`Pods of the deleted DaemonSet kube-proxy that were removed: ${removed}`);
}

await runCommand({ usage, ended }, main);
