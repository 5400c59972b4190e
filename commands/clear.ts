// Run by the component's own `local.Command` when kube-proxy has another mode than before.
import { parseArgs } from "node:util";
import { clear } from "../components/cluster/modeSwitch/index.ts";
import { print, runCommand, UsageError } from "./commandLine.ts";
import { connect } from "./connect.ts";

const usage = `Usage: node commands/clear.ts --all

Ends a switch between modes: removes its helpers and, on each node with a kube-proxy, the rules of every other mode.`;

const ended =
  "What is said above was done, and stays so; nothing else was: the next switch goes on from there.";

const timeoutMs = 5 * 60_000;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { all: { type: "boolean" } } });
  if (values.all !== true) {
    throw new UsageError("--all: is required");
  }
  await clear(await connect(), { timeoutMs, log: print });
}

await runCommand({ usage, ended }, main);
