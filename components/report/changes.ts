/** Pure: two configurations line by line. */
import { structuredPatch } from "diff";
import { escape, html } from "./svg.ts";

/** Lines around a change that are shown with it. */
const context = 2;

/** A change from one text to another, for people: empty where they are the same. */
export function changedLines(before: string, after: string): string {
  const { hunks } = structuredPatch("", "", before, after, undefined, undefined, { context });
  const kinds: Readonly<Record<string, string>> = { "+": "added", "-": "removed" };
  const lines = hunks.flatMap(({ lines: all, oldStart }, index) => [
    ...(index === 0 && oldStart <= 1 ? [] : [html("span", { class: "quiet" }, "…")]),
    ...all
      // What jsdiff says of a last line without an end is of no use here.
      .filter((line) => !line.startsWith("\\"))
      .map((line) => html("span", { class: kinds[line[0] ?? ""] ?? "same" }, escape(line))),
  ]);
  return lines.length === 0 ? "" : html("pre", {}, ...lines);
}
