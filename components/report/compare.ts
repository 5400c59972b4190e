/** Pure: an update beside those before it. */
import { figuresOf } from "./figures.ts";
import { element, escape, html, strokes } from "./svg.ts";
import { signed } from "./text.ts";
import type { UpdateReport } from "./types.ts";

/** A number of a report by which it is compared. */
const compared = [
  ["Took", " s", (report: UpdateReport) => figuresOf(report).seconds],
  ["Nodes", "", (report: UpdateReport) => figuresOf(report).nodes],
  ["Longest without", " s", (report: UpdateReport) => figuresOf(report).gaps?.longest ?? null],
  ["Until synced", " s", (report: UpdateReport) => figuresOf(report).stale?.longest ?? null],
  ["Not verified", "", (report: UpdateReport) => figuresOf(report).failed],
] as const;

/** A table of an update and those before, the newest first, with the course of each number; empty where there are none. */
export function comparison(report: UpdateReport, earlier: readonly UpdateReport[]): string {
  if (earlier.length === 0) return "";
  const all = [...earlier, report];
  const header = ["When", "What", ...compared.map(([name]) => name)];
  const rows = all
    .toReversed()
    .map((one) =>
      html(
        "tr",
        one === report ? { class: "this" } : {},
        html("th", { scope: "row" }, escape(one.began.replace(/\.\d+Z$/, "Z"))),
        html("td", {}, signed(one.outcome, `${one.occasions.join(", ") || "update"}, ${one.token}`)),
        ...compared.map(([, unit, of]) => html("td", { class: "number" }, valueOf(of(one), unit))),
      ),
    );
  const courses = compared.map(([name, , of]) =>
    html("td", { class: "number" }, sparkline(name, all.map(of))),
  );
  return html(
    "div",
    { class: "wide" },
    html(
      "table",
      {},
      html("caption", {}, "This one first"),
      html(
        "thead",
        {},
        html(
          "tr",
          {},
          ...header.map((name, index) =>
            html("th", { scope: "col", ...(index > 1 && { class: "number" }) }, name),
          ),
        ),
      ),
      html(
        "tbody",
        {},
        ...rows,
        html("tr", {}, html("th", { scope: "row" }, "Course"), html("td", {}, ""), ...courses),
      ),
    ),
  );
}

function valueOf(value: number | null, unit: string): string {
  return value === null ? "–" : `${value.toFixed(Number.isInteger(value) ? 0 : 1)}${unit}`;
}

const [width, height] = [72, 18];

/** The oldest at the left; those that are not known are left out. */
function sparkline(name: string, values: readonly (number | null)[]): string {
  const most = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
  const bar = width / values.length;
  const bars = values.flatMap((value, index): [number, number, number, number][] =>
    value === null ? [] : [[(index + 0.5) * bar, height, 0, -Math.max(1, (value / most) * height)]],
  );
  return element(
    "svg",
    {
      ...{ class: "spark", width, height, viewBox: `0 0 ${width} ${height}`, role: "img" },
      "aria-label": `${name}: ${values.map((value) => valueOf(value, "")).join(", ")}`,
    },
    element("path", { class: "edge", "stroke-width": (bar * 0.7).toFixed(1), d: strokes(bars) }),
  );
}
