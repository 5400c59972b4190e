// Run by the component's own `local.Command` before a DaemonSet is restarted.
import { parseArgs } from "node:util";
import { prepareRestart } from "../components/cluster/verify/index.ts";
import { durationOf, exitBy, runCommand, UsageError } from "./commandLine.ts";
import { connect } from "./connect.ts";

const usage = `Usage: node commands/testService.ts --daemonset NAME --lifetime T

Makes a Service that has to answer after the restart of this DaemonSet as it does before; see docs/verify.md. Where that
is not possible it says why, and the restart goes on: exit code 0. After T, such as 24h, anybody may remove it.`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { daemonset: { type: "string" }, lifetime: { type: "string" } } });
  const { daemonset: daemonSet, lifetime } = values;
  if (daemonSet === undefined || lifetime === undefined) {
    throw new UsageError("--daemonset and --lifetime: are required");
  }
  const lifetimeMs = durationOf("--lifetime", lifetime);
  const config = await connect();
  await exitBy(async () => {
    console.log(await prepareRestart(config, { daemonSet, id: daemonSet, lifetimeMs }));
    return true;
  });
}

await runCommand(usage, main);
