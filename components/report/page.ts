/** Pure: a report as a page: one file without a script, and without anything from elsewhere. */
import { changedLines } from "./changes.ts";
import { chartOf } from "./chart.ts";
import { comparison } from "./compare.ts";
import { type Distribution, figuresOf } from "./figures.ts";
import { element, escape, html } from "./svg.ts";
import { hatch } from "./marks.ts";
import { proofOf } from "./proofTable.ts";
import { pageStyle } from "./style.ts";
import { whatOf } from "./summary.ts";
import { capitalized, number, section, signed } from "./text.ts";
import type { PodsReport, UpdateReport, WaveReport } from "./types.ts";

/**
 * Makes the page of a report.
 *
 * @param earlier - reports of the same cluster from before, with which it is compared, the newest last
 * @returns HTML; the same for the same reports
 */
export function page(report: UpdateReport, earlier: readonly UpdateReport[]): string {
  const title = `kube-proxy: ${whatOf(report)}, ${report.outcome}`;
  const head = html(
    "head",
    {},
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    // Nothing is asked for, whatever stands in the page.
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    html("title", {}, escape(title)),
    `<style>${pageStyle}</style>`,
  );
  const body = html(
    "body",
    {},
    // The pattern of every picture.
    element(
      "svg",
      { width: 0, height: 0, style: "position: absolute", "aria-hidden": "true" },
      element("defs", {}, hatch),
    ),
    headline(report),
    figures(report),
    standing(report),
    changes(report),
    waves(report),
    section("Proof", ...report.waves.map(proofOf)),
    section("Told beforehand", ...told(report)),
    section("Left out", ...skipped(report)),
    section("Compared with those before", comparison(report, earlier)),
    section("Not recorded", list(report.unrecorded)),
    html(
      "footer",
      {},
      escape(
        `Written ${report.written} by kube-proxy as code. Version ${report.version} of its JSON is beside this file.`,
      ),
    ),
  );
  return `<!doctype html>\n${html("html", { lang: "en" }, head, body)}\n`;
}

function headline(report: UpdateReport): string {
  const { by, began, ended, cluster, stack, strategy, snapshot, token } = report;
  const facts: readonly (readonly [string, string])[] = [
    ["Why", token],
    ["Who", by],
    [
      "When",
      ended === null ? `${toSeconds(began)}, not ended` : `${toSeconds(began)} to ${toSeconds(ended)}`,
    ],
    ["How", strategy],
    ["Cluster", [cluster.context, cluster.server].filter(Boolean).join(", ")],
    ["Stack", stack ?? ""],
    ["Snapshot", snapshot ?? "none"],
  ];
  const rows = facts
    .filter(([, value]) => value !== "")
    .flatMap(([name, value]) => [html("dt", {}, escape(name)), html("dd", {}, escape(value))]);
  const what = report.occasions.length === 0 ? "update" : report.occasions.join(" and ");
  return html(
    "header",
    {},
    html("p", { class: "quiet" }, "kube-proxy"),
    html("h1", { id: "outcome" }, signed(report.outcome, `${capitalized(what)} ${report.outcome}`)),
    html("dl", { class: "facts" }, ...rows),
  );
}

/** Milliseconds tell nobody more. */
function toSeconds(moment: string): string {
  return moment.replace(/\.\d+Z$/, "Z");
}

function figures(report: UpdateReport): string {
  const { seconds, nodes, gaps, stale, verified, failed, excluded } = figuresOf(report);
  const tiles: readonly (readonly [id: string, value: number | null, unit: string, name: string])[] = [
    ["seconds", seconds, " s", "from the first change to the last"],
    ["nodes", nodes, "", "nodes whose pod has changed"],
    ["verified", verified, "", "nodes verified"],
    ["failed", failed, "", "nodes not verified"],
    ...(excluded > 0 ? ([["excluded", excluded, "", "nodes NotReady, not asked"]] as const) : []),
    ...ofDistribution("gap", gaps, "without kube-proxy"),
    ...ofDistribution("stale", stale, "until rules were synced"),
  ];
  return html(
    "ul",
    { class: "figures" },
    ...tiles.map(([id, value, unit, name]) =>
      html("li", {}, number(id, value, unit), html("span", { class: "quiet" }, escape(name))),
    ),
  );
}

function ofDistribution(id: string, distribution: Distribution | null, what: string) {
  if (distribution === null) return [];
  const { longest, median } = distribution;
  return [
    [`longest-${id}`, longest, " s", `longest of a node ${what}`],
    [`median-${id}`, median, " s", `median ${what}`],
  ] as const;
}

