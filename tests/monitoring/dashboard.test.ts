/** No panel asks for what nobody exposes, every row is filled, and the file can be imported anywhere. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { dashboard, processMetrics, queries, rows } from "../../components/monitoring/dashboard.ts";
import {
  everyName,
  failureCounters,
  type Metric,
  metrics,
  type Mode,
} from "../../components/monitoring/metrics.ts";
import { recordingRules } from "../../components/monitoring/recordingRules.ts";
import { namesIn } from "./names.ts";

const pages = (["iptables", "nftables"] as const satisfies readonly Mode[]).map((mode) => ({
  mode,
  page: readFileSync(join(import.meta.dirname, "recorded", `${mode}.prom`), "utf8"),
}));
const recorded = new Set(recordingRules.map(({ record }) => record));
/** What Prometheus makes itself, and what kube-state-metrics has by its documentation. */
const ofOthers = ["up", "ALERTS", "kube_node_status_condition"];
const ofProcess: readonly string[] = Object.values(processMetrics);

/** The metric of the table that a series is of. */
function metricOf(series: string): Metric | undefined {
  return Object.values<Metric>(metrics).find(
    ({ name, type }) =>
      series === name || (type === "histogram" && new RegExp(`^${name}_(bucket|sum|count)$`).test(series)),
  );
}

suite("the dashboard", () => {
  test("no panel queries a name that no minor has", () => {
    const names = new Set(queries().flatMap(({ expr }) => namesIn(expr)));
    assert.ok(names.size > 10, [...names].join());
    for (const name of names) {
      if (recorded.has(name) || ofOthers.includes(name) || ofProcess.includes(name)) continue;
      const metric = metricOf(name);
      assert.ok(metric !== undefined && everyName().includes(metric.name), `${name} is in no table`);
      for (const { mode, page } of pages) {
        // A counter of failures is there from the first one on.
        if (metric.since[mode] === undefined || failureCounters.includes(metric)) continue;
        assert.match(page, new RegExp(`^${name}[{ ]`, "m"), `${name} was not recorded in mode ${mode}`);
      }
    }
  });

  test("every query names the variables that it uses, and no variable is without use", () => {
    const json = JSON.stringify(dashboard());
    const { templating } = dashboard() as { templating: { list: { name: string }[] } };
    const declared = templating.list.map(({ name }) => name);
    const used = [...json.matchAll(/\$\{?([a-z]\w*)/g)].map(([, name = ""]) => name);
    assert.deepEqual([...new Set(used)].sort(), declared.sort());
    for (const { expr } of queries()) assert.doesNotMatch(expr, /\$/);
  });

  test("no data source but the variable, and no id of somebody's Grafana", () => {
    const json = JSON.stringify(dashboard());
    const sources = [...json.matchAll(/"uid":"([^"]*)"/g)].map(([, uid]) => uid);
    assert.deepEqual([...new Set(sources)], ["kube-proxy-as-code", "${datasource}"]);
    assert.match(json, /"id":null/);
  });

  test("panels fill their rows and do not overlap", () => {
    const { panels } = dashboard() as {
      panels: { id: number; title: string; gridPos: { x: number; y: number; w: number; h: number } }[];
    };
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    for (const [index, { title, gridPos: a }] of panels.entries()) {
      assert.ok(a.x + a.w <= 24, title);
      for (const { title: other, gridPos: b } of panels.slice(index + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        assert.ok(apart, `${title} overlaps ${other}`);
      }
    }
    assert.ok(rows.every(({ panels: own }) => own.reduce((sum, { width }) => sum + width, 0) % 24 === 0));
  });
});
