/** Draws the course of a change: what each node's kube-proxy did, and how those fared who asked Services meanwhile. */
import {
  binMs,
  type Flow,
  type NodeTimeline,
  type ProxyTimeline,
  type Span,
  type Timeline,
} from "./behaviour.ts";
import { type Attributes, element, strokes, text } from "./svg.ts";

const width = 900;
const left = 205;
const right = 120;
const row = 20;
const bar = 12;

const names: Readonly<Record<Flow, string>> = {
  "new tcp": "new TCP connections",
  "kept tcp": "long-lived TCP connections",
  "new udp": "UDP, new sockets",
  "kept udp": "UDP, long-lived sockets",
};

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

const style = `
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
${rules((light) => light)}
@media (prefers-color-scheme: dark) {
${rules((_, dark) => dark)}
}
`;

function rules(choose: (light: string, dark: string) => string): string {
  return colours
    .map(([selector, property, light, dark]) => `${selector} { ${property}: ${choose(light, dark)} }`)
    .join("\n");
}

/** A lane of the picture: what is on it, of this height. */
interface Lane {
  readonly height: number;
  draw(y: number): string[];
}

/**
 * Draws a timeline.
 *
 * @returns an SVG file; the same one for the same timeline
 */
export function draw(timeline: Timeline): string {
  const { title, mode, shown, tookMs, nodes } = timeline;
  const scale = scaleOf(shown);
  const all = nodes.flatMap(({ lanes }) => lanes);
  const total = (key: "attempts" | "failed") => sum(all.flatMap((lane) => lane[key]));
  const plain = title.replaceAll("`", "");
  const heading = plain.charAt(0).toUpperCase() + plain.slice(1);
  const subtitle = `Mode ${mode}. ${total("failed")} of ${total("attempts")} questions to Services failed.`;
  const lanes: Lane[] = [upLane(tookMs, scale), ...nodes.flatMap((node) => nodeLanes(node, scale, shown))];
  const top = 62;
  const bodies: string[] = [];
  let y = top;
  for (const lane of lanes) {
    bodies.push(...lane.draw(y));
    y += lane.height;
  }
  const height = y + 62;
  const root: Attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": `${heading}. ${subtitle}`,
  };
  return `${element(
    "svg",
    root,
    element("style", {}, style),
    element("defs", {}, hatch),
    element("rect", { class: "card", x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 6 }),
    text(heading, { class: "title", x: 16, y: 28 }),
    text(subtitle, { class: "quiet", x: 16, y: 47 }),
    ...axis(shown, scale, [top, y]),
    ...bodies,
    ...legend(y + 46),
  )}\n`;
}

