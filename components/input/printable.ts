/** What is printed: the one place that keeps somebody else's text from looking like this program's own. */

/** Controls, format signs (which turn the reading direction, or are not seen) and line separators. */
const unprintable = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;
const unprintables = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu;

/** A text as a part of one line: whatever could move a cursor, begin a line or hide letters becomes a space. */
export function printable(text: string): string {
  return text.replace(unprintables, " ");
}

/** Lines as one text, each {@link printable}: only between them does a new line begin. */
export function printableLines(lines: readonly string[]): string {
  return lines.map(printable).join("\n");
}

/** A value as JSON, {@link printable} and the same value when it is read. */
export function printableJson(value: unknown, indent?: number): string {
  return escapeJson(JSON.stringify(value, undefined, indent));
}

/** Writes what is unprintable in JSON by its number; between its texts JSON has no other controls than new lines. */
export function escapeJson(json: string): string {
  return json.replace(unprintable, (sign) => (sign === "\n" ? sign : escaped(sign)));
}

function escaped(sign: string): string {
  const units = Array.from({ length: sign.length }, (_, index) => sign.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

/** A word for a POSIX shell, in quotes where it needs them. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
