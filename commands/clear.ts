// Run by the component's own `local.Command` when kube-proxy has another mode than before.
import { clear } from "../components/cluster/modeSwitch/index.ts";
import { operationOf, print, runCommand } from "./commandLine.ts";
import { connect } from "./connect.ts";

const usage = `Usage: node commands/clear.ts clear-rules

Ends a switch between modes: removes its helpers and, on each node with a kube-proxy, the rules of every other mode.`;

const ended =
  "What is said above was done, and stays so; nothing else was: the next switch goes on from there.";

const timeoutMs = 5 * 60_000;

async function main(): Promise<void> {
  operationOf({ "clear-rules": "--all" });
  await clear(await connect(), { timeoutMs, log: print });
}

await runCommand({ usage, ended }, main);
