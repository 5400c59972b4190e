/** The measured results as Markdown. */
import { nameOf } from "../occasion.ts";
import type { Count, NodeResult, Result } from "./behaviour.ts";
import type { Behaviour } from "./index.ts";

/** A table for each mode, and on what they were measured. */
export function tables({ at, engine, kubernetes, kernel, cores, load, results }: Behaviour): string {
  const on = [
    `Measured on ${at.slice(0, 10)}: Kubernetes ${kubernetes}, two [real nodes](lab.md#real-nodes) on one machine with`,
    `${cores} cores and Linux ${kernel.replace(/-.*/, "")}, ${nameOf(engine)}.`,
    `Load average ${load[0]} before, ${load[1]} after.`,
  ].join(" ");
  const byMode = [...Map.groupBy(results, ({ mode }) => mode)];
  const measured = byMode.flatMap(([mode, own]) => [`Mode ${mode}:`, table(own, columns)]);
  const different = [...new Map(results.map((result) => [result.what, result])).values()];
  return [on, ...measured, "What was done:", table(different, commands)].join("\n\n");
}

/** A column of a table: its title, and what is in it. */
export type Column<T> = readonly [title: string, cell: (result: T) => string];

const columns: readonly Column<Result>[] = [
  ["what changes", ({ what }) => what],
  ["new TCP failed", ({ flows }) => failed(flows["new tcp"])],
  ["long-lived TCP broken", ({ flows }) => broken(flows["kept tcp"])],
  ["UDP unanswered", ({ flows }) => failed(flows["new udp"], flows["kept udp"])],
  ["UDP moved", ({ flows }) => moved(flows["kept udp"])],
  ["first answer", ({ firstAnswerMs }) => seconds(firstAnswerMs)],
  ["without kube-proxy", ({ nodes }) => seconds(longest(nodes, away))],
  ["rules synced", ({ nodes }) => seconds(longest(nodes, unsynced))],
  ["took", ({ tookMs }) => seconds(tookMs)],
];

const commands: readonly Column<Result>[] = [
  ["what changes", ({ what }) => what],
  ["by", ({ command }) => command],
];

/** A table with a row for each result. */
export function table<T>(results: readonly T[], columns: readonly Column<T>[]): string {
  const rows = [
    columns.map(([title]) => title),
    columns.map(() => "---"),
    ...results.map((result) => columns.map(([, cell]) => cell(result))),
  ];
  return rows.map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** How many of all questions nobody answered. */
export function failed(...counts: readonly Count[]): string {
  const sum = (key: "attempts" | "failed") => counts.reduce((total, count) => total + count[key], 0);
  return `${sum("failed")} of ${sum("attempts")}`;
}

/** How many of those that were kept failed at least once. */
export function broken({ broken = 0, kept = 0 }: Count): string {
  return `${broken} of ${kept}`;
}

function moved({ moved = 0, kept = 0 }: Count): string {
  return `${moved} of ${kept}`;
}

/** How long nobody listened on a node, since the change began. */
function away({ closed }: NodeResult): number | undefined {
  const spans = closed.map(([from, to]) => to - Math.max(from, 0));
  return spans.length > 0 ? Math.max(...spans) : undefined;
}

/** From the end of the old kube-proxy, or the beginning of the change, to the new one's first sync. */
function unsynced({ closed: [first], synced }: NodeResult): number | undefined {
  return first === undefined || synced === undefined ? undefined : synced - Math.max(first[0], 0);
}

/** The longest of the nodes that have one. */
function longest(nodes: readonly NodeResult[], of: (node: NodeResult) => number | undefined) {
  const values = nodes.map(of).filter((value) => value !== undefined);
  return values.length > 0 ? Math.max(...values) : undefined;
}

/** A time, as a reader is told; nothing where there is none. */
export function seconds(ms: number | undefined): string {
  return ms === undefined ? "" : `${(ms / 1000).toFixed(1)} s`;
}
