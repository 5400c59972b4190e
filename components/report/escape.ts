import { printable } from "../input/printable.ts";

/** A text for HTML or SVG, as content or in a quoted attribute: nothing of it can begin an element or end an attribute. */
export function escape(text: string): string {
  return printable(text).replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
