// Run by the component's own `local.Command` before a DaemonSet is changed.
import { parseArgs } from "node:util";
import { refuseAdoptersOf } from "../components/cluster/controllers.ts";
import {
  formatBaseline,
  lookAgain,
  prepareRestart,
  takeBaseline,
} from "../components/cluster/verify/index.ts";
import {
  allowOperation,
  durationOf,
  exitBy,
  print,
  readInput,
  runCommand,
  UsageError,
} from "./commandLine.ts";
import { connect } from "./connect.ts";

const usage = `Usage: node commands/testService.ts --daemonset NAME [--restart TOKEN] --lifetime T test-service < EARLIER

Remembers for the proof which nodes are Ready, in a line of its output, and looks once more at the nodes of earlier waves:
EARLIER is what this command has printed before each of them. Where one of those is not well, exit code 1.

Makes a Service that has to answer after the restart of this DaemonSet as it does before; see docs/verify.md. Where that
is not possible it says why, and the restart goes on: exit code 0. After T, such as 24h, anybody may remove it.

With a TOKEN that the DaemonSet does not carry yet it is about to be replaced: where somebody else would adopt the pods that
it leaves, exit code 1.`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { daemonset: { type: "string" }, restart: { type: "string" }, lifetime: { type: "string" } },
  });
  allowOperation(positionals, "test-service");
  const { daemonset: daemonSet, lifetime, restart } = values;
  if (daemonSet === undefined || lifetime === undefined) {
    throw new UsageError("--daemonset and --lifetime: are required");
  }
  const lifetimeMs = durationOf("--lifetime", lifetime);
  const config = await connect();
  const earlier = readInput("standard input", 0);
  await exitBy(async () => {
    await lookAgain(config, earlier);
    print(formatBaseline(await takeBaseline(config, daemonSet)));
    print(await prepareRestart(config, { daemonSet, id: daemonSet, lifetimeMs }));
    // The last thing before the DaemonSet is deleted: who comes later than this is not seen.
    await refuseAdoptersOf(config, daemonSet, restart);
    return true;
  });
}

await runCommand({ usage }, main);
