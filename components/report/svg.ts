/** Pure: writes SVG and HTML, as text: the one place where a text becomes part of a page. */

import { printable } from "../input/printable.ts";

/** Attributes of an element. */
export type Attributes = Readonly<Record<string, string | number>>;

/** An element with its children, which are elements again, or text by {@link text}. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(rounded(value))}"`);
  const opening = `<${name}${written.join("")}`;
  return children.length === 0 ? `${opening}/>` : `${opening}>${children.join("\n")}</${name}>`;
}

/** A line of text. */
export function text(content: string, attributes: Attributes): string {
  return element("text", attributes, escape(content));
}

/** Many straight lines, as one path: each from a point, by so much to the right and down. */
export function strokes(lines: readonly (readonly [number, number, number, number])[]): string {
  return lines.map(([x, y, dx, dy]) => `M${rounded(x)} ${rounded(y)}l${rounded(dx)} ${rounded(dy)}`).join("");
}

/** A tenth of a pixel is enough. */
function rounded(value: string | number): string {
  return typeof value === "number" ? String(Number(value.toFixed(1))) : value;
}

/** An element of HTML, which has an end also when it is empty, with its children as in {@link element}. */
export function html(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(rounded(value))}"`);
  return `<${name}${written.join("")}>${children.join("")}</${name}>`;
}

/** A text as part of SVG or HTML: whatever is in it stays text, and what is not seen, or turns its direction, is a space. */
export function escape(value: string): string {
  return printable(value).replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
