import { printableLines, shellWord } from "../../input/printable.ts";
import { listed } from "../../input/problems.ts";
import { formatSeconds } from "../../input/seconds.ts";
import { table } from "../../input/table.ts";
import type { Diagnosis } from "./doctor.ts";
import type { Report, ServiceAnswer } from "./types.ts";

/** At most this many lines of nodes about which there is nothing to say. */
const goodLines = 20;

/** Writes a report for a terminal: a table, the worst first, and a sentence. */
export function formatReport(report: Report): string {
  const rows = report.nodes.map(
    ({ node, pod, ageSeconds, syncDelaySeconds, mode, service, verdict, reasons }) => [
      node,
      pod ?? "-",
      formatSeconds(ageSeconds),
      syncDelaySeconds === null ? "-" : `${syncDelaySeconds.toFixed(2)}s`,
      mode ?? "-",
      formatService(service),
      [verdict, ...reasons.slice(0, 1)].join(": ") + also(reasons),
    ],
  );
  const { verified, failed, excluded } = report;
  const parts = [
    `${verified} of ${verified + failed} nodes verified`,
    ...(excluded > 0 ? [`${excluded} NotReady and excluded`] : []),
    `after ${report.seconds.toFixed(1)} s`,
  ];
  const nothing = verified + failed === 0 ? " Nothing is proved: no Ready node to ask." : "";
  return printableLines([
    ...worstOf(["NODE", "POD", "AGE", "SYNCED AFTER", "MODE", "SERVICE", "VERDICT"], rows, failed + excluded),
    "",
    `DaemonSet ${report.daemonSet}: ${parts.join(", ")}.${nothing}`,
    ...unaskedLines(report.nodes),
  ]);
}

/**
 * Writes a diagnosis for a terminal: a table, the worst first, and for each outlier the command that restarts its
 * kube-proxy alone.
 *
 * @param restart - how to call what restarts nodes of this cluster, such as
 *   `npm run --silent restart-nodes -- --context prod`
 */
export function formatDiagnosis(diagnosis: Diagnosis, restart: string): string {
  const rows = diagnosis.nodes.map((finding) => [
    finding.node,
    finding.pod ?? "-",
    formatSeconds(finding.ageSeconds),
    formatSeconds(finding.lastSyncSeconds),
    formatSeconds(finding.pendingSeconds),
    finding.mode ?? "-",
    formatService(finding.service),
    [finding.verdict, ...finding.findings.slice(0, 1)].join(": ") + also(finding.findings),
  ]);
  const { healthy, outliers, excluded } = diagnosis;
  const details = diagnosis.nodes.flatMap(({ node, pod, verdict, findings }) =>
    verdict === "outlier"
      ? [
          "",
          `${node}:`,
          ...findings.map((finding) => `  - ${finding}`),
          ...(pod === null ? [] : [`  restart it alone: ${restart} --nodes ${shellWord(node)}`]),
        ]
      : [],
  );
  const header = ["NODE", "POD", "AGE", "LAST SYNC", "PENDING", "MODE", "SERVICE", "VERDICT"];
  return printableLines([
    ...worstOf(header, rows, outliers + excluded),
    ...details,
    "",
    `DaemonSet ${diagnosis.daemonSet}: ${healthy} nodes alike and healthy, ${outliers} outliers, ${excluded} NotReady.`,
    ...helperLines(diagnosis.helpers),
    ...advisoryLines(diagnosis),
    ...unaskedLines(diagnosis.nodes),
  ]);
}

/** At most this many are named. */
const mostHelpers = 3;

/** Whoever left a switch in the middle has rules of two modes on a node. */
function helperLines(helpers: readonly string[]): string[] {
  if (helpers.length === 0) return [];
  const named = [...helpers.slice(0, mostHelpers), ...(helpers.length > mostHelpers ? ["..."] : [])];
  return [
    `A switch between modes has not ended: ${helpers.length} of its pods are there, ${named.join(", ")}. pulumi up ends it.`,
  ];
}

/** One line for each, below what is so now: what is known of a version need not have happened. */
function advisoryLines({ advisories, nodes: { length } }: Diagnosis): string[] {
  return advisories.length === 0
    ? []
    : [
        "",
        "Known of what runs there (docs/advisories.md):",
        ...advisories.map(({ name, what, remedy, source, nodes }) => {
          const where = nodes.length === length ? "all nodes" : listed(nodes);
          return `  ${name}: ${where}: ${what}; ${remedy} (${source})`;
        }),
      ];
}

function worstOf(header: readonly string[], rows: readonly string[][], badLines: number): string[] {
  const shown = rows.slice(0, badLines + goodLines);
  const left = rows.length - shown.length;
  return [...table(header, shown), ...(left > 0 ? [`... and ${left} more without a finding`] : [])];
}

function formatService(service: ServiceAnswer | null): string {
  if (service === null) return "-";
  return service.verdict === "answers"
    ? `${service.seconds.toFixed(2)}s`
    : { fails: "no answer", unasked: "not asked" }[service.verdict];
}

/** A proof that is smaller than it should be has to say so. */
function unaskedLines(nodes: readonly { service: ServiceAnswer | null }[]): string[] {
  const services = nodes.flatMap(({ service }) => service ?? []);
  const unasked = services.flatMap((service) => (service.verdict === "unasked" ? [service.reason] : []));
  const reasons = [...new Set(unasked)];
  return reasons.length === 0
    ? []
    : [
        `Whether a Service answers is not known of ${unasked.length} of ${services.length} nodes: ${reasons[0]}${also(reasons)}.`,
      ];
}

function also(reasons: readonly string[]): string {
  return reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : "";
}
