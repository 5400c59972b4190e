/** Scrapes of real kube-proxies over time, in the notation of promtool's input series. */
import { everyName, metrics } from "../../components/monitoring/metrics.ts";

/** What was scraped of some nodes while something was wrong with one of them. */
export interface Recording {
  /** What was done to which node. */
  readonly what: string;
  readonly mode: string;
  readonly version: string;
  /** Seconds between two scrapes. */
  readonly interval: number;
  /** How many scrapes there are of each node. */
  readonly scrapes: number;
  /** The scrapes before which the fault was planted, and mended. */
  readonly planted: number;
  readonly mended: number;
  /** By node, then by series without the labels that a scrape adds: values as promtool expands them. */
  readonly nodes: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** One page of metrics; undefined where there was no answer. */
export type Page = string | undefined;

const times: readonly string[] = [metrics.processStart.name, metrics.lastSync.name, metrics.lastQueued.name];
const names = new Set(everyName());
/** Histograms whose buckets no rule reads, and which would be most of a recording. */
const bucketsOf = metrics.programmingDuration.name;

/**
 * Turns the pages of one node into series. Times count from `start`, since promtool's clock begins at 0.
 *
 * @param buckets - whether to keep those of the latency of network programming
 */
export function seriesOf(
  pages: readonly Page[],
  start: number,
  { buckets }: { readonly buckets: boolean },
): Record<string, string> {
  const scrapes = pages.map((page) => samplesIn(page ?? "", start, buckets));
  const all = [...new Set(scrapes.flatMap((scrape) => [...scrape.keys()]))].sort();
  const up = expanding(pages.map((page) => (page === undefined ? "0" : "1")));
  return Object.fromEntries([
    ["up", up],
    ...all.map((series) => [series, expanding(marked(scrapes.map((scrape) => scrape.get(series))))] as const),
  ]);
}

function samplesIn(page: string, start: number, buckets: boolean): Map<string, string> {
  const samples = new Map<string, string>();
  for (const line of page.split("\n")) {
    const [, series = "", name = "", value = ""] = /^(([a-z_]+)(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    const family = name.replace(/_(bucket|sum|count)$/, "");
    if (!names.has(name) && !names.has(family)) continue;
    if (name.endsWith("_bucket") && !(buckets && family === bucketsOf)) continue;
    const seconds = times.includes(name) ? Number(value) - start : Number(value);
    samples.set(series, String(Number(seconds.toFixed(3))));
  }
  return samples;
}

/** The lines of a page that are of the table's metrics. */
export function tablesOf(page: string): string {
  const isOfTable = (line: string): boolean => {
    const name = /^(?:# (?:HELP|TYPE) )?([a-z_]+)/.exec(line)?.[1] ?? "";
    return names.has(name) || names.has(name.replace(/_(bucket|sum|count)$/, ""));
  };
  return `${page.split("\n").filter(isOfTable).join("\n")}\n`;
}

/** A series that a scrape no longer has ends there, as Prometheus marks it. */
function marked(values: readonly (string | undefined)[]): string[] {
  return values.map((value, index) => value ?? (values[index - 1] === undefined ? "_" : "stale"));
}

/** `1 1 1 2` is `1x2 2`. */
export function expanding(values: readonly string[]): string {
  const runs: { value: string; more: number }[] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last?.value === value && value !== "stale") last.more += 1;
    else runs.push({ value, more: 0 });
  }
  return runs
    .map(({ value, more }) => {
      if (more === 0) return value;
      return value === "_" ? `_x${more + 1}` : `${value}x${more}`;
    })
    .join(" ");
}

/** The inverse of {@link expanding}: one value for each scrape. */
export function expanded(values: string): string[] {
  return values.split(" ").flatMap((token) => {
    const [, value = "", times] = /^(.+?)(?:x(\d+))?$/.exec(token) ?? [];
    if (times === undefined) return [value];
    return Array<string>(Number(times) + (value === "_" ? 0 : 1)).fill(value);
  });
}
