// Run by the component's own `local.Command` when kube-proxy has another mode than before.
import { clear } from "../components/cluster/modeSwitch/index.ts";
import { operationOf, print, readInput, runCommand } from "./commandLine.ts";
import { connect } from "./connect.ts";

const usage = `Usage: node commands/clear.ts clear-rules < MODES

Ends a switch between modes: removes its helpers and, on each node with a kube-proxy, the rules of every other mode.

MODES are those that the nodes were in before, such as ipvs,nftables: ipvs, whose virtual servers may be those of others,
is cleared only where it is among them.`;

const ended =
  "What is said above was done, and stays so; nothing else was: the next switch goes on from there.";

const timeoutMs = 5 * 60_000;

async function main(): Promise<void> {
  operationOf({ "clear-rules": "--all" });
  const modes = readInput("standard input", 0).trim().split(",");
  await clear(await connect(), { timeoutMs, log: print }, modes);
}

await runCommand({ usage, ended }, main);
