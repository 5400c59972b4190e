/** Pure: what pictures of time have in common: colours, bars, marks, axis and legend. docs/pictures and reports use it. */
import { scaleUtc } from "d3-scale";
import { element, strokes, text } from "./svg.ts";

/** From a moment in milliseconds to the right, in pixels. */
export type Scale = (ms: number) => number;

/** Height of a row, and of the bar in it, in pixels. */
export const row = 20;
const bar = 12;

/** Colours by class, in the light and the dark theme of who looks; shapes alone tell as much. */
const colours: readonly (readonly [selector: string, property: string, light: string, dark: string])[] = [
  [".card", "fill", "#ffffff", "#0d1117"],
  [".card", "stroke", "#d0d7de", "#30363d"],
  ["svg text", "fill", "#1f2328", "#e6edf3"],
  ["svg text.quiet", "fill", "#59636e", "#9198a1"],
  [".grid", "stroke", "#d8dee4", "#21262d"],
  [".edge", "stroke", "#59636e", "#9198a1"],
  [".old", "fill", "#c4ccd4", "#3d444d"],
  [".new", "fill", "#54aeff", "#1f6feb"],
  [".unsynced", "fill", "#ffd8b5", "#7d4e1a"],
  [".helper", "fill", "#f4b183", "#9a5b13"],
  [".up", "fill", "#b6a1f0", "#6e56b8"],
  [".answered", "stroke", "#2da44e", "#3fb950"],
  ["path.failed", "stroke", "#cf222e", "#ff7b72"],
  ["svg text.failed", "fill", "#cf222e", "#ff7b72"],
  [".sync", "fill", "#bf8700", "#e3b341"],
  [".late", "stroke", "#bf8700", "#e3b341"],
  [".hatch", "stroke", "#8c959f", "#6e7681"],
];

/** The style of a picture, which holds in an SVG file and in a page. */
export const pictureStyle = `
svg text { font: 12px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; stroke: none }
svg text.title { font-size: 15px; font-weight: 600 }
svg text.head { font-weight: 600 }
.end { text-anchor: end }
.middle { text-anchor: middle }
path, line { fill: none }
.sync { stroke: none }
.grid, .hatch { stroke-width: 1 }
.answered, .late { stroke-width: 1.5 }
.failed { stroke-width: 2 }
${rules((light) => light)}
@media screen and (prefers-color-scheme: dark) {
${rules((_, dark) => dark)}
}
`;

function rules(choose: (light: string, dark: string) => string): string {
  return colours
    .map(([selector, property, light, dark]) => `${selector} { ${property}: ${choose(light, dark)} }`)
    .join("\n");
}

/** Marks a time without kube-proxy, whatever colours there are; once in a file, within `defs`. */
export const hatch = element(
  "pattern",
  { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
  element("line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 6 }),
);

/** A time without kube-proxy. */
export function gap([from, to]: readonly [number, number], y: number, height: number): string {
  return element("rect", { fill: "url(#hatch)", x: from, y, width: Math.max(0, to - from), height });
}

/** A bar in a row: `old`, `new`, `helper` or `up`. */
export function box(kind: string, [from, to]: readonly [number, number], y: number): string {
  return element("rect", {
    class: kind,
    x: from,
    y: y + (row - bar) / 2,
    width: Math.max(0, to - from),
    height: bar,
    rx: 2,
  });
}

/** That a pod has become Ready. */
export function readyMark(x: number, y: number): string {
  return element("path", { class: "edge", d: strokes([[x, y + 2, 0, row - 4]]) });
}

/** That rules were synced: filled at the moment itself, hollow where it was then at the latest. */
export function syncMark(x: number, y: number, isExact = true): string {
  const d = `M${x.toFixed(1)} ${y + row / 2 - 6}l5 6l-5 6l-5 -6z`;
  return element("path", { class: isExact ? "sync" : "late", d });
}

/** An axis of time below a picture, with lines through it. Moments are in milliseconds from 0. */
export function axis(
  [from, to]: readonly [number, number],
  scale: Scale,
  [top, bottom]: readonly [number, number],
): string[] {
  const ticks = scaleUtc([from, to], [0, 1]).ticks(12);
  return ticks
    .map((tick) => tick.getTime())
    .filter((ms) => ms >= Math.min(0, from) && ms % 1000 === 0)
    .flatMap((ms) => {
      const x = scale(ms);
      return [
        element("line", { class: "grid", x1: x, y1: top, x2: x, y2: bottom }),
        text(tickName(ms), { class: "quiet middle", x, y: bottom + 16 }),
      ];
    });
}

/** `7 s`, `2:30`, `1:02:30`. */
function tickName(ms: number): string {
  const total = Math.round(ms / 1000);
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  if (hours > 0) return `${hours}:${two(minutes)}:${two(seconds)}`;
  return minutes > 0 ? `${minutes}:${two(seconds)}` : `${seconds} s`;
}

/** What a mark of a legend is drawn by: at its left, on the line of its text. */
export type Entry = readonly [name: string, draw: (x: number, y: number) => string];

/** The entries that all pictures of nodes have. */
export const entries = {
  gap: ["no kube-proxy", (x, y) => gap([x - 4, x + 14], y - 11, 14)],
  ready: ["the pod is Ready", (x, y) => readyMark(x + 5, y - 14)],
} as const satisfies Readonly<Record<string, Entry>>;

/** A legend in a line. */
export function legend(all: readonly Entry[], left: number, y: number): string[] {
  let x = left;
  return all.flatMap(([name, draw]) => {
    const drawn = [draw(x, y), text(name, { class: "quiet", x: x + 20, y })];
    x += 44 + name.length * 6.4;
    return drawn;
  });
}
