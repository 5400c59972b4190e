/** Draws what Prometheus has seen of two nodes while an alert fired and ended. */
import { axis, colourRules, legend, type Rules, shapes, themed } from "../../components/report/picture.ts";
import { type Attributes, element, text } from "../../components/report/svg.ts";

/** Seconds since the beginning, and a value. */
type Point = readonly [at: number, value: number];

/** Samples from Prometheus' API. Every time is in seconds since the beginning. */
export interface AlertRecording {
  /** Name of the alert. */
  readonly alert: string;
  /** The node that it is of. */
  readonly node: string;
  /** Releases of Prometheus and kube-proxy. */
  readonly prometheus: string;
  readonly version: string;
  /** Seconds between two scrapes. */
  readonly interval: number;
  readonly planted: number;
  readonly mended: number;
  readonly ended: number;
  /** When it was pending, and when it fired: each evaluation. */
  readonly pending: readonly number[];
  readonly firing: readonly number[];
  /** By node: how many seconds ago rules were last synced, and a sync last asked for. */
  readonly nodes: Readonly<
    Record<string, { readonly synced: readonly Point[]; readonly queued: readonly Point[] }>
  >;
}

const width = 900;
const left = 84;
const right = 20;
const chart = 110;
const lane = 26;

/** Colours beside those of all pictures; dashes and words tell as much. */
const ownColours: Rules = (choose) => `${colourRules(choose)}
path.synced { stroke: ${choose("#0969da", "#4493f8")} }
path.queued { stroke: ${choose("#bf5700", "#e3b341")} }
.pending { fill: ${choose("#f2d58a", "#6b4e00")} }
.firing { fill: ${choose("#f5a3a6", "#8e1519")} }`;

const style = `${shapes}path.synced { stroke-width: 2 }
path.queued { stroke-width: 2; stroke-dasharray: 3 3 }
.edge { stroke-dasharray: 6 3 }
${themed(ownColours)}
`;

/**
 * Draws a recording.
 *
 * @returns an SVG file; the same one for the same recording
 */
export function draw(recording: AlertRecording): string {
  const { alert, node, interval, prometheus, version, nodes, planted, mended, ended } = recording;
  const x = (at: number): number => left + (at / ended) * (width - left - right);
  const title = `${alert} of ${node}: nothing syncs there, somebody mends it, the alert ends`;
  const subtitle = `kube-proxy ${version}, scraped by Prometheus ${prometheus} every ${interval} s. Samples from its API, not a screenshot of Grafana.`;
  const all = Object.values(nodes).flatMap(({ synced, queued }) => [...synced, ...queued]);
  const most = Math.ceil(Math.max(...all.map(([, value]) => value)) / 120) * 120;
  const top = 84;
  const bodies: string[] = [];
  let y = top;
  for (const [name, { synced, queued }] of Object.entries(nodes)) {
    const from = y + 26;
    const scale = (value: number): number => from + chart - (value / most) * chart;
    bodies.push(
      text(`Node ${name}`, { class: "head", x: 16, y: y + 14 }),
      ...[0, most / 2, most].flatMap((value) => [
        element("line", { class: "grid", x1: left, y1: scale(value), x2: width - right, y2: scale(value) }),
        text(minutes(value), { class: "quiet end", x: left - 6, y: scale(value) + 4 }),
      ]),
      // The dashes last: where both are the same, both are seen.
      element("path", { class: "synced", d: line(synced, x, scale) }),
      element("path", { class: "queued", d: line(queued, x, scale) }),
    );
    y = from + chart + 14;
  }
  bodies.push(text("alert", { x: 16, y: y + 16 }), ...states(recording, x, y));
  y += lane + 8;
  const height = y + 58;
  const root: Attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    ...{ width, height, viewBox: `0 0 ${width} ${height}`, role: "img" },
    "aria-label": `${title}. ${subtitle}`,
  };
  const marks = [
    ["fault", planted],
    ["mended", mended],
  ] as const;
  return `${element(
    "svg",
    root,
    element("style", {}, style),
    element("rect", { class: "card", x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 6 }),
    text(title, { class: "title", x: 16, y: 28 }),
    text(subtitle, { class: "quiet", x: 16, y: 47 }),
    ...axis(ticks(ended), x, [top, y], minutes),
    ...bodies,
    ...marks.flatMap(([name, at]) => [
      element("line", { class: "edge", x1: x(at), y1: top - 8, x2: x(at), y2: y }),
      text(name, { class: "middle", x: x(at), y: top - 13 }),
    ]),
    ...legend(entries, [left, width], y + 42),
  )}\n`;
}

function states(
  { pending, firing, interval, ended }: AlertRecording,
  x: (at: number) => number,
  y: number,
): string[] {
  return Object.entries({ pending, firing }).flatMap(([name, times]) => {
    const [first, last] = [times[0], times.at(-1)];
    if (first === undefined || last === undefined) return [];
    const until = Math.min(last + interval, ended);
    return [
      element("rect", {
        class: name,
        x: x(first),
        y: y + 2,
        width: x(until) - x(first),
        height: lane - 4,
        rx: 2,
      }),
      text(`${name}, ${minutes(until - first)}`, {
        class: "middle",
        x: (x(first) + x(until)) / 2,
        y: y + 17,
      }),
    ];
  });
}

/** Points as one path, from left to right. */
function line(points: readonly Point[], x: (at: number) => number, y: (value: number) => number): string {
  return points
    .map(([at, value], index) => `${index === 0 ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`)
    .join("");
}

function ticks(ended: number): number[] {
  return Array.from({ length: Math.floor(ended / 60) + 1 }, (_, minute) => minute * 60);
}

const entries: Parameters<typeof legend>[0] = (
  [
    ["synced", "time since rules were last synced (IPv4)"],
    ["queued", "time since a sync was last asked for"],
  ] as const
).map(([name, words]) => [words, (x, y) => element("path", { class: name, d: `M${x - 10} ${y - 4}l26 0` })]);

function minutes(seconds: number): string {
  const whole = Math.round(seconds);
  const rest = String(whole % 60).padStart(2, "0");
  return `${Math.floor(whole / 60)}:${rest} min`;
}
