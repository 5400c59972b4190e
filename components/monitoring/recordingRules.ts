/** The recording rules: what one page of metrics cannot say, by node, mode and minor. */
import { failureCounters, metrics, type Mode, ownModeOnlySince } from "./metrics.ts";

/** A recording rule, as Prometheus reads it. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What scrapes of kube-proxy are selected by; `monitoring/podMonitor.yaml` gives them this, and labels `node` and `daemonset`. */
export const scraped = '{job="kube-proxy"}';

/** The names of what is recorded. */
export const recorded = {
  mode: "node:kubeproxy_mode:info",
  revision: "node:kubeproxy_revision:info",
  modeNodes: "mode:kubeproxy_nodes:count",
  minorNodes: "minor:kubeproxy_nodes:count",
  failures: "node:kubeproxy_sync_failures:increase5m",
  pending: "node:kubeproxy_sync_pending:seconds",
  unsynced: "node:kubeproxy_unsynced:seconds",
  firstSync: "node:kubeproxy_first_sync:seconds",
  medianFirstSync: "daemonset:kubeproxy_first_sync:median",
  usualFirstSync: "daemonset:kubeproxy_first_sync:median7d",
  programming: "node:kubeproxy_network_programming_seconds:p99_5m",
  clusterProgramming: "cluster:kubeproxy_network_programming_seconds:p99_5m",
  clusterDayProgramming: "cluster:kubeproxy_network_programming_seconds:p99_1d",
} as const;

const node = "by (daemonset, node)";
const { processStart, lastSync, lastQueued, buildInfo, iptablesRules, programmingDuration } = metrics;
const start = processStart.name + scraped;
const synced = lastSync.name + scraped;
const queued = lastQueued.name + scraped;
const syncs = `${metrics.syncDuration.name}_count${scraped}`;
const fullSyncs = `${metrics.fullSyncDuration.name}_count${scraped}`;
const build = buildInfo.name + scraped;

/** Matches the label `minor` of a release since that minor, with the `+` that some providers put behind it. */
function sinceMinor(minor: number): string {
  const tens = Math.floor(minor / 10);
  return `(${tens}[${minor % 10}-9]|[${tens + 1}-9][0-9]|[1-9][0-9]{2})[+]?`;
}

/**
 * How each mode is told: by the series that it alone sets. What has never synced is not told, since an iptables that fails
 * early looks like nftables; ipvs has no series of its own, so that only releases which leave out other modes' tell it.
 */
const signs: Readonly<Record<Mode, string>> = {
  iptables: `group ${node} (${iptablesRules.name}${scraped})`,
  nftables: `group ${node} (
  ${fullSyncs} > 0
  and on (instance) ${synced} != 0)
unless on (daemonset, node) ${iptablesRules.name}${scraped}`,
  ipvs: `group ${node} (
  ${syncs} > 0
  and on (instance) ${synced} != 0
  and on (instance) ${build.replace("}", `, minor=~"${sinceMinor(ownModeOnlySince)}"}`)})
unless on (daemonset, node) (${fullSyncs} > 0)`,
};

/** Series of kube-state-metrics about the pods of kube-proxy's DaemonSets. */
export const pods =
  'kube_pod_info{namespace="kube-system", created_by_kind="DaemonSet", created_by_name=~"kube-proxy.*"}';

const revision = `max by (daemonset, node, revision) (label_replace(label_replace(
  ${pods}
  * on (namespace, pod) group_left (label_controller_revision_hash)
  max by (namespace, pod, label_controller_revision_hash) (kube_pod_labels{label_controller_revision_hash!=""}),
  "daemonset", "$1", "created_by_name", "(.*)"),
  "revision", "$1", "label_controller_revision_hash", "(.*)"))`;

/** Every recording rule, in an order in which each reads what the ones before it have recorded. */
export const recordingRules: readonly RecordingRule[] = [
  ...Object.entries(signs).map(([mode, expr]) => ({ record: recorded.mode, expr, labels: { mode } })),
  { record: recorded.modeNodes, expr: `count by (daemonset, mode) (${recorded.mode})` },
  {
    record: recorded.minorNodes,
    expr: `count by (daemonset, major, minor) (group by (daemonset, node, major, minor) (${build}))`,
  },
  { record: recorded.revision, expr: revision },
  ...failureCounters.map(({ name }) => ({
    record: recorded.failures,
    expr: `sum ${node} (increase(${name}${scraped}[5m]))`,
    labels: { counter: name },
  })),
  {
    // A node with many changes always has one that waits: only where no sync ends meanwhile is that wrong.
    record: recorded.pending,
    expr: `max by (daemonset, node, ip_family) (
  time() - ${synced}
  and ${queued} > ${synced}
  and changes(${synced}[3m]) == 0)`,
  },
  {
    // By the series that each kube-proxy has from its start on, whatever else answers in its place is none.
    record: recorded.unsynced,
    expr: `max ${node} ((
  time() - ${start} unless on (instance) ${synced}
  or time() - ${start} and on (instance) (${queued} unless ${synced})
  or time() - ${start} and on (instance) (${synced} <= on (instance) group_left () ${start}))
  and on (instance) ${metrics.servicesPending.name}${scraped})`,
  },
  {
    // Only as long as there was one sync, its end is that of the first.
    record: recorded.firstSync,
    expr: `max ${node} (
  (${synced} - on (instance) group_left () ${start})
  and on (instance, ip_family) ${syncs} == 1)`,
  },
  { record: recorded.medianFirstSync, expr: `quantile by (daemonset) (0.5, ${recorded.firstSync})` },
  {
    record: recorded.usualFirstSync,
    expr: `quantile_over_time(0.5, ${recorded.medianFirstSync}[7d])`,
  },
  {
    // Without a change in these minutes it is no number, which the comparison leaves out.
    record: recorded.programming,
    expr: `histogram_quantile(0.99, sum by (daemonset, node, le) (
  rate(${programmingDuration.name}_bucket${scraped}[5m]))) >= 0`,
  },
  { record: recorded.clusterProgramming, expr: `quantile(0.99, ${recorded.programming})` },
  {
    record: recorded.clusterDayProgramming,
    expr: `quantile_over_time(0.99, ${recorded.clusterProgramming}[1d])`,
  },
];