/** Marks a time without kube-proxy, whatever colours there are. */
const hatch = element(
  "pattern",
  { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
  element("line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 6 }),
);

type Scale = (ms: number) => number;

function scaleOf([from, to]: Span): Scale {
  return (ms) => left + ((ms - from) / (to - from)) * (width - left - right);
}

function upLane(tookMs: number, scale: Scale): Lane {
  const [from, to] = [scale(0), scale(tookMs)];
  return {
    height: row + 6,
    draw: (y) => [
      text("pulumi up", { x: 16, y: y + 14, class: "head" }),
      box("up", [from, to], y),
      text(seconds(tookMs), { class: "middle", x: (from + to) / 2, y: y + 14 }),
    ],
  };
}

function nodeLanes(node: NodeTimeline, scale: Scale, shown: Span): Lane[] {
  const places = node.from === undefined ? ["node", "pod"] : [node.from];
  const asked = places.map((place) => (place === "pod" ? "a pod on it" : "itself")).join(" and ");
  const lanes = [
    podLane(node, "kube-proxy", scale, shown),
    syncLane(node, "rules synced", scale),
    ...(node.helpers === undefined
      ? []
      : [
          podLane({ ...node.helpers, closed: [] }, "helper", scale, shown),
          syncLane(node.helpers, "its rules synced", scale),
        ]),
    ...node.lanes.map((own) => flowLane(own, scale, shown)),
  ];
  const header: Lane = {
    height: row + 6,
    draw: (y) => [
      text(`Node ${node.name}, asked from ${asked}`, { x: 16, y: y + 19, class: "head" }),
      // Beneath all that is on the lanes.
      ...node.closed.map(([from, to]) =>
        element("rect", {
          fill: "url(#hatch)",
          x: scale(from),
          y: y + row + 6,
          width: scale(to) - scale(from),
          height: lanes.length * row,
        }),
      ),
    ],
  };
  return [header, ...lanes];
}

function podLane(
  { pods, closed }: Pick<NodeTimeline, "pods" | "closed">,
  name: "kube-proxy" | "helper",
  scale: Scale,
  shown: Span,
): Lane {
  return {
    height: row,
    draw: (y) => [
      text(name, { x: 28, y: y + 14 }),
      ...pods.flatMap(({ created, ready, gone }) => {
        const ends = [scale(created ?? shown[0]), scale(gone ?? shown[1])] as const;
        const kind = name === "helper" ? name : created === null ? "old" : "new";
        // An old pod's name at its beginning, a new one's at its end: away from the moment between them.
        const [x, side] = kind === "old" ? [ends[0] + 6, "start"] : [ends[1] - 6, "end"];
        return [
          box(kind, ends, y),
          ...(ends[1] - ends[0] > 70 ? [text(`${kind} pod`, { class: side, x, y: y + 14 })] : []),
          ...(ready === null
            ? []
            : [element("path", { class: "edge", d: strokes([[scale(ready), y + 2, 0, row - 4]]) })]),
        ];
      }),
      ...closed
        .slice(-1)
        .map(([from, to]) =>
          text(`${seconds(to - from)} without`, { class: "quiet", x: width - right + 10, y: y + 14 }),
        ),
    ],
  };
}

function syncLane({ syncs }: ProxyTimeline, name: string, scale: Scale): Lane {
  const middle = row / 2;
  return {
    height: row,
    draw: (y) => [
      text(name, { x: 28, y: y + 14 }),
      ...syncs.map((at) =>
        element("path", { class: "sync", d: `M${scale(at).toFixed(1)} ${y + middle - 6}l5 6l-5 6l-5 -6z` }),
      ),
    ],
  };
}

function flowLane(
  { flow, attempts, failed }: NodeTimeline["lanes"][number],
  scale: Scale,
  [first]: Span,
): Lane {
  const at = (bin: number) => scale(first + (bin + 0.5) * binMs);
  const bins = [...attempts.keys()];
  const good = bins.filter((bin) => (attempts[bin] ?? 0) > (failed[bin] ?? 0));
  const bad = bins.filter((bin) => (failed[bin] ?? 0) > 0);
  const score = { class: sum(failed) > 0 ? "failed" : "quiet", x: width - right + 10 };
  return {
    height: row,
    draw: (y) => [
      text(names[flow], { x: 28, y: y + 14 }),
      element("path", { class: "answered", d: strokes(good.map((bin) => [at(bin), y + 6, 0, 8])) }),
      ...(bad.length === 0
        ? []
        : [element("path", { class: "failed", d: bad.map((bin) => cross(at(bin), y + row / 2)).join("") })]),
      text(`${sum(failed)} of ${sum(attempts)} failed`, { ...score, y: y + 14 }),
    ],
  };
}

function cross(x: number, y: number): string {
  return strokes([
    [x - 3, y - 6, 6, 12],
    [x + 3, y - 6, -6, 12],
  ]);
}

function axis(shown: Span, scale: Scale, [top, bottom]: readonly [number, number]): string[] {
  const step = [1, 2, 5, 10].find((each) => (shown[1] - shown[0]) / 1000 / each <= 15) ?? 30;
  const ticks = [];
  for (let second = 0; second * 1000 <= shown[1]; second += step) ticks.push(second);
  return ticks.flatMap((second) => {
    const x = scale(second * 1000);
    return [
      element("line", { class: "grid", x1: x, y1: top, x2: x, y2: bottom }),
      text(`${second} s`, { class: "quiet middle", x, y: bottom + 16 }),
    ];
  });
}

function legend(y: number): string[] {
  const entries: readonly (readonly [string, (x: number) => string])[] = [
    [
      "answered",
      (x) =>
        element("path", { class: "answered", d: strokes([0, 5, 10].map((dx) => [x + dx, y - 8, 0, 8])) }),
    ],
    ["failed", (x) => element("path", { class: "failed", d: cross(x + 5, y - 4) })],
    [
      "no kube-proxy",
      (x) => element("rect", { fill: "url(#hatch)", x: x - 4, y: y - 11, width: 18, height: 14 }),
    ],
    ["the pod is Ready", (x) => element("path", { class: "edge", d: strokes([[x + 5, y - 12, 0, 16]]) })],
    [
      "rules synced, for an IP family",
      (x) => element("path", { class: "sync", d: `M${x + 5} ${y - 10}l5 6l-5 6l-5 -6z` }),
    ],
  ];
  let x = left;
  return entries.flatMap(([name, sign]) => {
    const drawn = [sign(x), text(name, { class: "quiet", x: x + 20, y })];
    x += 44 + name.length * 6.4;
    return drawn;
  });
}

function box(kind: string, [from, to]: readonly [number, number], y: number): string {
  return element("rect", {
    class: kind,
    x: from,
    y: y + (row - bar) / 2,
    width: to - from,
    height: bar,
    rx: 2,
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