/** Where it stands, and what comes next, as long as that is not the end. */
function standing({ next, outcome }: UpdateReport): string {
  const what = outcome === "succeeded" ? "What is left" : "Where it stands, and what the next pulumi up does";
  return section(what, list(next));
}

/** What is the same for several waves is said once. */
function changes({ waves: all }: UpdateReport): string {
  const byChange = Map.groupBy(all, changeOf);
  byChange.delete("");
  const parts = [...byChange].map(([change, group]) => {
    const names = group.map(({ daemonSet }) => daemonSet).join(", ");
    return html("h3", {}, escape(names)) + change;
  });
  return section("From what to what", ...parts);
}

function changeOf({ before, after, changes: lines }: WaveReport): string {
  if (before === null) return html("p", {}, escape(`Made: image ${after.image}, mode ${after.mode}.`));
  const rows = differences(before, after);
  const isKnown = before.configuration !== null && after.configuration !== null;
  const diff = isKnown ? changedLines(before.configuration, after.configuration) : "";
  // What the table and the lines show need not be said once more.
  const words = lines.filter(
    (line) => !/^image /.test(line) && (diff === "" || !line.startsWith("configuration: ")),
  );
  return [rows.length === 0 ? "" : table(["", "before", "now"], rows), list(words), diff].join("");
}

function differences(before: PodsReport, after: PodsReport): (readonly [string, string, string])[] {
  const all = [
    ["Image", before.image, after.image],
    ["Mode", before.mode, after.mode],
    ["Token", before.token ?? "none", after.token ?? "none"],
  ] as const;
  return all.filter(([, from, to]) => from !== to);
}

function waves({ waves: all, began, ended, written }: UpdateReport): string {
  const until = (Date.parse(ended ?? written) - Date.parse(began)) / 1000;
  return section("Waves", ...all.map((wave) => waveOf(wave, until)));
}

function waveOf(wave: WaveReport, until: number): string {
  const { daemonSet, pool, state, began, ended, failure, nodes } = wave;
  const name = pool === null ? daemonSet : `${daemonSet}, pool ${pool}`;
  const moments = nodes.flatMap(({ deleted, created }) =>
    [deleted, created].filter((moment) => moment !== null),
  );
  const from = Math.min(began ?? Infinity, ...minimum(moments));
  const time =
    began === null
      ? ""
      : `from ${began.toFixed(1)} s ${ended === null ? "on" : `to ${ended.toFixed(1)} s`}, `;
  const chart = Number.isFinite(from) ? chartOf(wave, [Math.max(0, from - 0.3), ended ?? until]) : "";
  return [
    html("h3", {}, signed(state, `${name}: ${state}`)),
    html(
      "p",
      { class: "quiet" },
      escape(`${time}${nodes.length} ${nodes.length === 1 ? "node" : "nodes"} whose pod has changed`),
    ),
    ...(failure === null ? [] : [html("p", { class: "bad" }, escape(capitalized(failure)))]),
    chart === "" ? "" : html("div", { class: "wide" }, chart),
  ].join("");
}

/** Of thousands: too many to be arguments of a call. */
function minimum(values: readonly number[]): number[] {
  return values.length === 0 ? [] : [values.reduce((least, value) => Math.min(least, value))];
}

function told({ told: all }: UpdateReport): string[] {
  const lines = all.map(({ level, text }) =>
    html("li", {}, level === "warn" ? signed("warn", text) : escape(text)),
  );
  return lines.length === 0 ? [] : [html("ul", {}, ...lines)];
}

function skipped({ skipped: all, waves: every }: UpdateReport): string[] {
  const nodes = every.flatMap(({ proof }) =>
    (proof?.nodes ?? [])
      .filter(({ verdict }) => verdict === "excluded")
      .map(({ node, reasons }) => ({ what: `node ${node}`, why: reasons.join("; ") })),
  );
  return [list([...all, ...nodes].map(({ what, why }) => `${what}: ${why}`))];
}

function list(lines: readonly string[]): string {
  return lines.length === 0 ? "" : html("ul", {}, ...lines.map((line) => html("li", {}, escape(line))));
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return html(
    "table",
    {},
    html("thead", {}, html("tr", {}, ...header.map((name) => html("th", { scope: "col" }, escape(name))))),
    html(
      "tbody",
      {},
      ...rows.map(([name = "", ...cells]) =>
        html(
          "tr",
          {},
          html("th", { scope: "row" }, escape(name)),
          ...cells.map((cell) => html("td", {}, escape(cell))),
        ),
      ),
    ),
  );
}
