import {
  type Baseline,
  formatReport,
  inEachFleet,
  leastOf,
  readBaselines,
  type Report,
  verify,
} from "../components/cluster/verify/index.ts";
import { clusterIdOf } from "../components/cluster/identity.ts";
import { reasonOf } from "../components/cluster/verify/errors.ts";
import type { KubeConfig } from "../components/cluster/kubernetes.ts";
import type { Problem } from "../components/input/problems.ts";
import { failuresAllowed, isMaxFailed, maxFailedAccepted } from "../components/pools/budget.ts";
import { acceptedToken, isToken } from "../components/restart/restart.ts";
import { areWell, clusterUsage, printEach, runCheck } from "./clusterOptions.ts";
import { complain, readInput } from "./commandLine.ts";

const usage = `Usage: npm run --silent verify -- [--context C] [options]

Proves that kube-proxy runs on every Ready node as it is meant to: the pod is of the newest revision, its process has
synced the rules since it started, nothing has failed, the loaded configuration is that of the ConfigMap, and a Service
that is made for this, and removed, answers there. Asks again until all nodes have passed or the deadline has. Exit code:
0 all verified, 1 not, 2 a mistake on the command line.

${clusterUsage}
  --token T              the restart token that the pods must carry
  --since TIME           ISO 8601 with a zone; every process must have started since, by this machine's clock
  --mode M               iptables, ipvs or nftables; default: what the ConfigMap says
  --failures F           none (default), or any: failed syncs since the processes started are not looked at
  --at-least N           so many nodes have to be verified; default: 1, since no Ready node proves nothing
  --baseline -           standard input has what commands/testService.ts printed before a change: who was Ready then has to
                         be verified or gone, and to show a sign of life after it has passed
  --max-failed N         so many nodes may fail, a number or a percentage; default: 0. One has to be verified all the same
  --test-services NAME   the Services that commands/testService.ts made before a restart have to answer, too`;

const modes = ["iptables", "ipvs", "nftables"];
const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

function mistakes({
  token,
  since,
  mode,
  failures,
  ...rest
}: Readonly<Record<string, string | undefined>>): Problem[] {
  const { baseline } = rest;
  const maxFailed = rest["max-failed"];
  const atLeast = rest["at-least"];
  return [
    ...(baseline === undefined || baseline === "-"
      ? []
      : [{ path: "--baseline", value: baseline, accepted: "-, for standard input" }]),
    ...(maxFailed === undefined || isMaxFailed(maxFailed)
      ? []
      : [{ path: "--max-failed", value: maxFailed, accepted: maxFailedAccepted }]),
    ...(atLeast === undefined || /^\d{1,5}$/.test(atLeast)
      ? []
      : [{ path: "--at-least", value: atLeast, accepted: "a number of nodes, 0 or more" }]),
    ...(token === undefined || isToken(token)
      ? []
      : [{ path: "--token", value: token, accepted: acceptedToken }]),
    ...(since === undefined || (isoTime.test(since) && !Number.isNaN(Date.parse(since)))
      ? []
      : [{ path: "--since", value: since, accepted: "a time such as 2026-11-23T08:30:00Z" }]),
    ...(failures === undefined || failures === "none" || failures === "any"
      ? []
      : [{ path: "--failures", value: failures, accepted: "none or any" }]),
    ...(mode === undefined || modes.includes(mode)
      ? []
      : [{ path: "--mode", value: mode, accepted: modes.join(", ") }]),
  ];
}

await runCheck({
  usage,
  operation: "verify",
  own: ["token", "since", "mode", "failures", "at-least", "baseline", "max-failed", "test-services"],
  mistakes,
  run: async ({ config, daemonSet, nodes, deadlineMs, json, own }, signal) => {
    const since = own["since"] === undefined ? undefined : new Date(own["since"]);
    const baseline = own["baseline"] === undefined ? undefined : baselineOf(daemonSet);
    // What comes from before a change is of one DaemonSet.
    const isOfOne = own["baseline"] !== undefined || own["test-services"] !== undefined;
    const fleets = {
      daemonSet: isOfOne ? (daemonSet ?? "kube-proxy") : daemonSet,
      ...{ nodes, deadlineMs, signal, isPatient: true },
    };
    const expectation = {
      ...{ baseline, since, allowFailures: own["failures"] === "any" },
      ...{ token: own["token"], mode: own["mode"], testServices: own["test-services"] },
    };
    const reports = await inEachFleet(config, fleets, ({ isOneOfSeveral, deadlineMs: left, ...share }) => {
      const whose = isOneOfSeveral ? `${share.daemonSet}, ` : "";
      const onProgress = (line: string): void => {
        complain(`${whose}${line}`);
      };
      const one = { ...expectation, daemonSet: share.daemonSet, nodes: share.nodes };
      return verify(config, one, { deadlineMs: left, signal, onProgress });
    });
    await handOver(config, reports);
    printEach(reports, { ok: areWell(reports), json, format: formatReport });
    const sum = (key: "verified" | "failed") => reports.reduce((total, report) => total + report[key], 0);
    const [verified, failed] = [sum("verified"), sum("failed")];
    const least =
      own["at-least"] === undefined
        ? Math.min(...reports.map((report) => leastOf(baseline, report)))
        : Number(own["at-least"]);
    const allowed = failuresAllowed(own["max-failed"], verified + failed);
    if (failed > 0 && allowed > 0) {
      complain(`${failed} nodes have failed; maxFailed ${own["max-failed"] ?? 0} allows ${allowed}.`);
    }
    return failed <= allowed && verified >= least;
  },
});

/** None where the program that has printed it was an older one. */
function baselineOf(daemonSet = "kube-proxy"): Baseline | undefined {
  return readBaselines(readInput("standard input", 0)).find((one) => one.daemonSet === daemonSet);
}

/** To the report of the update that waits for this proof, where there is one. That is no reason for a proof to fail. */
async function handOver(config: KubeConfig, proofs: readonly Report[]): Promise<void> {
  const { KUBE_PROXY_REPORTS: folder, KUBE_PROXY_CLUSTER_ID: id } = process.env;
  if (folder === undefined) return;
  try {
    const [{ writeProof }, { defaultFolder }] = await Promise.all([
      import("../components/cluster/report/files.ts"),
      import("../components/cluster/ownFolder.ts"),
    ]);
    const cluster = id ?? (await clusterIdOf(config));
    for (const proof of proofs) writeProof(folder || defaultFolder(process.env), cluster, proof);
  } catch (error) {
    complain(`The report of this update lacks what was proved: ${reasonOf(error)}.`);
  }
}
