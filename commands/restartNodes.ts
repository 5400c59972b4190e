import { parseArgs } from "node:util";
import { restartNodes } from "../components/cluster/restartNodes.ts";
import { formatReport } from "../components/cluster/verify/index.ts";
import { allowOperation, durationOf, exitBy, print, runCommand, UsageError } from "./commandLine.ts";
import { connect } from "./connect.ts";

const usage = `Usage: npm run --silent restart-nodes -- --nodes A,B [--context C] [--kubeconfig K] [--deadline T]

Restarts kube-proxy on these nodes alone, one after the other, and proves that each is well, as "npm run verify" does.
The DaemonSets stay as they are. Exit code: 0 all are well, 1 one is not, 2 a mistake on the command line.

  --nodes A,B     names of the nodes
  --context C     context in the kubeconfig; its current one unless given
  --kubeconfig K  path of a kubeconfig; KUBECONFIG or ~/.kube/config unless given
  --deadline T    longest wait for each node's new pod, and for the proof, such as 90s; 5m unless given`;

const ended = "What is said above was done; run it again with the other nodes.";

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      nodes: { type: "string", default: "" },
      context: { type: "string" },
      kubeconfig: { type: "string" },
      deadline: { type: "string", default: "5m" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) {
    print(usage);
    return;
  }
  allowOperation(positionals, "restart-nodes");
  const nodes = values.nodes.split(",").map((name) => name.trim());
  if (nodes.includes("")) {
    throw new UsageError("--nodes: is required: names of nodes with commas between them");
  }
  const deadlineMs = durationOf("--deadline", values.deadline);
  const cluster = await connect(values);
  await exitBy(async () => {
    const reports = await restartNodes(cluster, nodes, { deadlineMs, log: print });
    print(`\n${reports.map(formatReport).join("\n\n")}`);
    // A node that is NotReady by now is excluded from its report, and not proved well.
    return reports.every(({ failed, excluded }) => failed + excluded === 0);
  });
}

await runCommand({ usage, ended }, main);
