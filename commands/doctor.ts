import { examine, formatDiagnosis } from "../components/cluster/verify/index.ts";
import { printableJson } from "../components/input/printable.ts";
import { clusterUsage, runCheck } from "./clusterOptions.ts";
import { print } from "./commandLine.ts";

const usage = `Usage: npm run --silent doctor -- [--context C] [options]

Asks every node's kube-proxy once and compares them with each other: revision, mode, loaded configuration, last sync and
pending one, failures, and whether a Service that is made for this, and removed, answers. Names the outliers and the
command that restarts such a node's kube-proxy alone. Exit code: 0 no outlier, 1 there is one, 2 a mistake on the command line.

${clusterUsage}`;

await runCheck({
  usage,
  run: async ({ config, daemonSet, nodes, deadlineMs, json, access }, signal) => {
    const diagnosis = await examine(config, { daemonSet, nodes, deadlineMs, signal });
    const restart = ["npm run --silent restart-nodes --", ...access].join(" ");
    print(json ? printableJson(diagnosis, 2) : formatDiagnosis(diagnosis, restart));
    return diagnosis.ok;
  },
});
