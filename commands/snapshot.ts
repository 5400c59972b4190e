import { parseArgs } from "node:util";
import { takeSnapshot } from "../components/cluster/snapshot/index.ts";
import { ProblemsError } from "../components/input/problems.ts";
import { allowOperation, print, runCommand, UsageError } from "./commandLine.ts";
import { connect } from "./connect.ts";

const usage = `Usage: npm run --silent snapshot -- [--context C] [--kubeconfig K] [--folder F] [--keep N] [--if-any]

Writes kube-proxy's objects as they are in the cluster to a file, and prints its path.

  --context C     context in the kubeconfig; its current one unless given
  --kubeconfig K  path of a kubeconfig; KUBECONFIG or ~/.kube/config unless given
  --folder F      where snapshots are kept, in a folder for each cluster;
                  \${XDG_STATE_HOME:-~/.local/state}/kube-proxy-as-code/snapshots unless given
  --keep N        how many snapshots of this cluster to keep, 1 or more; 10 unless given
  --if-any        a cluster without a kube-proxy is no error: there is nothing to keep`;

const ended = "No snapshot was written, and nothing in the cluster was changed.";

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      context: { type: "string" },
      kubeconfig: { type: "string" },
      folder: { type: "string" },
      keep: { type: "string" },
      "if-any": { type: "boolean", default: false },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) {
    print(usage);
    return;
  }
  allowOperation(positionals, "snapshot");
  const { folder, keep } = values;
  if (keep !== undefined && !/^[1-9]\d{0,8}$/.test(keep)) {
    throw new UsageError(
      `--keep: ${JSON.stringify(keep)} is not accepted; accepted: a whole number, 1 or more`,
    );
  }
  if (folder === "") {
    throw new UsageError('--folder: "" is not accepted; accepted: a path');
  }
  const cluster = await connect(values);
  const path = await takeSnapshot(cluster, {
    ...(folder !== undefined && { folder }),
    ...(keep !== undefined && { keep: Number(keep) }),
  });
  if (path === undefined && !values["if-any"]) {
    throw new ProblemsError("the snapshot", [
      {
        path: "context",
        value: cluster.getCurrentContext(),
        accepted: "a cluster that has a kube-proxy; none of its objects is in this one",
      },
    ]);
  }
  print(path ?? "There is no kube-proxy in this cluster yet: nothing to keep.");
}

await runCommand({ usage, ended }, main);
