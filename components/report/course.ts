/** Draws the waves of an update with their nodes on a time axis. */
import { type ScaleLinear, scaleLinear } from "d3-scale";
import { isBare, nameOf, secondsOf, withoutOf } from "./figures.ts";
import { axis, box, diamond, edge, hatched, legend, row, type Scale } from "./picture.ts";
import { type Attributes, element, rounded, text } from "./svg.ts";
import type { NodeCourse, UpdateReport, WaveReport } from "./types.ts";
import { count, counted, duration } from "./words.ts";

const width = 1000;
const left = 190;
const right = 110;

/** More nodes than this are drawn as a density. */
export const mostRows = 60;

/** What a node has at a moment. */
type State = "old" | "bare" | "raw" | "new";

/** From the bottom of the density to its top. */
const states: readonly State[] = ["new", "raw", "bare", "old"];

const densityHeight = 200;
const stripHeight = 70;
const samples = 320;

/** The picture of the waves: up to {@link mostRows} nodes by name, more of them as a density. */
export function coursePicture(report: UpdateReport): string {
  const end = Math.max(1, secondsOf(report));
  const scale = scaleLinear([0, end], [left, width - right]);
  const nodes = report.waves.flatMap((wave) => wave.nodes);
  const isByName = nodes.length <= mostRows;
  const top = 8;
  let y = top;
  const bodies: string[] = [];
  for (const wave of report.waves) {
    bodies.push(...waveLane(wave, y, scale, end));
    y += row + 4;
    if (!isByName) continue;
    for (const course of wave.nodes) {
      bodies.push(...nodeLane(course, y, scale, end));
      y += row;
    }
    y += 6;
  }
  if (!isByName) {
    bodies.push(...density(nodes, y + 12, scale, end));
    y += densityHeight + stripHeight + 44;
  }
  const ticks = axis(scale.ticks(8), scale, [top, y], (second) => clock(second));
  return svg(
    {
      width,
      height: y + 66,
      label: `${counted(report.waves.length, "wave")} with ${counted(nodes.length, "node")} in ${duration(end)}`,
    },
    ...ticks,
    ...bodies,
    ...legend(signs(isByName), [left, width], y + 42),
  );
}

/** An SVG element of the page, whose styles are the page's. */
export function svg(
  { width, height, label, kind = "wide" }: { width: number; height: number; label: string; kind?: string },
  ...children: readonly string[]
): string {
  const root: Attributes = {
    class: kind,
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": label,
  };
  return element("svg", root, ...children);
}

/** Shortens what has no place on a picture. */
export function short(name: string, most = 24): string {
  const letters = Array.from(name);
  return letters.length <= most ? name : `${letters.slice(0, most - 1).join("")}…`;
}

function waveLane(wave: WaveReport, y: number, scale: Scale, end: number): string[] {
  const name = text(short(nameOf(wave)), { class: "head", x: 4, y: y + 14 });
  if (wave.began === null) return [name, text(wave.state, { class: "quiet", x: left + 6, y: y + 14 })];
  const ends = [scale(wave.began), scale(wave.ended ?? end)] as const;
  const took = duration((wave.ended ?? end) - wave.began);
  const words = { class: wave.state === "failed" ? "failed" : "quiet", x: width - right + 10, y: y + 14 };
  const isWide = ends[1] - ends[0] > 70;
  return [
    name,
    box("up", ends, y),
    ...(isWide ? [text(took, { class: "middle", x: (ends[0] + ends[1]) / 2, y: y + 14 })] : []),
    text(isWide ? wave.state : `${wave.state}, ${took}`, words),
  ];
}

function nodeLane(course: NodeCourse, y: number, scale: Scale, end: number): string[] {
  const { node, deleted, stopped, ready, synced, isExact } = course;
  const without = withoutOf(course);
  const goes = stopped ?? (ready === null ? end : Math.min(ready, end));
  const span = (from: number, to: number) => [scale(from), scale(Math.max(from, to))] as const;
  const comes = ready ?? end;
  const gap = course.oldPod === null ? ([0, comes] as const) : ([goes, comes] as const);
  return [
    text(short(node), { x: 16, y: y + 14 }),
    ...(course.oldPod === null ? [] : [box("old", span(0, goes), y)]),
    ...(deleted === null ? [] : [edge(scale(deleted), y)]),
    ...(gap[1] > gap[0] ? bareBox(span(...gap), y + 2, row - 4) : []),
    ...(ready === null ? [] : [box("raw", span(ready, synced ?? end), y)]),
    ...(synced === null
      ? []
      : [box("new", span(synced, end), y), diamond(scale(synced), y + row / 2, isExact ? "sync" : "seen")]),
    ...(isBare(course)
      ? [text("still without", { class: "failed", x: width - right + 10, y: y + 14 })]
      : without === null
        ? []
        : [text(`${duration(without)} without`, { class: "quiet", x: width - right + 10, y: y + 14 })]),
  ];
}

