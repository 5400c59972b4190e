/** One line of a metrics page. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const line = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?$/;
const label = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)",?/g;
const infinities: Readonly<Record<string, number>> = { "+Inf": Infinity, "-Inf": -Infinity };

/**
 * Reads the samples of a metrics page whose names are wanted; everything else is skipped, also what is no sample at
 * all: a page that lacks a wanted one is the reader's matter.
 *
 * @param text - Prometheus' text format, version 0.0.4
 *
 * Source: the format as Prometheus documents it under "Exposition formats". A library would read the histograms as
 * well, which nobody here needs and which are most of the page.
 */
export function samplesOf(text: string, wanted: (name: string) => boolean): Sample[] {
  const samples: Sample[] = [];
  for (const row of text.split("\n")) {
    const [, name, labels = "", value = ""] = (row.startsWith("#") ? null : line.exec(row.trimEnd())) ?? [];
    if (name !== undefined && wanted(name)) {
      samples.push({ name, labels: labelsOf(labels), value: infinities[value] ?? Number(value) });
    }
  }
  return samples;
}

const escapes: Readonly<Record<string, string>> = { n: "\n" };

function labelsOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(label)].map(([, name = "", value = ""]) => [
    name,
    value.replace(/\\(.)/g, (_, escaped: string) => escapes[escaped] ?? escaped),
  ]);
  return Object.fromEntries(pairs) as Record<string, string>;
}
