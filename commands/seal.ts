// Run by the component's own `local.Command` before anything else of a destroy.
import { parseArgs } from "node:util";
import { runCommand, UsageError } from "./commandLine.ts";
import { connect } from "./connect.ts";

const usage = `Usage: node commands/seal.ts --compare

Ends with 1 unless the cluster is the one that KUBE_PROXY_CLUSTER_ID names, so that nothing of another one is deleted.`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { compare: { type: "boolean" } } });
  if (values.compare !== true) {
    throw new UsageError("--compare: is required");
  }
  await connect();
}

await runCommand({ usage }, main);
