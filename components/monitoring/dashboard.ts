/** The dashboard for Grafana: the fleet first, then what goes wrong with a node, and which one it is. */
import { programmingObjective } from "./alerts.ts";
import { metrics } from "./metrics.ts";
import { recorded } from "./recordingRules.ts";

/** What every Go process tells of itself by Prometheus' own client library, kube-proxy among them. */
export const processMetrics = {
  memory: "process_resident_memory_bytes",
  cpu: "process_cpu_seconds_total",
} as const;

/** What a query shows, by its labels. */
interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** A panel; the width of a row is 24. */
interface Panel {
  readonly title: string;
  readonly type: "stat" | "timeseries" | "bargauge";
  readonly width: number;
  readonly unit: string;
  /** What it means, and what it needs. */
  readonly description: string;
  readonly queries: readonly Query[];
  /** From here on it is red, with a line. */
  readonly bad?: number;
}

/** A row of panels under a title. */
interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const scraped = '{job="$job"}';
const chosen = '{job="$job", node=~"$node"}';
const one = '{node=~"$node"}';
const ofMode = '{mode=~"$mode"}';
const ready = 'max by (node) (kube_node_status_condition{condition="Ready", status="true"} == 1)';
const byMode = `* on (daemonset, node) group_left (mode) ${recorded.mode}${ofMode}`;

const [synced, queued, started] = [metrics.lastSync, metrics.lastQueued, metrics.processStart].map(
  ({ name }) => name + chosen,
);

/** A quantile of how long syncs took, of the buckets that are left when summed by labels. */
function syncQuantile(quantile: number, labels: string, of: string): string {
  return `histogram_quantile(${quantile}, sum by (${labels}, le) (${of})) >= 0`;
}

const syncBuckets = `rate(${metrics.syncDuration.name}_bucket${chosen}[$__rate_interval])`;
const byNode = "{{node}}";

