/** Makes the page of a report: one file without a script, and without a reference to anywhere else. */
import { sparkline } from "./charts.ts";
import { short } from "./course.ts";
import { type Figures, figuresOf } from "./figures.ts";
import { type Content, data, list, Markup, markup, section, table } from "./markup.ts";
import { hatch } from "./picture.ts";
import {
  changeSections,
  proofSection,
  slowestTable,
  spreadCharts,
  waveTable,
  wavesFigure,
} from "./sections.ts";
import { style } from "./style.ts";
import type { UpdateReport } from "./types.ts";
import { capital, count, counted, duration, moment, occasionOf, outcomes } from "./words.ts";

/** So many earlier reports are compared with. */
export const mostEarlier = 5;

/** Lets the browser load nothing and run nothing, whatever the page has. */
const policy = "default-src 'none'; style-src 'unsafe-inline'";

/**
 * The page of a report, as one HTML file.
 *
 * @param report - Whatever is in it shows as text.
 * @param earlier - Reports to compare with, in any order: of those that began before it, the last five.
 */
export function page(report: UpdateReport, earlier: readonly UpdateReport[]): string {
  const figures = figuresOf(report);
  const title = `kube-proxy: ${occasionOf(report).toLowerCase()} ${outcomes[report.outcome].words}`;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}, ${moment(report.began)}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<svg width="0" height="0" aria-hidden="true"><defs>${new Markup(hatch)}</defs></svg>
<main>
${headline(report, figures)}
${tiles(figures)}
${standing(report)}
${section("waves", "Waves", ...(report.waves.length === 0 ? [null] : [wavesFigure(report), waveTable(figures), spreadCharts(report, figures), slowestTable(report)]))}
${changeSections(report)}
${proofSection(report)}
${section(
  "skipped",
  "Left out",
  report.skipped.length === 0
    ? null
    : table(
        "What the update left out, and why",
        ["What", "Why"],
        report.skipped.map(({ what, why }) => [what, why]),
      ),
)}
${told(report)}
${section("unrecorded", "Not recorded", report.unrecorded.length === 0 ? null : list("plain", report.unrecorded))}
${comparison(report, earlier)}
<footer>Written ${moment(report.written)} by process ${report.writer.pid} on ${report.writer.host}. Version ${report.version} of
${report.kind}; the same is beside this page as JSON.</footer>
</main>
</body>
</html>
`.text;
}

function headline(report: UpdateReport, { seconds }: Figures): Markup {
  const { sign, words } = outcomes[report.outcome];
  const { cluster } = report;
  const time =
    report.ended === null
      ? markup`${moment(report.began)}, ${data("seconds", seconds, duration(seconds))} until this was written`
      : markup`${moment(report.began)} to ${moment(report.ended).slice(11)}, ${data("seconds", seconds, duration(seconds))}`;
  const facts: readonly (readonly [string, Content])[] = [
    ["Why", markup`<strong id="token">${report.token}</strong>`],
    ["Who", report.by],
    ["When", time],
    ["Cluster", `${cluster.context === null ? "" : `${cluster.context}, `}${cluster.server}, ${cluster.id}`],
    ...(report.stack === null ? [] : ([["Stack", report.stack]] as const)),
    ["Strategy", report.strategy],
    ["Snapshot from before", report.snapshot ?? "none: there was nothing to keep"],
  ];
  return markup`<header>
<p class="outcome ${report.outcome}" id="outcome"><span aria-hidden="true">${sign}</span> ${capital(words)}</p>
<h1>${occasionOf(report)} of kube-proxy</h1>
<dl class="facts">${facts.map(([name, content]) => markup`<dt>${name}</dt><dd>${content}</dd>\n`)}</dl>
</header>`;
}

function tiles(figures: Figures): Markup {
  const { without, unsynced } = figures;
  const tile = (content: Content, words: Content) => markup`<li><b>${content}</b>${words}</li>\n`;
  const spread = (id: string, name: string, of: Figures["without"]) =>
    of === null
      ? null
      : tile(
          data(`${id}-longest`, of.longest, duration(of.longest)),
          markup`longest ${name}; median ${data(`${id}-median`, of.median, duration(of.median))}, 99&nbsp;% within ${data(`${id}-p99`, of.p99, duration(of.p99))}`,
        );
  return markup`<ul class="tiles" aria-label="In numbers">
