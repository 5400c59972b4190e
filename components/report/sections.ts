/** Parts of the page: the waves, what changed, and the proof. */
import { histogram } from "./charts.ts";
import { coursePicture, mostRows } from "./course.ts";
import { configurationDiff } from "./diff.ts";
import { type Figures, nameOf, slowestOf, type Spread, unsyncedOf, withoutOf } from "./figures.ts";
import { type Content, data, list, Markup, markup, section, table } from "./markup.ts";
import type { NodeProof, PodsReport, UpdateReport, WaveReport } from "./types.ts";
import { count, counted, duration } from "./words.ts";

/** So many of the slowest nodes have a row of their own. */
const mostSlow = 20;

/** More verified nodes than this are folded away, and more than the second not printed. */
const mostOpen = 50;
const mostPrinted = 200;

/** Waves and nodes on the time axis. */
export function wavesFigure(report: UpdateReport): Markup {
  const isByName = report.waves.flatMap(({ nodes }) => nodes).length <= mostRows;
  const caption = isByName
    ? "Each node with its old pod, the time without kube-proxy, and its new pod. Seconds since the update began."
    : "The waves, and below them how many nodes had what. Seconds since the update began.";
  return markup`<figure><div class="scroll" tabindex="0" role="region" aria-label="Picture of the waves">${new Markup(coursePicture(report))}</div>
<figcaption>${caption}</figcaption></figure>
`;
}

/** How long each wave took. */
export function waveTable({ waves }: Figures): Markup {
  const spread = (id: string, of: Spread | null) => [
    data(`${id}-median`, of?.median ?? null, duration(of?.median ?? null)),
    data(`${id}-longest`, of?.longest ?? null, duration(of?.longest ?? null)),
  ];
  return table(
    "The waves in their order",
    ["Wave", "Nodes ", "Took ", "Without, median ", "longest ", "Unsynced, median ", "longest "],
    waves.map((wave, index) => [
      wave.name,
      data(`wave-${index}-nodes`, wave.nodes, count(wave.nodes)),
      data(`wave-${index}-seconds`, wave.seconds, duration(wave.seconds)),
      ...spread(`wave-${index}-without`, wave.without),
      ...spread(`wave-${index}-unsynced`, wave.unsynced),
    ]),
  );
}

/** How the times without are spread, where there are too many nodes to see it by name. */
export function spreadCharts(report: UpdateReport, { nodes, without, unsynced }: Figures): Content {
  if (nodes <= mostRows) return null;
  const courses = report.waves.flatMap((wave) => wave.nodes);
  const chart = (title: string, spread: Spread | null, of: typeof withoutOf) =>
    spread === null
      ? null
      : markup`<figure>${new Markup(
          histogram(
            title,
            courses.map(of).filter((each) => each !== null),
            spread,
          ),
        )}</figure>\n`;
  return markup`<div class="halves">${chart("Time of a node without kube-proxy", without, withoutOf)}${chart("Time until its rules were synced", unsynced, unsyncedOf)}</div>\n`;
}

/** Those that went longest without. */
export function slowestTable(report: UpdateReport): Content {
  const slowest = slowestOf(report, mostSlow);
  if (slowest.length === 0) return null;
  return table(
    `The slowest ${slowest.length === 1 ? "node" : `${slowest.length} nodes`}`,
    ["Node", "Without ", "Unsynced ", "First sync told by", "Wave", "New pod"],
    slowest.map(({ wave, course, without, unsynced }) => [
      course.node,
      without === null && course.stopped !== null
        ? markup`<span class="failed">still without</span>`
        : duration(without),
      duration(unsynced),
      course.synced === null ? "–" : course.isExact ? "the node" : "when it was seen",
      nameOf(wave),
      course.newPod ?? "–",
    ]),
  );
}

/** From what to what: waves with the same change are told once. */
export function changeSections(report: UpdateReport): Content {
  const groups = Map.groupBy(
    report.waves.filter(({ state }) => state !== "unchanged"),
    ({ before, after, changes }) => JSON.stringify([before, after, changes]),
  );
  const parts = [...groups.values()].flatMap((waves) => {
    const [first] = waves;
    return first === undefined ? [] : [changeOf(first, waves.length === report.waves.length ? null : waves)];
  });
  return section("changes", "From what to what", parts.length === 0 ? null : parts);
}

