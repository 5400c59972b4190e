// Run by the component's own `local.Command` before anything else of a destroy.
import { operationOf, runCommand } from "./commandLine.ts";
import { connect } from "./connect.ts";

const usage = `Usage: node commands/seal.ts compare-cluster

Ends with 1 unless the cluster is the one that KUBE_PROXY_CLUSTER_ID names, so that nothing of another one is deleted.`;

async function main(): Promise<void> {
  operationOf({ "compare-cluster": "--compare" });
  await connect();
}

await runCommand({ usage }, main);
