/** The alerts: what somebody has to be told about kube-proxy, and what to do then. */
import { metrics } from "./metrics.ts";
import { pods, recorded, scraped } from "./recordingRules.ts";

/** An alert. */
export interface Alert {
  readonly name: string;
  readonly expr: string;
  /** How long it has to be so, as Prometheus writes durations. */
  readonly for: string;
  /** `critical`: Services do not answer, or nobody would know; `warning`: they may not, later. */
  readonly severity: "critical" | "warning";
  /** One line; a template of Prometheus. */
  readonly summary: string;
  readonly description: string;
  /** What it needs beside kube-proxy's own metrics. */
  readonly needs?: readonly string[];
}

/** Where the runbooks are in this repository; the name of the alert and `.md` follow. */
export const runbooks = "docs/runbooks/";

/**
 * Seconds within which a change should reach a node. Kubernetes' SLO on the latency of network programming leaves the number
 * open ("<= X"); this is the default of Kubernetes' own scalability tests, `CL2_NETWORK_PROGRAMMING_LATENCY_THRESHOLD`.
 *
 * Source: kubernetes/community `sig-scalability/slos/network_programming_latency.md`, kubernetes/perf-tests
 * `clusterloader2/testing/load/modules/measurements.yaml`.
 */
export const programmingObjective = 30;

/** A first sync may take so many times as long as usual, and this many seconds at least. */
const slowFirstSync = { times: 3, atLeast: 120, unknown: 300 } as const;

const readyNodes = 'kube_node_status_condition{condition="Ready", status="true"}';
const updated = "kube_daemonset_status_updated_number_scheduled";
const ofKubeProxy = '{namespace="kube-system", daemonset=~"kube-proxy.*"}';

/** The nodes whose value of a label no more than half of the nodes of their DaemonSet have. */
function minority(info: string, label: string): string {
  return `${info}
and on (daemonset, ${label})
  count by (daemonset, ${label}) (${info})
  <= on (daemonset) group_left ()
  0.5 * count by (daemonset) (${info})`;
}

/** Every alert. */
export const alerts: readonly Alert[] = [
  {
    name: "KubeProxyRulesNotSynced",
    expr: recorded.pending,
    for: "3m",
    severity: "critical",
    summary: "The rules of node {{ $labels.node }} are not synced",
    description:
      "kube-proxy of node {{ $labels.node }} has changes {{ with $labels.ip_family }}of {{ . }} {{ end }}to sync and has " +
      "ended no sync for {{ $value | humanizeDuration }}. New Services and endpoints do not reach that node.",
  },
  {
    name: "KubeProxySyncFailures",
    expr: `${recorded.failures} > 0`,
    for: "5m",
    severity: "warning",
    summary: "Syncs of rules fail on node {{ $labels.node }}",
    description:
      "{{ $labels.counter }} of node {{ $labels.node }} has grown by about {{ $value | printf `%.0f` }} within 5 minutes, and goes on.",
  },
  {
    name: "KubeProxyModeDiffers",
    expr: minority(recorded.mode, "mode"),
    for: "30m",
    severity: "warning",
    summary: "kube-proxy of node {{ $labels.node }} runs in mode {{ $labels.mode }}, unlike its fleet",
    description:
      "No more than half of the nodes of DaemonSet {{ $labels.daemonset }} run in mode {{ $labels.mode }}, as node " +
      "{{ $labels.node }} does: it has read another configuration, or a switch of modes has stopped halfway.",
  },
  {
    name: "KubeProxyRevisionDiffers",
    expr: minority(recorded.revision, "revision"),
    for: "1h",
    severity: "warning",
    summary: "kube-proxy of node {{ $labels.node }} is of another revision than its fleet",
    description:
      "No more than half of the pods of DaemonSet {{ $labels.daemonset }} have revision {{ $labels.revision }}, as that of " +
      "node {{ $labels.node }}: its image, arguments or configuration are not those of the others.",
    needs: [
      "kube-state-metrics with `--metric-labels-allowlist=pods=[controller-revision-hash]`",
      "pods that carry their configuration's hash, as those of this program do",
    ],
  },
  {
    name: "KubeProxyMissing",
    expr: `max by (node) (${readyNodes} == 1)
unless on (node) (
  ${pods}
  and on (namespace, pod) kube_pod_status_phase{phase="Running"} == 1)`,
    for: "5m",
    severity: "critical",
    summary: "No kube-proxy runs on node {{ $labels.node }}",
    description:
      "Node {{ $labels.node }} is Ready and has no running pod of kube-proxy: its rules are those of the last one, if there was one.",
    needs: ["kube-state-metrics"],
  },
  {
    name: "KubeProxyUnreachable",
    // A node that is not Ready is somebody else's alert; without kube-state-metrics it is told here as well.
    // What answers with something else is none, either: each kube-proxy has this series from its start on.
    expr: `max by (daemonset, node) (up${scraped} unless on (instance) ${metrics.servicesPending.name}${scraped})
unless on (node) (${readyNodes} == 0)`,
    for: "5m",
    severity: "critical",
    summary: "kube-proxy of node {{ $labels.node }} does not answer",
    description:
      "Prometheus cannot read the metrics of kube-proxy on node {{ $labels.node }}: it has stopped, does not start, or the way to its port is closed.",
  },
  {
    name: "KubeProxyNotScraped",
    expr: `absent(up${scraped})`,
    for: "15m",
    severity: "critical",
    summary: "No kube-proxy is scraped",
    description: `Prometheus has no target up${scraped}: none of the other alerts can tell anything.`,
  },
  {
    name: "KubeProxyFirstSyncSlow",
    expr: `(${recorded.unsynced}
  > on (daemonset) group_left () clamp_min(${slowFirstSync.times} * ${recorded.usualFirstSync}, ${slowFirstSync.atLeast}))
or (${recorded.unsynced} > ${slowFirstSync.unknown} unless on (daemonset) ${recorded.usualFirstSync})`,
    for: "1m",
    severity: "critical",
    summary: "kube-proxy of node {{ $labels.node }} has not synced its rules since it started",
    description:
      "kube-proxy of node {{ $labels.node }} started {{ $value | humanizeDuration }} ago and has not synced every family's " +
      "rules since, which takes longer than is usual here.",
  },
  {
    name: "KubeProxyRestartNotEnded",
    expr: `${updated}${ofKubeProxy} < kube_daemonset_status_desired_number_scheduled${ofKubeProxy}
and changes(${updated}${ofKubeProxy}[15m]) == 0`,
    for: "15m",
    severity: "warning",
    summary: "A restart of DaemonSet {{ $labels.daemonset }} has not ended",
    description:
      "DaemonSet {{ $labels.daemonset }} has {{ $value }} pods of its newest revision, fewer than it should have, and no more than half an hour ago.",
    needs: ["kube-state-metrics"],
  },
  {
    name: "KubeProxyProgrammingSlow",
    expr: `${recorded.programming} > ${programmingObjective}`,
    for: "5m",
    severity: "warning",
    summary: "Changes of Services reach node {{ $labels.node }} late",
    description:
      `Of the changes of endpoints that node {{ $labels.node }} has synced within 5 minutes, the slowest hundredth took ` +
      `{{ $value | humanizeDuration }} or longer; within ${programmingObjective} s is the objective.`,
  },
];
