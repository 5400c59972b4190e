/** What people read when an alert fires, as Prometheus renders it: the node by its name, and where to read on. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { alerts, runbooks } from "../../components/monitoring/alerts.ts";
import { monitoringFiles } from "../../components/monitoring/files.ts";
import { edges } from "./edges.ts";
import { testRules } from "./promtool.ts";

const rules = monitoringFiles()["rules.yaml"] ?? "";
const fleet = { daemonset: "kube-proxy" };

/** By alert, at the edge of its first case: labels besides its severity, and both texts. */
const expected: Readonly<
  Record<string, readonly [Record<string, string>, summary: string, description: string]>
> = {
  KubeProxyRulesNotSynced: [
    { ...fleet, node: "a", ip_family: "IPv4" },
    "The rules of node a are not synced",
    "kube-proxy of node a has changes of IPv4 to sync and has ended no sync for 3m 20s. New Services and endpoints do not reach that node.",
  ],
  KubeProxySyncFailures: [
    { ...fleet, node: "a", counter: "kubeproxy_sync_proxy_rules_nftables_sync_failures_total" },
    "Syncs of rules fail on node a",
    "kubeproxy_sync_proxy_rules_nftables_sync_failures_total of node a has grown by about 11 within 5 minutes, and goes on.",
  ],
  KubeProxyModeDiffers: [
    { ...fleet, node: "c", mode: "nftables" },
    "kube-proxy of node c runs in mode nftables, unlike its fleet",
    "No more than half of the nodes of DaemonSet kube-proxy run in mode nftables, as node c does: it has read another configuration, or a switch of modes has stopped halfway.",
  ],
  KubeProxyRevisionDiffers: [
    { ...fleet, node: "c", revision: "old" },
    "kube-proxy of node c is of another revision than its fleet",
    "No more than half of the pods of DaemonSet kube-proxy have revision old, as that of node c: its image, arguments or configuration are not those of the others.",
  ],
  KubeProxyMissing: [
    { node: "a" },
    "No kube-proxy runs on node a",
    "Node a is Ready and has no running pod of kube-proxy: its rules are those of the last one, if there was one.",
  ],
  KubeProxyUnreachable: [
    { ...fleet, node: "a" },
    "kube-proxy of node a does not answer",
    "Prometheus cannot read the metrics of kube-proxy on node a: it has stopped, does not start, or the way to its port is closed.",
  ],
  KubeProxyNotScraped: [
    { job: "kube-proxy" },
    "No kube-proxy is scraped",
    'Prometheus has no target up{job="kube-proxy"}: none of the other alerts can tell anything.',
  ],
  KubeProxyFirstSyncSlow: [
    { ...fleet, node: "a" },
    "kube-proxy of node a has not synced its rules since it started",
    "kube-proxy of node a started 6m 15s ago and has not synced every family's rules since, which takes longer than is usual here.",
  ],
  KubeProxyRestartNotEnded: [
    { ...fleet, namespace: "kube-system" },
    "A restart of DaemonSet kube-proxy has not ended",
    "DaemonSet kube-proxy has 3 pods of its newest revision, fewer than it should have, and no more than half an hour ago.",
  ],
  KubeProxyProgrammingSlow: [
    { ...fleet, node: "a" },
    "Changes of Services reach node a late",
    "Of the changes of endpoints that node a has synced within 5 minutes, the slowest hundredth took 59.7s or longer; within 30 s is the objective.",
  ],
};

suite("what alerts say", { concurrency: 2 }, () => {
  for (const { name, severity } of alerts) {
    test(name, async () => {
      const of = (one: string) => one.split(" ")[0] === name;
      const found = edges.find(({ moments }) =>
        moments.some(({ firing }) => firing.length === 1 && firing.every(of)),
      );
      const at = found?.moments.find(({ firing }) => firing.length > 0)?.at;
      const [labels, summary, description] = expected[name] ?? assert.fail("nothing is expected of it");
      assert.ok(found !== undefined && at !== undefined);
      const runbook_url = `${runbooks}${name}.md`;
      const text = {
        ...{ at, alert: name, labels: { ...labels, severity } },
        annotations: { summary, description, runbook_url },
      };
      const { ok, output } = await testRules(rules, [{ ...found, moments: [], texts: [text] }]);
      assert.ok(ok, output);
    });
  }
});
