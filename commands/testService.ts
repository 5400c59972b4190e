// Run by the component's own `local.Command` before a DaemonSet is restarted.
import { parseArgs } from "node:util";
import { loadCluster } from "../components/cluster/client.ts";
import { prepareRestart } from "../components/cluster/verify/index.ts";
import { clusterOf, exitBy, runCommand, UsageError } from "./commandLine.ts";

const usage = `Usage: node commands/testService.ts --daemonset NAME

Makes a Service that has to answer after the restart of this DaemonSet as it does before; see docs/verify.md. Where that
is not possible it says why, and the restart goes on: exit code 0.`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { daemonset: { type: "string" } } });
  const { daemonset: daemonSet } = values;
  if (daemonSet === undefined) {
    throw new UsageError("--daemonset: is required");
  }
  const config = loadCluster(clusterOf({}), process.env);
  await exitBy(async () => {
    console.log(await prepareRestart(config, { daemonSet, id: daemonSet }));
    return true;
  });
}

await runCommand(usage, main);