/** Every row, in its order. */
export const rows: readonly Row[] = [
  {
    title: "Fleet",
    panels: [
      {
        title: "Nodes whose kube-proxy answers",
        ...{ type: "stat", width: 4, unit: "none" },
        description: "Targets whose metrics can be read.",
        queries: [{ expr: `count(up${scraped} == 1) or vector(0)`, legend: "answer" }],
      },
      {
        title: "Do not answer",
        ...{ type: "stat", width: 4, unit: "none", bad: 1 },
        description: "Targets whose metrics cannot be read.",
        queries: [{ expr: `count(up${scraped} == 0) or vector(0)`, legend: "do not answer" }],
      },
      {
        title: "Ready nodes without kube-proxy",
        ...{ type: "stat", width: 4, unit: "none", bad: 1 },
        description:
          "Ready nodes of which no kube-proxy answers. Needs kube-state-metrics; empty without it.",
        queries: [
          {
            expr: `count(${ready}) - (count(${ready} and on (node) up${scraped} == 1) or vector(0))`,
            legend: "without",
          },
        ],
      },
      {
        title: "Alerts that fire",
        ...{ type: "bargauge", width: 12, unit: "none", bad: 1 },
        description: "By name: on how many nodes. Empty is good.",
        queries: [
          {
            expr: 'count by (alertname) (ALERTS{alertname=~"KubeProxy.*", alertstate="firing"})',
            legend: "{{alertname}}",
          },
        ],
      },
      {
        title: "Nodes by mode",
        ...{ type: "timeseries", width: 12, unit: "none" },
        description: "A mode is told after the first sync, by series that it alone sets.",
        queries: [
          { expr: `sum by (mode) (${recorded.modeNodes}${ofMode})`, legend: "{{mode}}" },
          {
            expr: `count(up${scraped} == 1) - (count(group by (node) (${recorded.mode})) or vector(0))`,
            legend: "not told",
          },
        ],
      },
      {
        title: "Nodes by version",
        ...{ type: "timeseries", width: 12, unit: "none" },
        description: "Releases of kube-proxy that run.",
        queries: [
          {
            expr: `sum by (major, minor) (${recorded.minorNodes})`,
            legend: "{{major}}.{{minor}}",
          },
        ],
      },
    ],
  },
  {
    title: "Syncs",
    panels: [
      {
        title: "Behind: the last sync against the last one that was asked for",
        ...{ type: "timeseries", width: 12, unit: "s" },
        description: "0 where the last sync came after it was asked for. The ten that are furthest behind.",
        queries: [{ expr: `topk(10, max by (node) (clamp_min(${queued} - ${synced}, 0)))`, legend: byNode }],
      },
      {
        title: "No sync has ended, although one is due, since",
        ...{ type: "timeseries", width: 12, unit: "s" },
        description: "What alert KubeProxyRulesNotSynced looks at. Empty is good.",
        queries: [{ expr: `max by (node) (${recorded.pending}${one})`, legend: byNode }],
      },
      {
        title: "Age of the last sync, and of the last one that was asked for",
        ...{ type: "timeseries", width: 12, unit: "s" },
        description:
          "The oldest of the chosen nodes. Without changes both grow together; where only the first grows, rules are stale.",
        queries: [
          { expr: `max(time() - ${synced})`, legend: "synced" },
          { expr: `max(time() - ${queued})`, legend: "asked for" },
        ],
      },
      {
        title: "Failures within 5 minutes",
        ...{ type: "timeseries", width: 12, unit: "none" },
        description: "Syncs that did not reach the kernel. Empty is good.",
        queries: [{ expr: `sum by (node) (${recorded.failures}${one}) > 0`, legend: byNode }],
      },
      {
        title: "How long a sync takes, by mode",
        ...{ type: "timeseries", width: 12, unit: "s" },
        description: "The median and the 99th percentile.",
        queries: [0.5, 0.99].map((quantile) => ({
          expr: syncQuantile(quantile, "mode", `${syncBuckets} ${byMode}`),
          legend: `{{mode}} p${quantile * 100}`,
        })),
      },
      {
        title: "How long a sync takes, by node",
        ...{ type: "timeseries", width: 12, unit: "s" },
        description: "The ten nodes with the highest 99th percentile.",
        queries: [{ expr: `topk(10, ${syncQuantile(0.99, "node", syncBuckets)})`, legend: byNode }],
      },
    ],
  },
  {
    title: "Restarts",
    panels: [
      {
        title: "Processes started",
        ...{ type: "timeseries", width: 8, unit: "none" },
        description: "Kube-proxies that have started within 5 minutes.",
        queries: [{ expr: `count(time() - ${started} < 300) or vector(0)`, legend: "started" }],
      },
      {
        title: "Age of processes",
        ...{ type: "timeseries", width: 8, unit: "s" },
        description: "The youngest and the oldest: a restart that has ended leaves no old one.",
        queries: [
          { expr: `min(time() - ${started})`, legend: "youngest" },
          { expr: `max(time() - ${started})`, legend: "oldest" },
        ],
      },
      {
        title: "First sync after a start",
        ...{ type: "timeseries", width: 8, unit: "s" },
        description: "How long it took from the start: the slowest, the median, and the median of 7 days.",
        queries: [
          { expr: `max(${recorded.firstSync}${one})`, legend: "slowest" },
          { expr: `max(${recorded.medianFirstSync})`, legend: "median" },
          { expr: `max(${recorded.usualFirstSync})`, legend: "usual" },
        ],
      },
    ],
  },
  {
    title: "Latency of network programming",
    panels: [
      {
        title: "From a change of endpoints until its rules are synced",
        ...{ type: "timeseries", width: 24, unit: "s", bad: programmingObjective },
        description: `The 99th percentile of nodes' 99th percentiles; the line is the objective of ${programmingObjective} s. Kubernetes' SLO looks at a day.`,
        queries: [
          { expr: recorded.clusterProgramming, legend: "5 minutes" },
          { expr: recorded.clusterDayProgramming, legend: "a day" },
        ],
      },
    ],
  },
  {
    title: "Slowest nodes",
    panels: [
      {
        title: "Changes arrive latest",
        ...{ type: "bargauge", width: 8, unit: "s", bad: programmingObjective },
        description: "By the 99th percentile of the latency of network programming, in 5 minutes.",
        queries: [{ expr: `topk(20, ${recorded.programming}${one})`, legend: byNode }],
      },
      {
        title: "Syncs take longest",
        ...{ type: "bargauge", width: 8, unit: "s" },
        description: "By the mean since their start.",
        queries: [
          {
            expr: `topk(20, max by (node) (${metrics.syncDuration.name}_sum${chosen} / ${metrics.syncDuration.name}_count${chosen}))`,
            legend: byNode,
          },
        ],
      },
      {
        title: "First syncs took longest",
        ...{ type: "bargauge", width: 8, unit: "s" },
        description: "Told until the second sync.",
        queries: [{ expr: `topk(20, ${recorded.firstSync}${one})`, legend: byNode }],
      },
    ],
  },
  {
    title: "Processes",
    panels: [
      {
        title: "Memory",
        ...{ type: "timeseries", width: 12, unit: "bytes" },
        description: "Of the ten that have most, and the median.",
        queries: [
          { expr: `topk(10, max by (node) (${processMetrics.memory}${chosen}))`, legend: byNode },
          { expr: `quantile(0.5, ${processMetrics.memory}${chosen})`, legend: "median" },
        ],
      },
      {
        title: "CPUs",
        ...{ type: "timeseries", width: 12, unit: "none" },
        description: "Of the ten that use most, and the median.",
        queries: [
          {
            expr: `topk(10, max by (node) (rate(${processMetrics.cpu}${chosen}[$__rate_interval])))`,
            legend: byNode,
          },
          { expr: `quantile(0.5, rate(${processMetrics.cpu}${chosen}[$__rate_interval]))`, legend: "median" },
        ],
      },
    ],
  },
];