${tile(markup`${data("replaced", figures.replaced, count(figures.replaced))} of ${data("nodes", figures.nodes, count(figures.nodes))}`, "nodes have a new pod that is ready")}
${spread("without", "time of a node without kube-proxy", without)}
${spread("unsynced", "time until its rules were synced", unsynced)}
${tile(data("at-once", figures.atOnce, count(figures.atOnce)), "nodes at most without kube-proxy at the same time")}
${figures.bare === 0 ? null : tile(data("bare", figures.bare, count(figures.bare)), markup`<span class="failed">nodes without kube-proxy when this was written</span>`)}
${tile(
  markup`${data("verified", figures.verified, count(figures.verified))} verified`,
  markup`${data("failed", figures.failed, count(figures.failed))} failed, ${data("excluded", figures.excluded, count(figures.excluded))} excluded from the proof`,
)}</ul>`;
}

/** Where an update stands that has not done all. */
function standing({ outcome, next, waves, writer }: UpdateReport): Content {
  if (outcome === "succeeded" && next.length === 0) return null;
  const where = {
    succeeded: "It has succeeded, and something is left to do.",
    failed: "It has failed, and given up.",
    interrupted: `Process ${writer.pid} on ${writer.host} is gone without a word: what is here is what it had seen.`,
    running: "It had not ended when this was written.",
  }[outcome];
  const failures = waves.flatMap(({ daemonSet, failure }) =>
    failure === null ? [] : `DaemonSet ${daemonSet}: ${failure}.`,
  );
  return markup`<aside class="notice" id="next"><h2>What the next <code>pulumi up</code> does</h2>
<p>${where}</p>
${failures.map((failure) => markup`<p class="failed">${failure}</p>\n`)}${next.length === 0 ? null : list("plain", next)}</aside>`;
}

/** What was told before it began, warnings first. */
function told({ told }: UpdateReport): Content {
  if (told.length === 0) return null;
  const warnings = told.filter(({ level }) => level === "warn");
  const infos = told.filter(({ level }) => level === "info");
  return section(
    "told",
    "Told before it began",
    list("plain", [
      ...warnings.map(({ text }) => markup`<span class="warn"><strong>⚠ Warning:</strong> ${text}</span>`),
      ...infos.map(({ text }) => text),
    ]),
  );
}

function comparison(report: UpdateReport, earlier: readonly UpdateReport[]): Content {
  const before = earlier
    .filter(({ began }) => Date.parse(began) < Date.parse(report.began))
    .sort((a, b) => Date.parse(b.began) - Date.parse(a.began))
    .slice(0, mostEarlier);
  if (before.length === 0) return null;
  const all = [report, ...before].map((each) => ({ each, figures: figuresOf(each) }));
  const columns: readonly (readonly [
    string,
    (figures: Figures) => number | null,
    (value: number) => string,
  ])[] = [
    ["Duration ", ({ seconds }) => seconds, duration],
    ["Nodes ", ({ nodes }) => nodes, count],
    ["Longest without ", ({ without }) => without?.longest ?? null, duration],
    ["Longest unsynced ", ({ unsynced }) => unsynced?.longest ?? null, duration],
    ["Failed ", ({ failed }) => failed, count],
  ];
  const oldestFirst = all.toReversed();
  return section(
    "comparison",
    `Compared with the last ${before.length === 1 ? "one" : before.length}`,
    table(
      `This update and ${counted(before.length, "earlier one")}, newest first`,
      ["Began", "Outcome", ...columns.map(([name]) => name), "What", "Why"],
      [
        ...all.map(({ each, figures }, index) => [
          markup`<span class="one">${moment(each.began)}</span>${index === 0 ? markup`<br><strong>this one</strong>` : null}`,
          markup`<span class="one ${each.outcome}">${outcomes[each.outcome].sign} ${each.outcome}</span>`,
          ...columns.map(([, of, shown]) => {
            const value = of(figures);
            return value === null ? "–" : shown(value);
          }),
          occasionOf(each),
          short(each.token, 120),
        ]),
        [
          "Oldest to this one",
          "",
          ...columns.map(
            ([name, of, shown]) =>
              new Markup(
                sparkline(
                  name.trim(),
                  oldestFirst.map(({ figures }) => of(figures)),
                  shown,
                ),
              ),
          ),
          "",
          "",
        ],
      ],
    ),
  );
}
