/** Pure: pieces of a page. */
import { escape, html } from "./svg.ts";

/** Signs beside colours, since not everybody tells these apart. */
const signs: Readonly<Record<string, readonly [sign: string, kind: string]>> = {
  ...{ succeeded: ["✓", "good"], proved: ["✓", "good"], done: ["✓", "good"], verified: ["✓", "good"] },
  failed: ["✗", "bad"],
  ...{ interrupted: ["!", "mind"], running: ["…", "mind"], excluded: ["–", "mind"], warn: ["!", "mind"] },
  ...{ waiting: ["○", "quiet"], unchanged: ["=", "quiet"] },
};

/** A text with the sign and the colour of a state. */
export function signed(state: string, text: string): string {
  const [sign, kind] = signs[state] ?? ["", "quiet"];
  return (
    html("span", { class: kind }, html("span", { class: "sign", "aria-hidden": "true" }, sign)) + escape(text)
  );
}

/** A number by which the page can be read by a program, too; a dash where there is none. */
export function number(id: string, value: number | null, unit = ""): string {
  if (value === null) return html("data", { id, value: "" }, "–");
  const digits = Number.isInteger(value) ? 0 : 1;
  return html("data", { id, value: String(value) }, `${value.toFixed(digits)}${unit}`);
}

/** A part of a page with a heading; empty where nothing is in it. */
export function section(heading: string, ...parts: readonly string[]): string {
  const body = parts.join("");
  return body === "" ? "" : html("section", {}, html("h2", {}, escape(heading)), body);
}

/** A text with a large letter at its beginning. */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
