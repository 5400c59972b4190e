/** Two ways to the same end, measured in turn. */
export interface Comparison {
  readonly what: string;
  readonly unit: "ms" | "MB";
  /** Medians. */
  readonly ours: number;
  readonly theirs: number;
  /** What ours is compared with. */
  readonly against: string;
  /** ours / theirs. */
  readonly ratio: number;
  /** The ratio that is aimed at, at most; absent where there is no goal. */
  readonly goal?: number;
  /** Smallest and largest single values, ours and theirs. */
  readonly range: { readonly ours: readonly [number, number]; readonly theirs: readonly [number, number] };
}

interface Samples {
  readonly what: string;
  readonly unit: "ms" | "MB";
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  readonly against: string;
  readonly goal?: number;
}

/** Sums two series up. */
export function compare({ what, unit, ours, theirs, against, goal }: Samples): Comparison {
  const [a, b] = [median(ours), median(theirs)];
  return {
    what,
    unit,
    ours: round(a),
    theirs: round(b),
    against,
    ratio: round(a / b, 2),
    ...(goal !== undefined && { goal }),
    range: { ours: span(ours), theirs: span(theirs) },
  };
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle) - 1] ?? NaN)) / 2;
}

/** The comparisons as a text table. */
export function table(rows: readonly Comparison[]): string {
  const cells = rows.map(({ what, unit, ours, theirs, against, ratio, goal }) => [
    what,
    `${ours} ${unit}`,
    `${theirs} ${unit}`,
    `${ratio}x`,
    goal === undefined ? "" : `at most ${goal}x`,
    against,
  ]);
  return columns([["what", "this program", "compared", "ratio", "goal", "compared with"], ...cells]);
}

/** Rows of cells as text, in columns. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function span(values: readonly number[]): [number, number] {
  return [round(Math.min(...values)), round(Math.max(...values))];
}

function round(value: number, digits = 0): number {
  return Number(value.toFixed(digits));
}
