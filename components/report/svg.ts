/** Writes SVG, as text. */
import { escape } from "./escape.ts";

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
export function rounded(value: string | number): string {
  return typeof value === "number" ? String(Number(value.toFixed(1))) : value;
}
