/** What kube-proxy tells of itself: the one place where the names of its metrics are written. */

/** A mode of kube-proxy on Linux. */
export type Mode = "iptables" | "ipvs" | "nftables";

/** A metric of kube-proxy. Minors are numbers: 37 for 1.37; the oldest that was looked at is 15. */
export interface Metric {
  /** As it is exposed; a histogram has it with `_bucket`, `_sum` and `_count`. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** What it says, as part of a sentence. */
  readonly says: string;
  /** Since which minor it is set, by mode. A mode that is absent never sets it. */
  readonly since: Readonly<Partial<Record<Mode, number>>>;
  /** Labels, with the minor since which it has them. */
  readonly labels?: Readonly<Record<string, number>>;
  /** Another name by which older minors say the same, up to and with `until`, in these modes. */
  readonly before?: { readonly name: string; readonly until: number; readonly modes: readonly Mode[] };
}

/** The first minor whose processes expose the metrics of their own mode only; older ones expose zeros of the others. */
export const ownModeOnlySince = 31;

/** The minor since which kube-proxy tells the IP families apart. */
export const familiesSince = 33;

const family = { ip_family: familiesSince } as const;

/** The same since these minors in every mode; nftables came with 1.29. */
function everyMode(since: number): Record<Mode, number> {
  return { iptables: since, ipvs: since, nftables: Math.max(since, 29) };
}

/**
 * Every metric that something here reads.
 *
 * Source: Kubernetes' `pkg/proxy/metrics/metrics.go` and the `proxier.go` of each mode, in the first release of every minor
 * from 1.15 to 1.37.
 */
export const metrics = {
  processStart: {
    name: "process_start_time_seconds",
    type: "gauge",
    says: "when the process started, in seconds since 1970",
    since: everyMode(15),
  },
  buildInfo: {
    name: "kubernetes_build_info",
    type: "gauge",
    says: "which version it is of, in its labels",
    since: everyMode(15),
    labels: { major: 15, minor: 15, git_version: 15 },
  },
  lastSync: {
    name: "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
    type: "gauge",
    says: "when rules were last synced without a failure, in seconds since 1970",
    since: everyMode(15),
    labels: family,
  },
  lastQueued: {
    name: "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
    type: "gauge",
    says: "when a sync was last asked for, in seconds since 1970",
    since: everyMode(19),
    labels: family,
  },
  syncDuration: {
    name: "kubeproxy_sync_proxy_rules_duration_seconds",
    type: "histogram",
    says: "how long one sync takes",
    since: everyMode(15),
    labels: family,
    before: {
      name: "kubeproxy_sync_proxy_rules_latency_microseconds",
      until: 17,
      modes: ["iptables", "ipvs"],
    },
  },
  fullSyncDuration: {
    name: "kubeproxy_sync_full_proxy_rules_duration_seconds",
    type: "histogram",
    says: "how long a sync of every rule takes",
    since: { iptables: 28, nftables: 31 },
    labels: family,
  },
  partialSyncDuration: {
    name: "kubeproxy_sync_partial_proxy_rules_duration_seconds",
    type: "histogram",
    says: "how long a sync of what has changed takes",
    since: { iptables: 28, nftables: 31 },
    labels: family,
  },
  programmingDuration: {
    name: "kubeproxy_network_programming_duration_seconds",
    type: "histogram",
    says: "how long it takes from a change of a Service's endpoints until its rules are synced",
    since: everyMode(15),
    labels: family,
  },
  servicesPending: {
    name: "kubeproxy_sync_proxy_rules_service_changes_pending",
    type: "gauge",
    says: "changes of Services that no sync has taken up yet",
    since: everyMode(15),
  },
  endpointsPending: {
    name: "kubeproxy_sync_proxy_rules_endpoint_changes_pending",
    type: "gauge",
    says: "changes of endpoints that no sync has taken up yet",
    since: everyMode(15),
  },
  serviceChanges: {
    name: "kubeproxy_sync_proxy_rules_service_changes_total",
    type: "counter",
    says: "changes of Services that it has heard of",
    since: everyMode(15),
  },
  endpointChanges: {
    name: "kubeproxy_sync_proxy_rules_endpoint_changes_total",
    type: "counter",
    says: "changes of endpoints that it has heard of",
    since: everyMode(15),
  },
  withoutLocalEndpoints: {
    name: "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
    type: "gauge",
    says: "Services that want an endpoint on this node, where there is none",
    since: everyMode(24),
    labels: { traffic_policy: 24, ...family },
  },
  iptablesRules: {
    name: "kubeproxy_sync_proxy_rules_iptables_total",
    type: "gauge",
    says: "rules of iptables that are its own",
    since: { iptables: 21 },
    labels: { table: 21, ...family },
  },
  iptablesFailures: {
    name: "kubeproxy_sync_proxy_rules_iptables_restore_failures_total",
    type: "counter",
    says: "syncs that iptables-restore refused",
    since: { iptables: 16, ipvs: 16 },
    labels: family,
  },
  iptablesPartialFailures: {
    name: "kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total",
    type: "counter",
    says: "syncs of what has changed that iptables-restore refused, each followed by one of every rule",
    since: { iptables: 26 },
    labels: family,
  },
  nftablesFailures: {
    name: "kubeproxy_sync_proxy_rules_nftables_sync_failures_total",
    type: "counter",
    says: "syncs that nft refused",
    since: { nftables: 31 },
    labels: family,
    before: {
      name: "kubeproxy_sync_proxy_rules_iptables_restore_failures_total",
      until: 30,
      modes: ["nftables"],
    },
  },
  nftablesCleanupFailures: {
    name: "kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total",
    type: "counter",
    says: "removals of stale chains that nft refused",
    since: { nftables: 31 },
    labels: family,
  },
} as const satisfies Readonly<Record<string, Metric>>;

/** Counters of rules that did not reach the kernel; each mode has its own, and a release only those of its mode. */
export const failureCounters: readonly Metric[] = [
  metrics.iptablesFailures,
  metrics.iptablesPartialFailures,
  metrics.nftablesFailures,
  metrics.nftablesCleanupFailures,
];

/** Every name under which some minor exposes a metric of the table. */
export function everyName(): string[] {
  const names = Object.values<Metric>(metrics).flatMap(({ name, before }) =>
    before === undefined ? [name] : [name, before.name],
  );
  return [...new Set(names)];
}
