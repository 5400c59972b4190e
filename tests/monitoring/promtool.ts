/** Prometheus' own `promtool test rules`, run with rules and series made in a test. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { promtool } from "../../lab/prometheus.ts";
import { run } from "../../lab/tools.ts";
import { expanded, expanding, type Recording } from "./recording.ts";

/** A series as promtool reads it. */
export interface InputSeries {
  readonly series: string;
  readonly values: string;
}

/** Which alerts fire at a time, as `NAME NODE`, or as `NAME` where it is of no node. */
export interface Moment {
  /** Seconds since the first sample. */
  readonly at: number;
  readonly firing: readonly string[];
}

/** One case: what is there, and what fires when. */
export interface Case {
  readonly name: string;
  readonly interval: number;
  readonly series: readonly InputSeries[];
  readonly moments: readonly Moment[];
  /** What is recorded at a time, by an expression: the values of series. */
  readonly samples?: readonly { at: number; expr: string; expected: Readonly<Record<string, number>> }[];
  /** What an alert says at a time, when it fires once. */
  readonly texts?: readonly Text[];
}

/** The labels and annotations of an alert that fires. */
export interface Text {
  readonly at: number;
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What promtool said of some cases. */
export interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

const firing = 'count by (alertname, node) (ALERTS{alertstate="firing"})';

/** The exact shape that promtool reads. */
function testOf({ name, interval, series, moments, samples = [], texts = [] }: Case): object {
  return {
    name,
    interval: `${interval}s`,
    input_series: series,
    promql_expr_test: [
      ...moments.map(({ at, firing: names }) => ({
        expr: firing,
        eval_time: `${at}s`,
        exp_samples: names.map((one) => ({ labels: labelsOf(one), value: 1 })),
      })),
      ...samples.map(({ at, expr, expected }) => ({
        expr,
        eval_time: `${at}s`,
        exp_samples: Object.entries(expected).map(([labels, value]) => ({ labels, value })),
      })),
    ],
    alert_rule_test: texts.map(({ at, alert, labels, annotations }) => ({
      alertname: alert,
      eval_time: `${at}s`,
      exp_alerts: [{ exp_labels: labels, exp_annotations: annotations }],
    })),
  };
}

function labelsOf(one: string): string {
  const [alertname, node] = one.split(" ");
  return node === undefined ? `{alertname="${alertname}"}` : `{alertname="${alertname}", node="${node}"}`;
}

/** Runs cases against rules. */
export async function testRules(rules: string, cases: readonly Case[]): Promise<Outcome> {
  return inFolder(rules, (folder) => {
    const tests = { rule_files: ["rules.yaml"], evaluation_interval: "15s", tests: cases.map(testOf) };
    writeFileSync(join(folder, "tests.yaml"), stringify(tests, { lineWidth: 0 }));
    return ["test", "rules", "tests.yaml"];
  });
}

/** Whether Prometheus accepts rules at all. */
export async function checkRules(rules: string): Promise<Outcome> {
  return inFolder(rules, () => ["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"]);
}

async function inFolder(rules: string, prepare: (folder: string) => string[]): Promise<Outcome> {
  const file = await promtool(console.log);
  const folder = mkdtempSync(join(tmpdir(), "promtool-"));
  try {
    writeFileSync(join(folder, "rules.yaml"), rules);
    const args = prepare(folder);
    const { code, stdout, stderr } = await run({ file, args, env: process.env, cwd: folder });
    return { ok: code === 0, output: `${stdout}${stderr}` };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The labels that a scrape adds, as monitoring/podMonitor.yaml does. */
export function scrapedLabels(node: string, daemonset = "kube-proxy"): string {
  return `daemonset="${daemonset}", instance="${node}:10249", job="kube-proxy", node="${node}"`;
}

/** Puts the labels of a scrape into a series that may have some. */
export function scrapedSeries(series: string, node: string): string {
  const labels = scrapedLabels(node);
  return series.endsWith("}") ? series.replace(/\}$/, `, ${labels}}`) : `${series}{${labels}}`;
}

/**
 * A recording as input, in which the state before the fault is mended lasts longer than it was recorded for.
 *
 * @param hold - so many scrapes longer
 */
export function inputOf({ nodes, mended }: Recording, hold: number): InputSeries[] {
  return Object.entries(nodes).flatMap(([node, all]) =>
    Object.entries(all).map(([series, values]) => {
      const each = expanded(values);
      const held = each[mended - 1] ?? "_";
      each.splice(mended, 0, ...Array<string>(hold).fill(held === "stale" ? "_" : held));
      return { series: scrapedSeries(series, node), values: expanding(each) };
    }),
  );
}
