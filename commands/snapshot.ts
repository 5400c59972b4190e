import { parseArgs } from "node:util";
import { takeSnapshot } from "../components/cluster/snapshot/index.ts";
import { ProblemsError } from "../components/input/problems.ts";
import { SnapshotIn } from "../components/plan/snapshotIn.ts";
import { allowOperation, print, runCommand, UsageError } from "./commandLine.ts";
import { connect } from "./connect.ts";
import { snapshotInOf } from "./snapshotIn.ts";

const usage = `Usage: npm run --silent snapshot -- [--context C] [--kubeconfig K] [--folder F] [--keep N] [--in W]
                                          [--if-any]

Writes kube-proxy's objects as they are in the cluster to a file, and prints its path.

  --context C     context in the kubeconfig; its current one unless given
  --kubeconfig K  path of a kubeconfig; KUBECONFIG or ~/.kube/config unless given
  --folder F      where snapshots are kept, in a folder for each cluster;
                  \${XDG_STATE_HOME:-~/.local/state}/kube-proxy-as-code/snapshots unless given
  --keep N        how many snapshots of this cluster to keep, 1 or more; 10 unless given
  --in W          folder, or cluster: as a Secret in namespace kube-proxy-snapshots of the cluster, too, whose name is
                  printed as well; folder unless given
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
      in: { type: "string", default: SnapshotIn.folder },
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
  const snapshotIn = snapshotInOf("--in", values.in);
  const cluster = await connect(values);
  const kept = await takeSnapshot(cluster, {
    snapshotIn,
    ...(folder !== undefined && { folder }),
    ...(keep !== undefined && { keep: Number(keep) }),
  });
  if (kept.length === 0 && !values["if-any"]) {
    throw new ProblemsError("the snapshot", [
      {
        path: "context",
        value: cluster.getCurrentContext(),
        accepted: "a cluster that has a kube-proxy; none of its objects is in this one",
      },
    ]);
  }
  print(kept.join("\n") || "There is no kube-proxy in this cluster yet: nothing to keep.");
}

await runCommand({ usage, ended }, main);
