import { parseArgs } from "node:util";
import { parseSnapshot } from "../components/cluster/snapshot/format.ts";
import { restore } from "../components/cluster/snapshot/restore.ts";
import { durationOf, print, readInput, runCommand, UsageError } from "./commandLine.ts";
import { connect } from "./connect.ts";

const usage = `Usage: npm run --silent restore -- SNAPSHOT [--context C] [--kubeconfig K] [--cluster-id UID] [--wait T]

Puts kube-proxy's objects back as they are in a file that "npm run snapshot" wrote, without Pulumi, and waits until
every pod runs with them.

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
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) {
    throw new UsageError(`SNAPSHOT: is required once: the path of a snapshot; given: ${positionals.length}`);
  }
  const timeoutMs = durationOf("--wait", values.wait);
  const snapshot = parseSnapshot(readInput("SNAPSHOT", file), file);
  const cluster = values["cluster-id"] ?? snapshot.cluster;
  await restore(await connect(values), { ...snapshot, cluster }, { timeoutMs, log: print });
}

await runCommand({ usage, ended }, main);
