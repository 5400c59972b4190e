/** The files of `monitoring` are what is generated, name nothing that nobody exposes, and have a runbook for each alert. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { alerts, runbooks } from "../../components/monitoring/alerts.ts";
import { monitoringFiles, ruleGroups } from "../../components/monitoring/files.ts";
import {
  everyName,
  failureCounters,
  type Metric,
  metrics,
  type Mode,
} from "../../components/monitoring/metrics.ts";
import { recorded, recordingRules } from "../../components/monitoring/recordingRules.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (...path: string[]): string => readFileSync(join(root, ...path), "utf8");

/** The series of kube-state-metrics that rules read, by its documentation. */
const ofKubeStateMetrics: readonly string[] = [
  "kube_daemonset_status_desired_number_scheduled",
  "kube_daemonset_status_updated_number_scheduled",
  "kube_node_status_condition",
  "kube_pod_info",
  "kube_pod_labels",
  "kube_pod_status_phase",
];

suite("the files of monitoring", () => {
  for (const [name, text] of Object.entries(monitoringFiles())) {
    test(`${name} is what is generated`, () => {
      assert.equal(read("monitoring", name), text, 'it is not: "npm run monitoring" writes it');
    });
  }

  test("the PrometheusRule has the rules of the rule file", () => {
    const { spec } = parse(read("monitoring", "prometheusRule.yaml")) as { spec: unknown };
    assert.deepEqual(spec, parse(read("monitoring", "rules.yaml")));
    assert.deepEqual(spec, JSON.parse(JSON.stringify(ruleGroups())));
  });

  test("rules read nothing but what kube-proxy, Prometheus, kube-state-metrics or a rule before them gives", () => {
    const known = new Set([
      ...everyName().flatMap((name) => [name, `${name}_bucket`, `${name}_count`]),
      ...ofKubeStateMetrics,
    ]);
    for (const { record, expr } of [
      ...recordingRules,
      ...alerts.map(({ name, expr }) => ({ record: name, expr })),
    ]) {
      const names = expr.match(
        /\b(kubeproxy_|kube_|kubernetes_|process_|node:|mode:|cluster:|daemonset:)[a-z0-9_:]+/g,
      );
      for (const name of names ?? []) assert.ok(known.has(name), `${record} reads ${name}`);
      known.add(record);
    }
    assert.deepEqual(
      Object.values<string>(recorded).filter((name) => !known.has(name)),
      [],
    );
  });

  const pages: Readonly<Record<Mode, string>> = {
    iptables: read("tests", "monitoring", "recorded", "iptables.prom"),
    nftables: read("tests", "monitoring", "recorded", "nftables.prom"),
    ipvs: read("lab", "kwok", "metrics", "ipvs.txt"),
  };
  for (const [mode, page] of Object.entries(pages) as [Mode, string][]) {
    test(`a kube-proxy of 1.37 in mode ${mode} exposes what the table says, and nothing of another mode`, () => {
      const exposed = (name: string) => new RegExp(`^${name}(_count)?[{ ]`, "m").test(page);
      for (const metric of Object.values<Metric>(metrics)) {
        // There from the first failure on; and that of ipvs was recorded before any change.
        const later =
          failureCounters.includes(metric) || (mode === "ipvs" && metric === metrics.programmingDuration);
        const expected = metric.since[mode] !== undefined && !later;
        assert.equal(exposed(metric.name), expected, metric.name);
        for (const label of Object.keys(expected ? (metric.labels ?? {}) : {})) {
          assert.match(page, new RegExp(`^${metric.name}(_count)?{.*\\b${label}="`, "m"));
        }
      }
    });
  }

  test("the PodMonitor gives the labels that rules read, and reaches the port that it opens", () => {
    const objects = parseAllDocuments(read("monitoring", "podMonitor.yaml")).map(
      (document) => document.toJS() as { kind: string; spec: unknown; rules: unknown },
    );
    const one = (kind: string) => objects.find((object) => object.kind === kind);
    const monitor = one("PodMonitor")?.spec as {
      selector: { matchLabels: object };
      podMetricsEndpoints: { port: string; relabelings: { targetLabel: string; replacement?: string }[] }[];
    };
    const daemonSet = one("DaemonSet")?.spec as {
      template: {
        metadata: { labels: object };
        spec: { containers: { args: string[]; ports: { name: string; containerPort: number }[] }[] };
      };
    };
    const [endpoint] = monitor.podMetricsEndpoints;
    const [container] = daemonSet.template.spec.containers;
    const [port] = container?.ports ?? [];
    assert.deepEqual(monitor.selector.matchLabels, daemonSet.template.metadata.labels);
    assert.equal(endpoint?.port, port?.name);
    assert.ok(container?.args.includes(`--secure-listen-address=[$(IP)]:${port?.containerPort}`));
    assert.ok(container?.args.includes("--allow-paths=/metrics"));
    const labels = new Map(endpoint?.relabelings.map((one) => [one.targetLabel, one.replacement]));
    assert.deepEqual([...labels.keys()], ["job", "node", "daemonset"]);
    assert.equal(labels.get("job"), "kube-proxy");
  });
});

suite("runbooks", () => {
  const folder = join(root, runbooks);
  const names = alerts.map(({ name }) => name);
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };

  test("each alert has one, and each is of an alert", () => {
    assert.deepEqual(readdirSync(folder).sort(), names.map((name) => `${name}.md`).sort());
  });

  for (const name of names) {
    const page = read(runbooks, `${name}.md`);
    test(`${name} begins with a command`, () => {
      assert.match(
        page,
        new RegExp(`^# ${name}\n\n\`\`\`console\n\\$ npm run --silent (doctor|restart-nodes) -- `),
      );
    });
    test(`the page of alerts has ${name}`, () => {
      assert.ok(read("docs", "monitoring.md").includes(`| [${name}](runbooks/${name}.md) `));
    });
  }

  test("commands exist, and accept the options", () => {
    const pages = names.map((name) => read(runbooks, `${name}.md`)).join("\n");
    const commands = new Set(
      [...pages.matchAll(/^\$ npm run --silent (.*)$/gm)].map(([, line = ""]) => line),
    );
    assert.ok(commands.size >= 2);
    for (const line of commands) {
      const [script = "", , ...args] = line.split(" ");
      const command = scripts[script];
      assert.ok(command !== undefined, `package.json has no script ${script}`);
      const [, ...own] = command.split(" ");
      // Options are read before help is given.
      const { status, stderr } = spawnSync(process.execPath, [...own, ...args, "--help"], {
        cwd: root,
        encoding: "utf8",
      });
      assert.equal(status, 0, `${line}: ${stderr}`);
    }
  });
});