function bareBox([from, to]: readonly [number, number], y: number, height: number): string[] {
  return [
    element("rect", { class: "bare", x: from, y, width: to - from, height }),
    hatched([from, to], y, height),
  ];
}

/** What a node has at a moment. */
function stateAt({ oldPod, stopped, ready, synced }: NodeCourse, at: number): State {
  if (synced !== null && at >= synced) return "new";
  if (ready !== null && at >= ready) return "raw";
  return (stopped === null ? oldPod === null : at >= stopped) ? "bare" : "old";
}

/** How many nodes have what, on top of each other. */
function density(nodes: readonly NodeCourse[], top: number, scale: Scale, end: number): string[] {
  const moments = Array.from({ length: samples + 1 }, (_, index) => (index * end) / samples);
  const counts = moments.map((at) => {
    const numbers: Record<State, number> = { old: 0, bare: 0, raw: 0, new: 0 };
    for (const node of nodes) numbers[stateAt(node, at)]++;
    return numbers;
  });
  const level = scaleLinear([0, nodes.length], [top + densityHeight, top]);
  const below = moments.map(() => 0);
  const areas = states.flatMap((state) => {
    const lower = below.map((value, index) => point(scale(moments[index] ?? 0), level(value)));
    for (const [index, numbers] of counts.entries()) below[index] = (below[index] ?? 0) + numbers[state];
    const upper = below.map((value, index) => point(scale(moments[index] ?? 0), level(value)));
    const points = [...upper, ...lower.reverse()].join(" ");
    const area = element("polygon", { class: state, points });
    return state === "bare" ? [area, element("polygon", { fill: "url(#hatch)", points })] : [area];
  });
  const bare = counts.map((numbers, index) => [moments[index] ?? 0, numbers.bare] as const);
  return [
    ...areas,
    ...levelsOf(level, 4),
    text("nodes", { class: "quiet", x: 4, y: top + 12 }),
    ...strip(bare, top + densityHeight + 24, scale),
  ];
}

/** Those without kube-proxy once more on a scale of their own: of thousands they are a thin line. */
function strip(bare: readonly (readonly [number, number])[], top: number, scale: Scale): string[] {
  const bottom = top + stripHeight;
  const most = Math.max(1, ...bare.map(([, nodes]) => nodes));
  const level = scaleLinear([0, most], [bottom, top]).nice(3);
  const [first, last] = [bare[0]?.[0] ?? 0, bare.at(-1)?.[0] ?? 0];
  const points = [
    point(scale(first), bottom),
    ...bare.map(([at, nodes]) => point(scale(at), level(nodes))),
    point(scale(last), bottom),
  ].join(" ");
  return [
    element("polygon", { class: "bare", points }),
    element("polygon", { fill: "url(#hatch)", points }),
    ...levelsOf(level, 3),
    text("without kube-proxy", { class: "quiet", x: 4, y: top + 12 }),
  ];
}

function levelsOf(level: ScaleLinear<number, number>, most: number): string[] {
  const whole = level.ticks(most).filter(Number.isInteger);
  return whole.map((value) => text(count(value), { class: "quiet end", x: left - 8, y: level(value) + 4 }));
}

const point = (x: number, y: number) => `${rounded(x)},${rounded(y)}`;

function signs(isByName: boolean): Parameters<typeof legend>[0] {
  const swatch = (kind: string) => (x: number, y: number) => box(kind, [x - 4, x + 14], y - 14);
  const areas: Parameters<typeof legend>[0] = [
    ["old pod", swatch("old")],
    ["no kube-proxy", (x, y) => bareBox([x - 4, x + 14], y - 12, 14).join("")],
    ["new pod, rules not synced yet", swatch("raw")],
    ["new pod, rules synced", swatch("new")],
  ];
  if (!isByName) return areas;
  return [
    ...areas,
    ["old pod told to go", (x, y) => edge(x + 5, y - 14)],
    ["first sync, by the node", (x, y) => diamond(x + 5, y - 4)],
    ["seen to have synced", (x, y) => diamond(x + 5, y - 4, "seen")],
  ];
}

/** A moment on the axis. */
function clock(seconds: number): string {
  if (seconds < 60) return `${Number(seconds.toFixed(2))} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")} min`;
}
