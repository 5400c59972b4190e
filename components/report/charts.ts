/** Small pictures of numbers: how durations are spread, and how one number went from report to report. */
import { scaleLinear } from "d3-scale";
import { short, svg } from "./course.ts";
import type { Spread } from "./figures.ts";
import { axis } from "./picture.ts";
import { element, text } from "./svg.ts";
import { count, counted, duration } from "./words.ts";

const size = { width: 480, height: 190 };
const [left, right, top, bottom] = [44, 16, 34, 156];

/** How durations are spread: how many nodes took how long, with the median and the 99th percentile marked. */
export function histogram(title: string, durations: readonly number[], spread: Spread): string {
  const scale = scaleLinear([0, Math.max(0.1, spread.longest)], [left, size.width - right]).nice(24);
  const edges = scale.ticks(24);
  const width = (edges[1] ?? 1) - (edges[0] ?? 0);
  const bins = new Map<number, number>();
  for (const each of durations) {
    const bin = Math.min(edges.length - 2, Math.floor(each / width));
    bins.set(bin, (bins.get(bin) ?? 0) + 1);
  }
  const level = scaleLinear([0, Math.max(...bins.values())], [bottom, top + 10]).nice(4);
  const bars = [...bins].map(([bin, nodes]) => {
    const x = scale(bin * width);
    // One node of thousands is to be seen.
    const height = Math.max(1.5, bottom - level(nodes));
    return element("rect", {
      class: "new",
      x: x + 0.5,
      y: bottom - height,
      width: scale((bin + 1) * width) - x - 1,
      height,
    });
  });
  const mark = (name: string, value: number, y: number) => {
    const [x, isLeft] = [scale(value), scale(value) > size.width * 0.7];
    return [
      element("line", { class: "edge", x1: x, y1: y - 9, x2: x, y2: bottom }),
      text(`${name} ${duration(value)}`, { class: isLeft ? "end" : "start", x: isLeft ? x - 4 : x + 4, y }),
    ];
  };
  return svg(
    {
      ...size,
      label: `${title}: median ${duration(spread.median)}, 99 % within ${duration(spread.p99)}, longest ${duration(spread.longest)}`,
      kind: "half",
    },
    text(title, { class: "head", x: 4, y: 14 }),
    ...axis(scale.ticks(6), scale, [top, bottom], (value) => `${value} s`),
    ...level
      .ticks(3)
      .filter(Number.isInteger)
      .map((value) => text(count(value), { class: "quiet end", x: left - 6, y: level(value) + 4 })),
    ...bars,
    ...mark("median", spread.median, top),
    ...mark("99 %", spread.p99, top + 14),
    text("nodes by seconds", { class: "quiet end", x: size.width - 4, y: size.height - 2 }),
  );
}

/** Numbers of reports, the oldest first, as bars; the last one is this report's. Null is no bar. */
export function sparkline(
  name: string,
  values: readonly (number | null)[],
  shown: (value: number) => string,
): string {
  const most = Math.max(...values.map((value) => value ?? 0)) || 1;
  const label = values.map((value) => (value === null ? "none" : shown(value))).join(", ");
  const bars = values.map((value, index) => {
    const height = value === null ? 0 : Math.max(1, (value / most) * 22);
    const kind = index === values.length - 1 ? "new" : "old";
    return element("rect", { class: kind, x: index * 12, y: 24 - height, width: 10, height });
  });
  const width = values.length * 12;
  return svg(
    {
      width,
      height: 24,
      label: short(`${name} of ${counted(values.length, "report")}: ${label}`, 200),
      kind: "spark",
    },
    ...bars,
  );
}
