/** Cases at the edge of each alert: what is there just before it fires, and what looks alike and must not raise it. */
import { type Case, type InputSeries, type Moment, scrapedLabels } from "./promtool.ts";

const interval = 15;
const sync = "kubeproxy_sync_proxy_rules";

/** A series of a node's kube-proxy; labels of its own are given as Prometheus writes them. */
function own(node: string, name: string, values: string, labels = "", daemonset = "kube-proxy"): InputSeries {
  const all = [labels, scrapedLabels(node, daemonset)].filter((one) => one !== "").join(", ");
  return { series: `${name}{${all}}`, values };
}

/** A series of kube-state-metrics. */
function state(name: string, labels: string, values: string): InputSeries {
  return { series: `${name}{${labels}}`, values };
}

const ready = (node: string, values: string) =>
  state("kube_node_status_condition", `condition="Ready", node="${node}", status="true"`, values);
const labelsOfPod = (node: string) => `namespace="kube-system", pod="kube-proxy-${node}"`;
const pod = (node: string, values: string, daemonset = "kube-proxy") =>
  state(
    "kube_pod_info",
    `created_by_kind="DaemonSet", created_by_name="${daemonset}", ${labelsOfPod(node)}, node="${node}"`,
    values,
  );
const phase = (node: string, values: string) =>
  state("kube_pod_status_phase", `${labelsOfPod(node)}, phase="Running"`, values);
const revision = (node: string, hash: string, values: string) =>
  state("kube_pod_labels", `label_controller_revision_hash="${hash}", ${labelsOfPod(node)}`, values);

/** A kube-proxy that answers, as Prometheus sees it. */
const answering = (node: string, values = "1x2000") => [
  own(node, "up", values),
  own(node, "kubeproxy_sync_proxy_rules_service_changes_pending", values.replace(/0x\d+$/, "stale")),
];

/** What keeps KubeProxyNotScraped silent where a case is of something else. */
const scraped = answering("other");

/** Silent one evaluation before, and firing at a time. */
function edge(at: number, ...names: string[]): Moment[] {
  return [
    { at: at - interval, firing: [] },
    { at, firing: names },
  ];
}

const last = `${sync}_last_timestamp_seconds`;
const queued = `${sync}_last_queued_timestamp_seconds`;
const v4 = 'ip_family="IPv4"';
const v6 = 'ip_family="IPv6"';
const failures = `${sync}_nftables_sync_failures_total`;
const partialFailures = `${sync}_iptables_partial_restore_failures_total`;
const started = "process_start_time_seconds";
const fullSyncs = "kubeproxy_sync_full_proxy_rules_duration_seconds_count";
const syncs = `${sync}_duration_seconds_count`;
const bucket = "kubeproxy_network_programming_duration_seconds_bucket";
const updated = "kube_daemonset_status_updated_number_scheduled";
const desired = "kube_daemonset_status_desired_number_scheduled";
const daemonSet = 'daemonset="kube-proxy", namespace="kube-system"';

const runsIn = {
  iptables: (node: string, values = "3x400") => own(node, `${sync}_iptables_total`, values, 'table="nat"'),
  nftables: (node: string) => [own(node, fullSyncs, "1x400", v4), own(node, last, "1x400", v4)],
};

/** A process that started then, and answers. */
const startedAt = (node: string, values: string) => [
  own(node, started, values),
  own(node, `${sync}_service_changes_pending`, "0x400"),
];

