import { printable } from "./printable.ts";

/** Writes rows below a heading, as lines whose columns begin one below the other. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  // Before they are counted: a sign that is not seen takes no room.
  const shown = rows.map((row) => row.map(printable));
  const widths = header.map((name, i) =>
    shown.reduce((most, row) => Math.max(most, (row[i] ?? "").length), name.length),
  );
  return [header, ...shown].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
