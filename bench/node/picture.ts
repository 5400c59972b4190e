/** Draws the course of a change: what each node's kube-proxy did, and how those fared who asked Services meanwhile. */
import {
  binMs,
  type Flow,
  type NodeTimeline,
  type ProxyTimeline,
  type Span,
  type Timeline,
} from "./behaviour.ts";
import {
  axis,
  box,
  colourRules,
  diamond,
  edge,
  hatch,
  hatched,
  legend,
  row,
  type Scale,
  shapes,
  themed,
} from "../../components/report/picture.ts";
import { type Attributes, element, strokes, text } from "../../components/report/svg.ts";

const width = 900;
const left = 205;
const right = 120;

const names: Readonly<Record<Flow, string>> = {
  "new tcp": "new TCP connections",
  "kept tcp": "long-lived TCP connections",
  "new udp": "UDP, new sockets",
  "kept udp": "UDP, long-lived sockets",
};

const style = `${shapes}${themed(colourRules)}
`;

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
    ...axis(ticksOf(shown), scale, [top, y], (ms) => `${ms / 1000} s`),
    ...bodies,
    ...legend(signs, [left, width], y + 46),
  )}\n`;
}

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
      ...node.closed.map(([from, to]) => hatched([scale(from), scale(to)], y + row + 6, lanes.length * row)),
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
          ...(ready === null ? [] : [edge(scale(ready), y)]),
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
  return {
    height: row,
    draw: (y) => [text(name, { x: 28, y: y + 14 }), ...syncs.map((at) => diamond(scale(at), y + row / 2))],
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

/** Whole seconds, as many as have place. */
function ticksOf([from, to]: Span): number[] {
  const step = 1000 * ([1, 2, 5, 10].find((each) => (to - from) / 1000 / each <= 15) ?? 30);
  return Array.from({ length: Math.floor(to / step) + 1 }, (_, index) => index * step);
}

const signs: Parameters<typeof legend>[0] = [
  [
    "answered",
    (x, y) =>
      element("path", { class: "answered", d: strokes([0, 5, 10].map((dx) => [x + dx, y - 8, 0, 8])) }),
  ],
  ["failed", (x, y) => element("path", { class: "failed", d: cross(x + 5, y - 4) })],
  ["no kube-proxy", (x, y) => hatched([x - 4, x + 14], y - 11, 14)],
  ["the pod is Ready", (x, y) => edge(x + 5, y - 14)],
  ["rules synced, for an IP family", (x, y) => diamond(x + 5, y - 4)],
];

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
