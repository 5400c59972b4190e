/** Pure: the picture of a wave: its nodes on an axis of time, one by one, or many as a density. */
import { histogramOf, momentsOf } from "./density.ts";
import { distributionOf, gapOf, slowest } from "./figures.ts";
import {
  axis,
  box,
  entries,
  type Entry,
  gap,
  legend,
  row,
  type Scale,
  syncMark,
  hatch,
  pictureStyle,
} from "./marks.ts";
import { element, text } from "./svg.ts";
import type { NodeCourse, WaveReport } from "./types.ts";

const width = 900;
const left = 205;
const right = 120;
const plot = width - left - right;

/** So many nodes have a row each; of more the slowest have. */
const mostRows = 60;
const slowestRows = 20;

/** Height of the density, and of the histogram, in pixels. */
const areaHeight = 140;
const barsHeight = 90;

/** Longest name of a node that is shown whole, in letters. */
const longestName = 26;

type Ends = readonly [number, number];

/** The same as {@link chartOf}, as a file of its own. */
export function pictureOf(wave: Pick<WaveReport, "daemonSet" | "nodes">, span: Ends): string {
  const { height, label, bodies } = drawn(wave, span);
  const root = { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}` };
  return `${element(
    "svg",
    { ...root, role: "img", "aria-label": label },
    element("style", {}, pictureStyle),
    element("defs", {}, hatch),
    element("rect", { class: "card", x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 6 }),
    ...bodies,
  )}\n`;
}

/**
 * Draws the nodes of a wave.
 *
 * @param span - the time that is shown, in seconds since the update began
 * @returns an element `svg`; empty where no node's pod has changed
 */
export function chartOf(wave: Pick<WaveReport, "daemonSet" | "nodes">, span: Ends): string {
  if (wave.nodes.length === 0) return "";
  const { height, label, bodies } = drawn(wave, span);
  return element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...bodies);
}

/** What is in a picture, and how high it is. */
interface Drawing {
  readonly height: number;
  /** In words. */
  readonly label: string;
  readonly bodies: readonly string[];
}

function drawn({ daemonSet, nodes }: Pick<WaveReport, "daemonSet" | "nodes">, span: Ends): Drawing {
  const [from, to] = [span[0], Math.max(span[1], span[0] + 1)];
  const scale: Scale = (ms) => left + ((ms / 1000 - from) / (to - from)) * plot;
  const isMany = nodes.length > mostRows;
  const shown = isMany ? slowest(nodes, slowestRows) : nodes.toSorted(byBeginning);
  const bodies: string[] = [];
  let y = 14;
  if (isMany) {
    bodies.push(
      ...density(nodes, [from, to], y),
      ...axis([from * 1000, to * 1000], scale, [y, y + areaHeight]),
    );
    y += areaHeight + 46;
    bodies.push(...histogram(nodes, y));
    y += barsHeight + 56;
    bodies.push(
      text(`The ${shown.length} nodes that were longest without kube-proxy`, {
        class: "head",
        x: 16,
        y: y - 8,
      }),
    );
  }
  const top = y;
  const bottom = top + shown.length * row;
  bodies.push(
    ...axis([from * 1000, to * 1000], scale, [top, bottom]),
    ...shown.flatMap((node, index) => nodeRow(node, top + index * row, scale, to)),
    ...legend(rowEntries, 16, bottom + 46),
  );
  const height = bottom + 60;
  const label = `DaemonSet ${daemonSet}: ${nodes.length} nodes from ${from.toFixed(1)} to ${to.toFixed(1)} s`;
  return { height, label, bodies };
}

function byBeginning(a: NodeCourse, b: NodeCourse): number {
  const first = ({ deleted, created, ready }: NodeCourse) => deleted ?? created ?? ready ?? Infinity;
  return first(a) - first(b) || (a.node < b.node ? -1 : 1);
}

function nodeRow(course: NodeCourse, y: number, scale: Scale, end: number): string[] {
  const { node, oldPod, stopped, ready, synced, isExact } = course;
  const at = (seconds: number) => scale(seconds * 1000);
  const without = gapOf(course);
  return [
    text(shortened(node), { x: 16, y: y + 14 }),
    ...(oldPod === null ? [] : [box("old", [left, at(stopped ?? end)], y)]),
    ...(stopped === null ? [] : [gap([at(stopped), at(ready ?? end)], y + 2, row - 4)]),
    ...(ready === null
      ? []
      : [box("unsynced", [at(ready), at(synced ?? end)], y), box("new", [at(synced ?? end), at(end)], y)]),
    ...(synced === null ? [] : [syncMark(at(synced), y, isExact)]),
    text(without === null ? (ready === null ? "not ready" : "") : `${without.toFixed(1)} s without`, {
      class: ready === null ? "failed" : "quiet",
      x: width - right + 10,
      y: y + 14,
    }),
  ];
}

/** The middle of a name tells least. */
function shortened(name: string): string {
  const half = Math.floor((longestName - 1) / 2);
  return name.length <= longestName ? name : `${name.slice(0, half)}…${name.slice(-half)}`;
}

function swatch(kind: string): Entry[1] {
  return (x, y) => element("rect", { class: kind, x: x - 2, y: y - 10, width: 14, height: 12, rx: 2 });
}

const areaEntries: readonly Entry[] = [
  ["old pod", swatch("old")],
  entries.gap,
  ["new pod, not synced", swatch("unsynced")],
  ["new pod, synced", swatch("new")],
];

const rowEntries: readonly Entry[] = [
  ...areaEntries,
  ["first sync", (x, y) => syncMark(x + 5, y - 14)],
  ["synced by then", (x, y) => syncMark(x + 5, y - 14, false)],
];

/** One above the other: how many nodes have an old pod, none, a new one, one that has synced. */
function density(nodes: readonly NodeCourse[], [from, to]: Ends, y: number): string[] {
  const moments = momentsOf(nodes, [from, to], Math.round(plot / 3));
  const x = (at: number) => left + ((at - from) / (to - from)) * plot;
  const height = (count: number) => (count / nodes.length) * areaHeight;
  // From the bottom: what is done; what is not yet is above it.
  const edges = moments.map(({ at, none, unsynced, synced }) => {
    const [done, running, gone] = [synced, synced + unsynced, synced + unsynced + none];
    return {
      at,
      levels: [0, done, running, gone, nodes.length].map((count) => y + areaHeight - height(count)),
    };
  });
  const area = (lower: number, upper: number, kind: string): string => {
    const line = (level: number, all: typeof edges) =>
      all.map(({ at, levels }) => `${x(at).toFixed(1)} ${(levels[level] ?? 0).toFixed(1)}`).join("L");
    const d = `M${line(lower, edges)}L${line(upper, edges.toReversed())}z`;
    const fill = kind === "gap" ? { style: "fill: url(#hatch)" } : { class: `${kind} area` };
    return element("path", { ...fill, d });
  };
  return [
    text("Nodes", { class: "head", x: 16, y: y + 14 }),
    text(String(nodes.length), { class: "quiet end", x: left - 8, y: y + 10 }),
    text("0", { class: "quiet end", x: left - 8, y: y + areaHeight }),
    area(0, 1, "new"),
    area(1, 2, "unsynced"),
    area(2, 3, "gap"),
    area(3, 4, "old"),
  ];
}

/** How many nodes were how long without kube-proxy. */
function histogram(nodes: readonly NodeCourse[], y: number): string[] {
  const gaps = nodes.flatMap((node) => gapOf(node) ?? []);
  const distribution = distributionOf(gaps);
  if (distribution === null) return [];
  const step =
    [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300].find((each) => distribution.longest / each <= 40) ?? 600;
  const bins = histogramOf(gaps, step);
  const most = Math.max(...bins);
  const barWidth = plot / bins.length;
  const every = Math.ceil(bins.length / 10);
  return [
    text("Seconds without", { class: "head", x: 16, y: y + 14 }),
    text("kube-proxy", { class: "head", x: 16, y: y + 30 }),
    text(`${most} nodes`, { class: "quiet end", x: left - 8, y: y + 10 }),
    ...bins.map((count, index) =>
      element("rect", {
        class: "new",
        x: left + index * barWidth + 1,
        y: y + barsHeight - (count / most) * barsHeight,
        width: Math.max(1, barWidth - 2),
        height: (count / most) * barsHeight,
      }),
    ),
    ...bins.flatMap((_, index) =>
      index % every === 0
        ? [
            text(String(Number((index * step).toFixed(1))), {
              class: "quiet",
              x: left + index * barWidth,
              y: y + barsHeight + 16,
            }),
          ]
        : [],
    ),
  ];
}