const datasource = { type: "prometheus", uid: "${datasource}" } as const;

/** A variable whose values are those of a label. */
function variable(name: string, label: string, query: string, multiple: boolean): object {
  return {
    ...{ name, label, type: "query", datasource, refresh: 2, sort: 1 },
    definition: query,
    query: { query, refId: name },
    // Not a list of every node: with thousands of them, each query would be as long.
    ...(multiple && {
      ...{ multi: true, includeAll: true, allValue: ".*" },
      current: { text: ["All"], value: ["$__all"] },
    }),
  };
}

function panel({ title, type, unit, description, queries, bad }: Panel): object {
  const steps = [
    { color: type === "stat" ? "text" : "blue", value: null },
    ...(bad === undefined ? [] : [{ color: "red", value: bad }]),
  ];
  const lines = {
    color: { mode: "palette-classic" },
    custom: {
      ...{ lineWidth: 1, fillOpacity: 5, showPoints: "never", axisSoftMin: 0 },
      thresholdsStyle: { mode: bad === undefined ? "off" : "dashed" },
    },
  };
  const legend = { displayMode: "list", placement: "bottom", showLegend: true };
  const reduceOptions = { calcs: ["lastNotNull"], fields: "", values: false };
  const options = {
    stat: { reduceOptions, colorMode: "value", graphMode: "none" },
    bargauge: { reduceOptions, displayMode: "basic", orientation: "horizontal", valueMode: "text" },
    timeseries: { legend, tooltip: { mode: "multi", sort: "desc" } },
  };
  const instant = type !== "timeseries";
  return {
    ...{ title, type, description, datasource },
    fieldConfig: {
      defaults: {
        ...{ unit, min: 0, thresholds: { mode: "absolute", steps } },
        ...(type === "timeseries" ? lines : { color: { mode: "thresholds" } }),
      },
      overrides: [],
    },
    options: options[type],
    targets: queries.map(({ expr, legend: legendFormat }, index) => ({
      ...{ refId: "ABC"[index], datasource, expr, legendFormat, instant, range: !instant },
    })),
  };
}

/** Rows one below another, the panels of each from left to right. */
function laidOut(): object[] {
  const all: object[] = [];
  let y = 0;
  const add = (what: object, x: number, w: number, h: number): void => {
    all.push({ id: all.length + 1, ...what, gridPos: { x, y, w, h } });
  };
  for (const { title, panels } of rows) {
    add({ type: "row", title, collapsed: false, panels: [] }, 0, 24, 1);
    y += 1;
    let [x, height] = [0, 0];
    for (const each of panels) {
      if (x + each.width > 24) {
        y += height;
        [x, height] = [0, 0];
      }
      const own = each.type === "timeseries" ? 8 : each.type === "stat" || title === "Fleet" ? 5 : 9;
      add(panel(each), x, each.width, own);
      x += each.width;
      height = Math.max(height, own);
    }
    y += height;
  }
  return all;
}

/** The dashboard, as Grafana imports it: its data source is a variable. */
export function dashboard(): object {
  return {
    ...{ id: null, uid: "kube-proxy-as-code", title: "kube-proxy", tags: ["kube-proxy", "kubernetes"] },
    ...{ schemaVersion: 41, version: 1, editable: true, graphTooltip: 1, timezone: "browser" },
    ...{ refresh: "1m", time: { from: "now-6h", to: "now" } },
    annotations: { list: [] },
    templating: {
      list: [
        { name: "datasource", label: "Data source", type: "datasource", query: "prometheus", refresh: 1 },
        variable("job", "Job", `label_values(${metrics.lastSync.name}, job)`, false),
        variable("mode", "Mode", `label_values(${recorded.mode}, mode)`, true),
        variable("node", "Node", `label_values(${recorded.mode}${ofMode}, node)`, true),
      ],
    },
    panels: laidOut(),
  };
}

/** Every query with what Grafana would put in for its variables. */
export function queries(): { panel: string; expr: string }[] {
  const values = { job: "kube-proxy", node: ".*", mode: ".*", __rate_interval: "5m" };
  return rows
    .flatMap(({ panels }) => panels)
    .flatMap(({ title, queries: own }) =>
      own.map(({ expr }) => ({
        panel: title,
        expr: Object.entries(values).reduce((text, [key, value]) => text.replaceAll(`$${key}`, value), expr),
      })),
    );
}