/** Every case. */
export const edges: readonly Case[] = [
  {
    name: "a sync that is asked for at 2 minutes and never ends",
    series: [...scraped, own("a", last, "100x400", v4), own("a", queued, "50x7 120x400", v4)],
    moments: edge(300, "KubeProxyRulesNotSynced a"),
  },
  {
    name: "a node that always has a change to sync, and syncs",
    series: [...scraped, own("a", last, "0+15x400", v4), own("a", queued, "5+15x400", v4)],
    moments: [{ at: 3600, firing: [] }],
  },
  {
    name: "a node that has nothing to sync for hours",
    series: [...scraped, own("a", last, "100x2000", v4), own("a", queued, "50x2000", v4)],
    moments: [{ at: 28_000, firing: [] }],
  },
  {
    name: "failures of a release without families that go on, from the first one on",
    series: [
      ...scraped,
      own("a", failures, "_x8 1x1 2x1 3x1 4x1 5x1 6x1 7x1 8x1 9x1 10x1 11x1 12x1 13x1 14x1 15x40"),
    ],
    moments: edge(450, "KubeProxySyncFailures a"),
  },
  {
    name: "a single failure",
    series: [...scraped, own("a", partialFailures, "0x7 1x400", v4)],
    moments: Array.from({ length: 60 }, (_, index) => ({ at: index * interval, firing: [] })),
  },
  {
    name: "one of three nodes in another mode",
    series: [...scraped, runsIn.iptables("a"), runsIn.iptables("b"), ...runsIn.nftables("c")],
    moments: edge(1800, "KubeProxyModeDiffers c"),
  },
  {
    name: "two nodes in two modes",
    series: [...scraped, runsIn.iptables("a"), ...runsIn.nftables("c")],
    moments: edge(1800, "KubeProxyModeDiffers a", "KubeProxyModeDiffers c"),
  },
  {
    name: "two DaemonSets, each in its own mode",
    series: [
      ...scraped,
      ...["a", "b"].map((node) => runsIn.iptables(node)),
      own("c", fullSyncs, "1x400", v4, "kube-proxy-new"),
      own("c", last, "1x400", v4, "kube-proxy-new"),
    ],
    moments: [{ at: 3600, firing: [] }],
  },
  {
    name: "one of three pods of another revision",
    series: [
      ...scraped,
      ...["a", "b", "c"].map((node) => pod(node, "1x400")),
      ...["a", "b"].map((node) => revision(node, "new", "1x400")),
      revision("c", "old", "1x400"),
    ],
    moments: edge(3600, "KubeProxyRevisionDiffers c"),
  },
  {
    name: "pods without the label, and pods of another DaemonSet",
    series: [
      ...scraped,
      ...["a", "b"].map((node) => pod(node, "1x400")),
      ...["c", "d", "e"].map((node) => pod(node, "1x400", "other")),
      ...["a", "b", "c", "d"].map((node) => revision(node, "new", "1x400")),
      revision("e", "old", "1x400"),
    ],
    moments: [{ at: 3900, firing: [] }],
  },
  {
    name: "a Ready node that has no pod",
    series: [...scraped, ready("a", "1x400")],
    moments: edge(300, "KubeProxyMissing a"),
  },
  {
    name: "a Ready node whose pod is gone, one whose pod does not run, one that is not Ready",
    series: [
      ...scraped,
      ...["a", "b", "d"].map((node) => ready(node, "1x400")),
      ready("c", "0x400"),
      ...["b", "d"].map((node) => pod(node, "1x400")),
      phase("b", "0x400"),
      phase("d", "1x400"),
    ],
    moments: edge(300, "KubeProxyMissing a", "KubeProxyMissing b"),
  },
  {
    name: "a kube-proxy that does not answer from 1 minute on",
    series: [...answering("a", "1x3 0x400"), ...answering("b")],
    moments: edge(360, "KubeProxyUnreachable a"),
  },
  {
    name: "a page of something else where kube-proxy should be",
    series: [...scraped, own("a", "up", "1x400"), own("a", started, "0x400")],
    moments: [...edge(300, "KubeProxyUnreachable a"), { at: 3600, firing: ["KubeProxyUnreachable a"] }],
  },
  {
    name: "one that does not answer on a node that is not Ready",
    series: [
      own("a", "up", "0x400"),
      ready("a", "0x400"),
      own("b", "up", "0x400"),
      ready("b", "1x400"),
      pod("b", "1x400"),
      phase("b", "1x400"),
    ],
    moments: edge(300, "KubeProxyUnreachable b"),
  },
  {
    name: "nothing to scrape",
    series: [],
    moments: edge(900, "KubeProxyNotScraped"),
  },
  {
    name: "a start where nothing is known of earlier ones",
    series: [...scraped, ...startedAt("a", "0x400"), own("a", queued, "1x400", v4)],
    moments: edge(375, "KubeProxyFirstSyncSlow a"),
  },
  {
    name: "a start beside one that took 10 s",
    series: [
      ...scraped,
      ...startedAt("a", "0x400"),
      ...startedAt("b", "0x400"),
      own("b", last, "10x400", v4),
      own("b", syncs, "1x400", v4),
    ],
    moments: edge(195, "KubeProxyFirstSyncSlow a"),
  },
  {
    name: "a start beside one that took 100 s",
    series: [
      ...scraped,
      ...startedAt("a", "0x400"),
      ...startedAt("b", "0x400"),
      own("b", last, "100x400", v4),
      own("b", syncs, "1x400", v4),
    ],
    moments: edge(375, "KubeProxyFirstSyncSlow a"),
  },
  {
    name: "a start after which one family is not synced",
    series: [
      ...scraped,
      ...startedAt("a", "0x400"),
      ...[v4, v6].map((family) => own("a", queued, "1x400", family)),
      own("a", last, "2x400", v4),
    ],
    moments: edge(375, "KubeProxyFirstSyncSlow a"),
  },
  {
    name: "a process whose last sync was before its start, and a release that says 0 before the first one",
    series: [
      ...scraped,
      ...startedAt("a", "10x400"),
      own("a", last, "5x400", v4),
      ...startedAt("b", "10x400"),
      own("b", last, "0x400"),
    ],
    moments: edge(375, "KubeProxyFirstSyncSlow a", "KubeProxyFirstSyncSlow b"),
  },
  {
    name: "a rollout that stops after 10 minutes",
    series: [
      ...scraped,
      state(updated, daemonSet, "5x39 3x400"),
      state(desired, daemonSet, "5x400"),
      state(updated, 'daemonset="kube-proxy", namespace="other"', "1x400"),
      state(desired, 'daemonset="kube-proxy", namespace="other"', "5x400"),
    ],
    moments: edge(2385, "KubeProxyRestartNotEnded"),
  },
  {
    name: "a rollout that goes on, a node each 10 minutes",
    series: [
      ...scraped,
      state(updated, daemonSet, Array.from({ length: 10 }, (_, count) => `${count}x39`).join(" ")),
      state(desired, daemonSet, "50x400"),
    ],
    moments: [{ at: 5900, firing: [] }],
  },
  {
    name: "changes that take 30 to 60 s",
    series: [
      ...scraped,
      own("a", bucket, "0x400", 'le="30"'),
      ...["60", "+Inf"].map((le) => own("a", bucket, "0x3 0+1x400", `le="${le}"`)),
    ],
    moments: edge(375, "KubeProxyProgrammingSlow a"),
  },
  {
    name: "changes that take up to 30 s, and a node without any",
    series: [
      ...scraped,
      ...["30", "60", "+Inf"].flatMap((le) => [
        own("a", bucket, "0+1x400", `le="${le}"`),
        own("b", bucket, "7x400", `le="${le}"`),
      ]),
    ],
    moments: [{ at: 3600, firing: [] }],
    samples: [
      {
        at: 3600,
        expr: "count by (node) (node:kubeproxy_network_programming_seconds:p99_5m)",
        expected: { '{node="a"}': 1 },
      },
    ],
  },
  {
    name: "modes of old and new releases, before and after the first sync",
    series: [
      ...scraped,
      runsIn.iptables("a-1-21"),
      own("b-1-31", fullSyncs, "1x400"),
      own("b-1-31", last, "5x400"),
      own("c-never-synced", fullSyncs, "1x400", v4),
      ...["h-1-37-iptables", "i-1-37-nftables"].flatMap((node) => [
        ...[fullSyncs, syncs].map((name) => own(node, name, "1x400", v4)),
        own(node, last, "5x400", v4),
        own(node, "kubernetes_build_info", "1x400", 'major="1", minor="37"'),
      ]),
      runsIn.iptables("h-1-37-iptables"),
      ...(
        [
          ["d-1-30", "30", "5x400"],
          ["e-1-31", "31+", "5x400"],
          ["f-1-99", "99", "5x400"],
          ["g-1-31-before", "31", "0x400"],
        ] as const
      ).flatMap(([node, minor, synced]) => [
        own(node, syncs, "1x400"),
        own(node, last, synced),
        own(node, "kubernetes_build_info", "1x400", `major="1", minor="${minor}"`),
      ]),
    ],
    moments: [],
    samples: [
      {
        at: 300,
        expr: "sum by (node, mode) (node:kubeproxy_mode:info)",
        expected: {
          '{node="a-1-21", mode="iptables"}': 1,
          '{node="b-1-31", mode="nftables"}': 1,
          '{node="e-1-31", mode="ipvs"}': 1,
          '{node="f-1-99", mode="ipvs"}': 1,
          '{node="h-1-37-iptables", mode="iptables"}': 1,
          '{node="i-1-37-nftables", mode="nftables"}': 1,
        },
      },
      {
        at: 300,
        expr: "sum by (mode) (mode:kubeproxy_nodes:count)",
        expected: { '{mode="iptables"}': 2, '{mode="nftables"}': 2, '{mode="ipvs"}': 2 },
      },
      {
        at: 300,
        expr: 'sum by (minor) (minor:kubeproxy_nodes:count{major="1"})',
        expected: {
          '{minor="30"}': 1,
          '{minor="31+"}': 1,
          '{minor="31"}': 1,
          '{minor="37"}': 2,
          '{minor="99"}': 1,
        },
      },
    ],
  },
  {
    name: "the latency of network programming of a cluster and its day",
    series: [
      ...scraped,
      ...["a", "b"].flatMap((node) => [
        own(node, bucket, node === "a" ? "0+2x400" : "0x400", 'le="10"'),
        ...["20", "+Inf"].map((le) => own(node, bucket, "0+2x400", `le="${le}"`)),
      ]),
    ],
    moments: [{ at: 3600, firing: [] }],
    samples: [
      "cluster:kubeproxy_network_programming_seconds:p99_5m",
      "cluster:kubeproxy_network_programming_seconds:p99_1d",
    ].map((expr) => ({ at: 3600, expr: `round(${expr}, 0.01)`, expected: { "{}": 19.8 } })),
  },
].map((one) => ({ ...one, interval }));
