import { examine, formatDiagnosis } from "../components/cluster/verify/index.ts";
import { clusterUsage, runCheck } from "./clusterOptions.ts";

const usage = `Usage: npm run --silent doctor -- [--context C] [options]

Asks every node's kube-proxy once and compares them with each other: revision, mode, loaded configuration, last sync and
pending one, failures. Names the outliers and the command that restarts such a node's kube-proxy alone; it changes
nothing itself. Exit code: 0 no outlier, 1 there is one, 2 a mistake on the command line.

${clusterUsage}`;

await runCheck({
  usage,
  run: async ({ config, daemonSet, nodes, deadlineMs, json, access }) => {
    const diagnosis = await examine(config, { daemonSet, nodes, deadlineMs });
    const restart = ["npm run --silent restart-nodes --", ...access].join(" ");
    console.log(json ? JSON.stringify(diagnosis, undefined, 2) : formatDiagnosis(diagnosis, restart));
    return diagnosis.ok;
  },
});
