/** The page of a run over a fleet: one HTML file without a script, which leads to the report of each cluster. */
import { figuresOf } from "../components/report/figures.ts";
import { type Content, list, Markup, markup, section, table } from "../components/report/markup.ts";
import { style } from "../components/report/style.ts";
import type { UpdateReport } from "../components/report/types.ts";
import { count, duration, moment, outcomes } from "../components/report/words.ts";
import { proofOf } from "./progress.ts";
import { countOf, finished, isComplete, type Standing } from "./rollout.ts";
import { haltLine, type View } from "./view.ts";

/** A stack's report. */
export interface Linked {
  /** Address of its page, as seen from this one. */
  readonly href: string;
  readonly report: UpdateReport;
}

/** What the page tells beside the run itself. */
export interface PageOptions {
  /** What the run was for, such as `restart 2026-11-29`. */
  readonly what: string;
  /** When the page is made. */
  readonly now: Date;
  /** By stack. */
  readonly reports: ReadonlyMap<string, Linked>;
}

/** Lets the browser load nothing and run nothing, whatever the page has. */
const policy = "default-src 'none'; style-src 'unsafe-inline'";

/** Standings in words, each with a sign that tells it without its colour. */
const standings: Readonly<Record<Standing, string>> = {
  waiting: "– not reached",
  running: "▶ is under way",
  already: "✔ done before",
  done: "✔ done",
  failed: "✘ failed",
  unreachable: "✘ did not answer",
  cancelled: "◼ cancelled",
};

/** Makes the page; whatever is in names and reports shows as text. */
export function fleetPage(view: View, { what, now, reports }: PageOptions): string {
  const { rollout } = view;
  const { sign, words } = outcomes[isComplete(rollout) ? "succeeded" : "failed"];
  const done = countOf(rollout, finished);
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>kube-proxy of ${rollout.standings.size} clusters: ${what}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<main>
<header>
<p class="outcome ${isComplete(rollout) ? "succeeded" : "failed"}" id="outcome"><span aria-hidden="true">${sign}</span> ${words}: ${count(done)} of ${count(rollout.standings.size)} clusters are done</p>
<h1>kube-proxy in many clusters: ${what}</h1>
${rollout.halt === undefined ? null : list("plain", [haltLine(rollout.halt)])}
</header>
${rollout.fleet.waves.map(({ name, stacks }, index) => section(`wave-${index + 1}`, `Wave ${index + 1}, ${name}`, clusters(view, name, stacks, reports)))}
<footer>Written ${moment(now.toISOString())}. The reports that it leads to are beside the snapshots of each stack.</footer>
</main>
</body>
</html>
`.text;
}

function clusters(
  { rollout, updates }: View,
  wave: string,
  stacks: readonly string[],
  reports: ReadonlyMap<string, Linked>,
): Markup {
  const rows = stacks.map((stack): Content[] => {
    const linked = reports.get(stack);
    const figures = linked === undefined ? undefined : figuresOf(linked.report);
    const { ended, began = 0, progress } = updates.get(stack) ?? {};
    const proof = progress === undefined ? undefined : proofOf(progress);
    const standing = rollout.standings.get(stack) ?? "waiting";
    return [
      stack,
      standings[standing],
      figures === undefined ? (proof?.proved ?? "–") : figures.verified,
      figures === undefined ? "–" : duration(figures.without?.longest ?? null),
      duration(ended === undefined ? (figures?.seconds ?? null) : (ended - began) / 1000),
      linked === undefined ? (progress?.errors[0] ?? "–") : markup`<a href="${linked.href}">report</a>`,
    ];
  });
  return table(
    `The clusters of wave ${wave}`,
    ["Stack", "Outcome", "Nodes proved ", "Longest without ", "Took ", "More"],
    rows,
  );
}
