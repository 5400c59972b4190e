/** Pure: a report in a few words, for Events, a CI system's summary and a list. */
import { listed } from "../input/problems.ts";
import { printableLines } from "../input/printable.ts";
import { formatSeconds } from "../input/seconds.ts";
import { table } from "../input/table.ts";
import { figuresOf, secondsOf, spreadOf, withoutOf } from "./figures.ts";
import type { Expected } from "./record.ts";
import type { UpdateReport, WaveReport } from "./types.ts";
import { occasionIn } from "./words.ts";

/** What an update is, in words, such as `restart lost-rules-7`. */
export function whatOf(report: Pick<UpdateReport, "occasions" | "token">): string {
  return `${occasionIn(report)} (restart token ${report.token})`;
}

/** That an update begins at a DaemonSet. */
export function beginLine(expected: Expected, daemonSet: string): string {
  const { by, strategy, waves } = expected;
  const index = waves.findIndex((wave) => wave.daemonSet === daemonSet);
  const wave = waves.length > 1 ? `, wave ${index + 1} of ${waves.length}` : "";
  const changes = waves[index]?.changes ?? [];
  const what = changes.length === 0 ? "" : `: ${listed(changes)}`;
  return `${whatOf(expected)} by ${by} begins, ${strategy}${wave}${what}`;
}

/** How a wave has ended. */
export function waveLine(wave: WaveReport): string {
  const { proof, state, failure, nodes, began, ended } = wave;
  const took = began === null || ended === null ? "" : ` after ${(ended - began).toFixed(1)} s`;
  const without = spreadOf(nodes.map(withoutOf));
  const longest =
    without === null ? "" : `; a node was ${without.longest.toFixed(1)} s without kube-proxy at most`;
  const proved =
    proof === null ? "" : `: ${proof.verified} of ${proof.verified + proof.failed} nodes verified`;
  switch (state) {
    case "proved":
    case "done":
      return `${state}${took}${proved}${longest}`;
    case "failed":
      return `failed${took}${proved}${failure === null ? "" : `; ${failure}`}`;
    default:
      return state;
  }
}

/** Reports as a table for a terminal, in their order, each with the path of its page below. */
export function formatReports(
  reports: readonly { readonly page: string; readonly report: UpdateReport }[],
): string {
  const rows = reports.map(({ report }) => {
    const { nodes, seconds, without } = figuresOf(report);
    return [
      report.began.replace(/\.\d+Z$/, "Z"),
      report.outcome,
      report.ended === null ? "-" : formatSeconds(seconds),
      String(nodes),
      without === null ? "-" : `${without.longest.toFixed(1)}s`,
      report.occasions.join(", "),
      report.token,
    ];
  });
  const header = ["BEGAN", "OUTCOME", "TOOK", "NODES", "LONGEST GAP", "WHAT", "TOKEN"];
  const [head = "", ...lines] = table(header, rows);
  return printableLines([head, ...lines.flatMap((line, index) => [line, `  ${reports[index]?.page ?? ""}`])]);
}

/** The whole report as Markdown. */
export function markdownOf(report: UpdateReport): string {
  const { by, outcome, began, ended, cluster, stack, next, waves } = report;
  const took = ended === null ? "" : ` after ${secondsOf(report).toFixed(1)} s`;
  const rows = waves.map(
    (wave) => `| ${[wave.daemonSet, waveLine(wave), listed(wave.changes)].map(cell).join(" | ")} |`,
  );
  return [
    `### kube-proxy: ${plain(whatOf(report))}: ${outcome}${took}`,
    "",
    `By ${plain(by)}, at ${began}; cluster ${plain(cluster.server)}, stack ${plain(stack ?? "-")}.`,
    "",
    "| DaemonSet | | changes |",
    "| --- | --- | --- |",
    ...rows,
    "",
    ...next.map((sentence) => `- ${plain(sentence)}`),
    "",
  ].join("\n");
}

/** A text as Markdown shows it, whatever is in it. */
function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]<>()#+!|~&]/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/\s+/g, " ");
}

function cell(text: string): string {
  return text === "" ? "-" : plain(text);
}
