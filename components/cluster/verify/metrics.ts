/** One line of a metrics page. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * The parts of a line, each read from where the one before it ends (`y`) and in one way only: a pattern for all of it
 * would try a long hostile line again from each of its letters.
 */
const parts = {
  name: /[A-Za-z_:][\w:]*/y,
  label: /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)",?/y,
  value: /[ \t]+(\S+)(?:[ \t]+-?\d+)?$/y,
};

/** Longest line that is read. Those of kube-proxy have about 100 letters. */
const longestLine = 2000;

const infinities: ReadonlyMap<string, number> = new Map([
  ["+Inf", Infinity],
  ["-Inf", -Infinity],
]);

/**
 * Reads the samples of a metrics page whose names are wanted; everything else is skipped, also what is no sample at
 * all: a page that lacks a wanted one is the reader's matter.
 *
 * @param text - Prometheus' text format, version 0.0.4
 * @param most - so many samples are read, and no more
 *
 * Source: the format as Prometheus documents it under "Exposition formats". A library would read the histograms as
 * well, which nobody here needs and which are most of the page.
 */
export function samplesOf(text: string, wanted: (name: string) => boolean, most = 1000): Sample[] {
  const samples: Sample[] = [];
  for (const row of text.split("\n")) {
    const sample = row.length > longestLine ? undefined : sampleOf(row.trimEnd(), wanted);
    if (sample !== undefined) samples.push(sample);
    if (samples.length >= most) break;
  }
  return samples;
}

function sampleOf(row: string, wanted: (name: string) => boolean): Sample | undefined {
  const name = matchAt(parts.name, row, 0)?.[0];
  if (name === undefined || !wanted(name)) return undefined;
  const labels: [string, string][] = [];
  let at = name.length;
  if (row[at] === "{") {
    at += 1;
    for (
      let found = matchAt(parts.label, row, at);
      found !== undefined;
      found = matchAt(parts.label, row, at)
    ) {
      const [all, label = "", value = ""] = found;
      labels.push([label, value.replace(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign))]);
      at += all.length;
    }
    if (row[at] !== "}") return undefined;
    at += 1;
  }
  const value = matchAt(parts.value, row, at)?.[1];
  return value === undefined
    ? undefined
    : { name, labels: Object.fromEntries(labels), value: infinities.get(value) ?? Number(value) };
}

function matchAt(pattern: RegExp, text: string, index: number): RegExpExecArray | undefined {
  pattern.lastIndex = index;
  return pattern.exec(text) ?? undefined;
}
