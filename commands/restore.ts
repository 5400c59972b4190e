import { parseArgs } from "node:util";
import type { KubeConfig } from "@kubernetes/client-node";
import { parseSnapshot, type Snapshot } from "../components/cluster/snapshot/format.ts";
import { listKept, readKept } from "../components/cluster/snapshot/inCluster.ts";
import { restore } from "../components/cluster/snapshot/restore.ts";
import { SnapshotIn } from "../components/plan/snapshotIn.ts";
import { allowOperation, durationOf, print, readInput, runCommand, UsageError } from "./commandLine.ts";
import { connect } from "./connect.ts";
import { snapshotInOf } from "./snapshotIn.ts";

const usage = `Usage: npm run --silent restore -- SNAPSHOT [--from W] [--context C] [--kubeconfig K] [--cluster-id UID] [--wait T]
       npm run --silent restore -- --list [--context C] [--kubeconfig K]

Puts kube-proxy's objects back as they are in a snapshot, without Pulumi, and waits until every pod runs with them.

  --from W        folder: SNAPSHOT is the path of a file that "npm run snapshot" wrote; cluster: it is the name of a
                  snapshot that the cluster keeps (snapshotIn: cluster); folder unless given
  --list          prints the names of the snapshots that the cluster keeps, the newest first, and restores nothing
  --context C     context in the kubeconfig; its current one unless given
  --kubeconfig K  path of a kubeconfig; KUBECONFIG or ~/.kube/config unless given
  --cluster-id U  UID of namespace kube-system of another cluster than the snapshot's, which is meant all the same, such
                  as one that was built anew
  --wait T        longest wait for the pods, such as 90s; 5m unless given`;

const ended = "What is said above was done, and stays so; nothing else was: run the same again.";

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      from: { type: "string", default: SnapshotIn.folder },
      list: { type: "boolean", default: false },
      context: { type: "string" },
      kubeconfig: { type: "string" },
      "cluster-id": { type: "string" },
      wait: { type: "string", default: "5m" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) {
    print(usage);
    return;
  }
  const from = snapshotInOf("--from", values.from);
  if (values.list) {
    allowOperation(positionals);
    for (const name of await listKept(await connect(values))) print(name);
    return;
  }
  const [given, ...more] = positionals;
  if (given === undefined || more.length > 0) {
    throw new UsageError(
      `SNAPSHOT: is required once: the path or the name of a snapshot; given: ${positionals.length}`,
    );
  }
  const timeoutMs = durationOf("--wait", values.wait);
  const { config, snapshot } = await read[from](given, values);
  const cluster = values["cluster-id"] ?? snapshot.cluster;
  await restore(config, { ...snapshot, cluster }, { timeoutMs, log: print });
}

type Read = (
  given: string,
  values: Parameters<typeof connect>[0],
) => Promise<{ config: KubeConfig; snapshot: Snapshot }>;

const read: Readonly<Record<SnapshotIn, Read>> = {
  // A file that is none is told before the cluster is asked.
  folder: async (path, values) => {
    const snapshot = parseSnapshot(readInput("SNAPSHOT", path), path);
    return { config: await connect(values), snapshot };
  },
  cluster: async (name, values) => {
    const config = await connect(values);
    return { config, snapshot: await readKept(config, name) };
  },
};

await runCommand({ usage, ended }, main);
