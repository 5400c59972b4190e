import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { differingFields } from "../../../components/cluster/verify/configuration.ts";
import { diagnose } from "../../../components/cluster/verify/diagnosis.ts";
import { formatDiagnosis, formatReport } from "../../../components/cluster/verify/index.ts";
import {
  judgeAnswers,
  judgeFromCluster,
  reportOf,
  standardOf,
} from "../../../components/cluster/verify/judge.ts";
import { samplesOf } from "../../../components/cluster/verify/metrics.ts";
import { readAnswers, syncDelay, type Observation } from "../../../components/cluster/verify/observation.ts";
import { metricsPortOf } from "../../../components/cluster/verify/probe.ts";
import type { Answered, Expectation, Node, Probed } from "../../../components/cluster/verify/types.ts";
import { answered, answers, fleetOf, nodeWith, observed, recordedStart } from "./fixtures.ts";

const lastSync = "kubeproxy_sync_proxy_rules_last_timestamp_seconds";
const at = (seconds: number): Date => new Date((recordedStart + seconds) * 1000);

const silent = { verdict: "fails", reason: "a new Service does not answer" } as const;

function reasons(probed: Probed, expectation: Expectation = {}, node: Node = nodeWith()): readonly string[] {
  const standard = standardOf(expectation, undefined, fleetOf([node]));
  return (judgeFromCluster(node, standard) ?? judgeAnswers(node, answered(probed), standard)).reasons;
}

