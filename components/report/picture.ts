/** What the pictures of restarts share: colours, signs, bars and the axis. */
import { element, strokes, text } from "./svg.ts";

/** Height of a lane, and of the bar on it, in pixels. */
export const row = 20;
const bar = 12;

/** Places a moment, or another number, on the picture. */
export type Scale = (value: number) => number;

/** Colours by class, in the light and the dark theme of who looks; shapes alone tell as much. */
const colours: readonly (readonly [selector: string, property: string, light: string, dark: string])[] = [
  [".card", "fill", "#ffffff", "#0d1117"],
  [".card", "stroke", "#d0d7de", "#30363d"],
  ["text", "fill", "#1f2328", "#e6edf3"],
  ["text.quiet", "fill", "#59636e", "#9198a1"],
  [".grid", "stroke", "#d8dee4", "#21262d"],
  [".edge", "stroke", "#59636e", "#9198a1"],
  [".old", "fill", "#c4ccd4", "#3d444d"],
  [".new", "fill", "#54aeff", "#1f6feb"],
  [".helper", "fill", "#f4b183", "#9a5b13"],
  [".up", "fill", "#b6a1f0", "#6e56b8"],
  [".answered", "stroke", "#2da44e", "#3fb950"],
  ["path.failed", "stroke", "#cf222e", "#ff7b72"],
  ["text.failed", "fill", "#cf222e", "#ff7b72"],
  [".sync", "fill", "#bf8700", "#e3b341"],
  [".hatch", "stroke", "#8c959f", "#6e7681"],
];

/** Rules that choose between what is light and what is dark. */
export type Rules = (choose: (light: string, dark: string) => string) => string;

/** Rules for both themes of who looks; paper is light. */
export function themed(rules: Rules): string {
  return `${rules((light) => light)}
@media (prefers-color-scheme: dark) {
${rules((_, dark) => dark)}
}`;
}

/** Rules with the colours of all pictures. */
export const colourRules: Rules = (choose) =>
  colours
    .map(([selector, property, light, dark]) => `${selector} { ${property}: ${choose(light, dark)} }`)
    .join("\n");

/** How texts and lines of pictures look, whatever the theme. */
export const shapes = `
text { font: 12px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; stroke: none }
text.title { font-size: 15px; font-weight: 600 }
text.head { font-weight: 600 }
.end { text-anchor: end }
.middle { text-anchor: middle }
path, line { fill: none }
.sync { stroke: none }
.grid, .hatch { stroke-width: 1 }
.answered { stroke-width: 1.5 }
.failed { stroke-width: 2 }
`;

/** Marks a time without kube-proxy, whatever colours there are. */
export const hatch = element(
  "pattern",
  { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
  element("line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 6 }),
);

/** A bar on the lane that begins at `y`, of the class `kind`. */
export function box(kind: string, [from, to]: readonly [number, number], y: number): string {
  const height = { y: y + (row - bar) / 2, width: to - from, height: bar, rx: 2 };
  return element("rect", { class: kind, x: from, ...height });
}

/** A hatched place, `height` high from `y` on. */
export function hatched([from, to]: readonly [number, number], y: number, height: number): string {
  return element("rect", { fill: "url(#hatch)", x: from, y, width: to - from, height });
}

/** The sign of synced rules, around a point: filled, or by the class `seen` hollow. */
export function diamond(x: number, y: number, kind = "sync"): string {
  return element("path", { class: kind, d: `M${x.toFixed(1)} ${y - 6}l5 6l-5 6l-5 -6z` });
}

/** The sign of a pod that became Ready, on the lane that begins at `y`. */
export function edge(x: number, y: number): string {
  return element("path", { class: "edge", d: strokes([[x, y + 2, 0, row - 4]]) });
}

/** Lines from `top` to `bottom` at the values of `ticks`, each with what `label` says below. */
export function axis(
  ticks: readonly number[],
  scale: Scale,
  [top, bottom]: readonly [number, number],
  label: (tick: number) => string,
): string[] {
  return ticks.flatMap((tick) => {
    const x = scale(tick);
    return [
      element("line", { class: "grid", x1: x, y1: top, x2: x, y2: bottom }),
      text(label(tick), { class: "quiet middle", x, y: bottom + 16 }),
    ];
  });
}

/** Names with their signs, which are drawn from their left edge and their base line on, in rows up to `right`. */
export function legend(
  entries: readonly (readonly [string, (x: number, y: number) => string])[],
  [left, right]: readonly [number, number],
  top: number,
): string[] {
  let [x, y] = [left, top];
  return entries.flatMap(([name, sign]) => {
    const width = 44 + name.length * 6.4;
    if (x > left && x + width > right) [x, y] = [left, y + row];
    const drawn = [sign(x, y), text(name, { class: "quiet", x: x + 20, y })];
    x += width;
    return drawn;
  });
}