function changeOf({ before, after, changes }: WaveReport, waves: readonly WaveReport[] | null): Markup {
  const row = (name: string, of: (pods: PodsReport) => string | null): Content[] => {
    const [from, to] = [before === null ? "no DaemonSet" : (of(before) ?? "none"), of(after) ?? "none"];
    return [name, from, from === to ? "the same" : markup`<strong>${to}</strong>`];
  };
  return markup`${waves === null ? null : markup`<h3>${waves.map(nameOf).join(", ")}</h3>\n`}${table(
    "What the pods are made of",
    ["", "Before", "Now"],
    [row("Image", ({ image }) => image), row("Mode", ({ mode }) => mode), row("Token", ({ token }) => token)],
  )}${changes.length === 0 ? null : list("plain", changes)}${configurationOf(before, after)}`;
}

function configurationOf(before: PodsReport | null, after: PodsReport): Content {
  if (before === null) return null;
  if (before.configuration === null || after.configuration === null) {
    return markup`<p class="quiet">The configuration is not told here.</p>\n`;
  }
  const diff = configurationDiff(before.configuration, after.configuration);
  return diff === null
    ? markup`<p class="quiet">The configuration is the same.</p>\n`
    : markup`<h3>Configuration</h3>\n${diff}`;
}

/** What the proofs found: failed nodes first, verified ones folded where they are many. */
export function proofSection({ waves }: UpdateReport): Content {
  const proofs = waves.flatMap(({ proof }) => proof ?? []);
  if (proofs.length === 0) return null;
  const all = proofs.flatMap(({ nodes }) => nodes);
  const of = (verdict: NodeProof["verdict"]) => all.filter((node) => node.verdict === verdict);
  const [failed, excluded, verified] = [of("failed"), of("excluded"), of("verified")];
  const because = (nodes: readonly NodeProof[], caption: string) =>
    nodes.length === 0
      ? null
      : table(
          caption,
          ["Node", "Why", "Pod", "Mode", "Service"],
          nodes.map((node) => [
            node.node,
            node.reasons.join("; "),
            node.pod ?? "–",
            node.mode ?? "–",
            serviceOf(node),
          ]),
        );
  const seconds = proofs.reduce((sum, proof) => sum + proof.seconds, 0);
  return section(
    "proof",
    "Proof",
    markup`<p>${counted(verified.length, "node")} verified, ${count(failed.length)} failed, ${count(excluded.length)} excluded, in ${duration(seconds)}.</p>\n`,
    because(failed, `✘ Failed: ${counted(failed.length, "node")}`),
    because(excluded, `Excluded: ${counted(excluded.length, "node")}`),
    verified.length === 0 ? null : verifiedPart(verified),
  );
}

function verifiedPart(nodes: readonly NodeProof[]): Markup {
  const caption = `✔ Verified: ${counted(nodes.length, "node")}`;
  const rows = table(
    caption,
    ["Node", "Pod", "Pod's age ", "Synced after ", "Mode", "Service"],
    nodes.map((node) => [
      node.node,
      node.pod ?? "–",
      duration(node.ageSeconds),
      duration(node.syncDelaySeconds),
      node.mode ?? "–",
      serviceOf(node),
    ]),
  );
  if (nodes.length <= mostOpen) return rows;
  const kind = nodes.length <= mostPrinted ? "paper" : "screen";
  return markup`<details class="${kind}" data-folded="${counted(nodes.length, "verified node")}"><summary>${caption}</summary>
${rows}</details>
`;
}

function serviceOf({ service }: NodeProof): Content {
  if (service === null) return "–";
  if (service.verdict === "answers") return `answers in ${duration(service.seconds)}`;
  return service.verdict === "fails"
    ? markup`<span class="fails">fails: ${service.reason}</span>`
    : `not asked: ${service.reason}`;
}