describe("what a node's pod must be", () => {
  const cases: [string, Node, RegExp][] = [
    ["no pod", { ...nodeWith(), pods: [] }, /^no pod of the DaemonSet/],
    [
      "two pods",
      { ...nodeWith(), pods: [...nodeWith().pods, ...nodeWith({ name: "other" }).pods] },
      /^2 pods .*, other$/,
    ],
    ["an old revision", nodeWith({ revision: "old" }), /^the pod's revision is "old", not "new"$/],
    ["another token", nodeWith({ token: "t1" }), /^the pod's restart token is "t1", not "t2"$/],
    ["no token", nodeWith({ token: undefined }), /^the pod's restart token is unset, not "t2"$/],
    ["another configuration", nodeWith({ configHash: "sha256:1" }), /^the pod's configuration hash is/],
    ["a pod that is not Ready", nodeWith({ notReady: "CrashLoopBackOff" }), /not Ready: CrashLoopBackOff$/],
  ];
  const expectation = { token: "t2", configHash: "sha256:2" };
  for (const [name, node, reason] of cases) {
    test(name, () => {
      const found = reasons(observed(), expectation, node);
      assert.equal(found.length, 1);
      assert.match(found[0] ?? "", reason);
    });
  }

  test("as wanted", () => {
    assert.deepEqual(reasons(observed(), expectation), []);
  });

  test("a controller that has not seen the change proves nothing", () => {
    const standard = standardOf({}, undefined, { ...fleetOf([]), revision: undefined });
    assert.match(judgeFromCluster(nodeWith(), standard)?.reasons[0] ?? "", /controller has not seen/);
  });

  test("a NotReady node is excluded, whatever runs there", () => {
    const node = { ...nodeWith({ revision: "old" }), notReady: "KubeletNotReady" };
    const result = judgeFromCluster(node, standardOf({}, undefined, fleetOf([node])));
    assert.equal(result?.verdict, "excluded");
    assert.deepEqual(result.reasons, ["the node is NotReady: KubeletNotReady"]);
  });
});

describe("what a node's process must be", () => {
  const without = (pattern: RegExp) => (metrics: string) => metrics.replace(pattern, "");
  const with_ = (line: string) => (metrics: string) => `${metrics}${line}\n`;
  const stale = (metrics: string): string =>
    metrics.replace(new RegExp(`^(${lastSync}\\{.*\\}) .*$`, "gm"), `$1 ${recordedStart - 5}`);
  const cases: [string, Probed, Expectation, (RegExp | string)[]][] = [
    ["as recorded", observed(), {}, []],
    [
      "never synced",
      observed(without(new RegExp(`^${lastSync}.*\n`, "gm"))),
      {},
      ["it has never synced its rules"],
    ],
    [
      "0 instead of absent",
      observed((metrics) => metrics.replace(new RegExp(`^(${lastSync}\\{.*\\}) .*$`, "gm"), "$1 0")),
      {},
      ["it has never synced its rules"],
    ],
    [
      "one family never synced",
      observed(without(new RegExp(`^${lastSync}\\{ip_family="IPv6"\\}.*\n`, "m"))),
      {},
      ["it has never synced its rules for IPv6"],
    ],
    [
      "a release without families",
      observed((metrics) => metrics.replace(/\{ip_family="IPv4"\}/g, "").replace(/^.*IPv6.*\n/gm, "")),
      {},
      [],
    ],
    [
      "synced before the process started",
      observed(stale),
      {},
      [/IPv4 were last synced 5\.0 s before/, /IPv6/],
    ],
    [
      "a failed iptables-restore",
      observed(with_(`kubeproxy_sync_proxy_rules_iptables_restore_failures_total{ip_family="IPv4"} 3`)),
      {},
      ["kubeproxy_sync_proxy_rules_iptables_restore_failures_total is 3, not 0"],
    ],
    [
      "a failed nft",
      observed(with_(`kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv6"} 1`)),
      {},
      ["kubeproxy_sync_proxy_rules_nftables_sync_failures_total is 1, not 0"],
    ],
    ["another mode", observed(), { mode: "nftables" }, ["it runs in mode iptables, not nftables"]],
    ["empty mode is iptables", observed(), { mode: "" }, []],
    ["started since", observed(), { since: at(-1) }, []],
    ["within the clocks' precision", observed(), { since: at(1.9) }, []],
    [
      "started before the restart",
      observed(),
      { since: at(5) },
      ["its process started 5.0 s before the restart began"],
    ],
    [
      "a node whose clock is an hour fast",
      { ...observed(), localTime: recordedStart + 10 - 3600 },
      { since: at(-3600 + 5) },
      ["its process started 5.0 s before the restart began"],
    ],
    [
      "a node whose clock is an hour slow",
      { ...observed(), localTime: recordedStart + 10 + 3600 },
      { since: at(3600 - 1) },
      [],
    ],
    ["no answer", "its metrics cannot be read: why", {}, ["its metrics cannot be read: why"]],
  ];
  for (const [name, probed, expectation, expected] of cases) {
    test(name, () => {
      const found = reasons(probed, expectation);
      assert.equal(found.length, expected.length, found.join("; "));
      for (const [i, pattern] of expected.entries()) {
        if (typeof pattern === "string") assert.equal(found[i], pattern);
        else assert.match(found[i] ?? "", pattern);
      }
    });
  }

  test("another configuration", () => {
    const standard = standardOf({}, { clusterCIDR: "10.1.0.0/16", mode: "iptables" }, fleetOf([]));
    const { verdict, reasons } = judgeAnswers(nodeWith(), answered(observed()), standard);
    assert.equal(verdict, "failed");
    assert.deepEqual(reasons, ['it has loaded clusterCIDR "10.244.0.0/16", not "10.1.0.0/16"']);
  });
});

describe("answers", () => {
  test("a recorded page in each mode", () => {
    for (const mode of ["iptables", "nftables"] as const) {
      const observation = readAnswers(answers(mode)) as Observation;
      assert.equal(observation.mode, mode);
      assert.deepEqual([...observation.lastSync.keys()], ["IPv4", "IPv6"]);
      assert.deepEqual([...observation.failures], []);
      assert.ok((syncDelay(observation) ?? 0) > 1 && (syncDelay(observation) ?? 0) < 2);
    }
  });
  const garbage: [string, Parameters<typeof answers>[1], RegExp][] = [
    ["no metrics", { metrics: "<html>" }, /\/metrics is not kube-proxy's/],
    ["empty metrics", { metrics: "" }, /\/metrics is not kube-proxy's/],
    ["a start that is no number", { metrics: "process_start_time_seconds soon\n" }, /\/metrics is not/],
    ["no mode", { proxyMode: "\u001b[2J" }, /\/proxyMode is not kube-proxy's: "\\u001b\[2J"/],
    ["no JSON", { configz: "{" }, /\/configz is not/],
    ["another component's configz", { configz: '{"kubelet.config.k8s.io":{}}' }, /\/configz is not/],
  ];
  for (const [name, change, reason] of garbage) {
    test(name, () => {
      assert.match(readAnswers(answers("iptables", change)) as string, reason);
    });
  }

  test("the text format", () => {
    const text = [
      "# HELP a b",
      "plain 1",
      'labels{a="x,y",b="\\"q\\" \\\\ \\n"} 1.5e+09 1700000000000',
      'trailing{a="x",} +Inf\r',
      "no sample at all",
      "plain",
    ].join("\n");
    assert.deepEqual(
      samplesOf(text, () => true),
      [
        { name: "plain", labels: {}, value: 1 },
        { name: "labels", labels: { a: "x,y", b: '"q" \\ \n' }, value: 1.5e9 },
        { name: "trailing", labels: { a: "x" }, value: Infinity },
      ],
    );
  });

  test("a hostile line does not take long", () => {
    const started = performance.now();
    samplesOf(`a{${'b="'.repeat(200_000)}\n${"a".repeat(1_000_000)}`, () => true);
    assert.ok(performance.now() - started < 1000);
  });
});

test("the metrics port is the configured one", () => {
  const addresses = [undefined, "", "0.0.0.0:10249", "127.0.0.1:20249", "[::1]:20250"];
  assert.deepEqual(
    addresses.map((metricsBindAddress) => metricsPortOf({ metricsBindAddress })),
    [10249, 10249, 10249, 20249, 20250],
  );
});

describe("the loaded configuration", () => {
  const { configuration } = observed();
  const cases: [string, Record<string, unknown>, Record<string, unknown>, string[]][] = [
    [
      "unset fields are kube-proxy's",
      { clusterCIDR: "", conntrack: { min: null }, configSyncPeriod: "0s" },
      configuration,
      [],
    ],
    ["a duration in another form", { configSyncPeriod: "900s" }, configuration, []],
    ["another duration", { iptables: { syncPeriod: "1m" } }, configuration, ["iptables.syncPeriod"]],
    ["a section of another mode", { nftables: { syncPeriod: "1m" } }, configuration, []],
    [
      "false is a value",
      { iptables: { localhostNodePorts: false } },
      configuration,
      ["iptables.localhostNodePorts"],
    ],
    ["what a flag overrides", { hostnameOverride: "other", logging: { verbosity: 5 } }, configuration, []],
    ["a field that is missing", { nodePortAddresses: ["10.0.0.0/8"] }, configuration, ["nodePortAddresses"]],
    [
      "the internal type",
      { clusterCIDR: "10.1.0.0/16,fd00::/56", bindAddress: "::", iptables: { syncPeriod: "1m" } },
      { BindAddress: "0.0.0.0", DetectLocal: { ClusterCIDRs: ["10.1.0.0/16", "fd00::/56"] } },
      ["bindAddress"],
    ],
  ];
  for (const [name, declared, loaded, paths] of cases) {
    test(name, () => {
      assert.deepEqual(
        differingFields(declared, loaded).map(({ path }) => path),
        paths,
      );
    });
  }
});

describe("the report", () => {
  const standard = standardOf({}, undefined, fleetOf([]));
  const good = (name: string, delay: number) => {
    const observation = { ...observed(), lastSync: new Map([["IPv4", recordedStart + delay]]) };
    return judgeAnswers(nodeWith({}, name), answered({ ...observation, lastQueued: new Map() }), standard);
  };
  const bad = judgeAnswers(nodeWith({}, "c"), answered("its metrics cannot be read: why"), standard);
  const away = judgeFromCluster({ ...nodeWith({}, "d"), notReady: "Gone" }, standard);
  assert.ok(away);

  test("the worst first", () => {
    const report = reportOf("kube-proxy", [good("a", 1), good("b", 2), away, bad], 1500);
    assert.deepEqual(
      report.nodes.map(({ node, verdict }) => `${node} ${verdict}`),
      ["c failed", "d excluded", "b verified", "a verified"],
    );
    assert.equal(report.ok, false);
    const text = formatReport(report);
    assert.match(
      text,
      /^NODE +POD +AGE +SYNCED AFTER +MODE +SERVICE +VERDICT\nc +kube-proxy-c +- +- +- +1\.25s +failed: its metrics/,
    );
    assert.match(text, /2 of 3 nodes verified, 1 NotReady and excluded, after 1\.5 s\.$/);
  });

  test("a Service that does not answer fails a node whose metrics say that all is well", () => {
    const { verdict, reasons } = judgeAnswers(nodeWith(), answered(observed(), silent), standard);
    assert.deepEqual([verdict, reasons], ["failed", ["a new Service does not answer"]]);
  });

  test("what could not be asked for fails nothing, but is told", () => {
    const unasked = { verdict: "unasked", reason: "not allowed" } as const;
    const node = judgeAnswers(nodeWith(), answered(observed(), unasked), standard);
    assert.equal(node.verdict, "verified");
    const lines = formatReport(reportOf("kube-proxy", [node, good("a", 1)], 0)).split("\n");
    assert.match(lines[1] ?? "", / iptables +not asked +verified$/);
    assert.equal(lines.at(-1), "Whether a Service answers is not known of 1 of 2 nodes: not allowed.");
  });

  test("excluded nodes fail nothing, but alone prove nothing", () => {
    assert.equal(reportOf("kube-proxy", [good("a", 1), away], 0).ok, true);
    const nothing = reportOf("kube-proxy", [away], 0);
    assert.equal(nothing.ok, false);
    assert.match(formatReport(nothing), /Nothing is proved/);
  });

  test("a thousand good nodes do not hide the bad one", () => {
    const many = Array.from({ length: 999 }, (_, i) => good(`n${i}`, 1));
    const lines = formatReport(reportOf("kube-proxy", [...many, bad], 0)).split("\n");
    assert.match(lines[1] ?? "", /^c /);
    assert.ok(lines.includes("... and 979 more without a finding"));
  });
});

describe("the doctor", () => {
  const fleet = fleetOf(["a", "b", "c", "d"].map((name) => nodeWith({}, name)));
  const well = observed();
  const examine = (sick: Probed | Answered, nodes = fleet) =>
    diagnose(
      nodes,
      new Map([
        ["a", answered(well)],
        ["b", answered(well)],
        ["c", typeof sick === "object" && "service" in sick ? sick : answered(sick)],
        ["d", answered(well)],
      ]),
    );
  const cases: [string, Probed | Answered, RegExp][] = [
    ["another mode", { ...well, mode: "nftables" }, /^mode nftables, whereas 3 of 4 nodes have iptables$/],
    [
      "another configuration",
      { ...well, configuration: { ...well.configuration, clusterCIDR: "10.1.0.0/16" } },
      /is not that of 3 of 4 nodes: clusterCIDR$/,
    ],
    ["failures", { ...well, failures: new Map([["x_failures_total", 2]]) }, /^x_failures_total is 2$/],
    ["never synced", { ...well, lastSync: new Map() }, /^it has never synced/],
    [
      "a sync that waits",
      { ...well, lastQueued: new Map([["IPv4", recordedStart + 9]]), nodeTime: recordedStart + 80 },
      /^a sync has been waiting for 71 s, longer than two sync periods \(60 s\)$/,
    ],
    ["no answer", "its metrics cannot be read: why", /cannot be read: why$/],
    ["a Service that does not answer", answered(well, silent), /^a new Service does not answer$/],
  ];
  for (const [name, sick, finding] of cases) {
    test(name, () => {
      const found = examine(sick);
      assert.deepEqual(
        found.map(({ node, verdict }) => `${node} ${verdict}`),
        ["c outlier", "a healthy", "b healthy", "d healthy"],
      );
      assert.match(found[0]?.findings[0] ?? "", finding);
      const diagnosis = {
        daemonSet: "kube-proxy",
        ok: false,
        healthy: 3,
        outliers: 1,
        excluded: 0,
        nodes: found,
        helpers: [],
        advisories: [],
      };
      const text = formatDiagnosis(diagnosis, "restart --context x");
      assert.match(text, /^ {2}restart it alone: restart --context x --nodes c$/m);
      assert.doesNotMatch(text, /--nodes a/);
    });
  }

  test("a sync that was asked for just now", () => {
    const busy = { ...well, lastQueued: new Map([["IPv4", recordedStart + 9]]) };
    const found = examine(busy).find(({ node }) => node === "c");
    assert.equal(found?.verdict, "healthy");
    assert.equal(found.pendingSeconds, 1);
  });

  test("another revision", () => {
    const nodes = fleetOf(
      ["a", "b", "c", "d"].map((n) => nodeWith({ revision: n === "c" ? "old" : "new" }, n)),
    );
    const [first] = examine(well, nodes);
    assert.deepEqual(first?.findings, ["revision old, whereas 3 of 4 nodes have new"]);
  });

  test("without a majority everybody is named", () => {
    const other = { ...well, mode: "nftables" };
    const found = diagnose(
      fleet,
      new Map([
        ["a", answered(well)],
        ["b", answered(well)],
        ["c", answered(other)],
        ["d", answered(other)],
      ]),
    );
    assert.ok(found.every(({ findings }) => findings.some((text) => text.includes("none has a majority"))));
  });
});
