/**
 * Records what `docs/pictures/alert.svg` shows, and draws it: `node tests/monitoring/recordAlert.ts`, some 9 minutes. Needs
 * root, as real nodes do. The rules are the committed ones, with all their patience.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { metrics } from "../../components/monitoring/metrics.ts";
import { down, up } from "../../lab/index.ts";
import { prometheusVersion } from "../../lab/prometheus.ts";
import { eventually, Scenario } from "../e2e/scenario.ts";
import { chooseEngine } from "../engine/index.ts";
import { type AlertRecording, draw } from "./alertPicture.ts";
import { refuseSyncs } from "./refusedSyncs.ts";
import { metricsPort, type PrometheusServer, type Sample, startPrometheus } from "./server.ts";

const root = join(import.meta.dirname, "..", "..");
const rules = readFileSync(join(root, "monitoring", "rules.yaml"), "utf8");
const alert = "KubeProxyRulesNotSynced";
const faulty = "real-1";
const interval = 5;
/** So many seconds are shown before the fault, after the alert, and after its end. */
const around = 45;

const name = "record-alert";
try {
  const lab = await up({ name, realNodes: 2, log: console.log });
  const configuration = {
    ...{ mode: "nftables", conntrack: { maxPerCore: 0 } },
    metricsBindAddress: `0.0.0.0:${metricsPort}`,
  };
  const scenario = await Scenario.open(await chooseEngine(), lab, {
    podSubnet: lab.podSubnet,
    configuration,
  });
  try {
    await scenario.up();
    const server = await startPrometheus(lab, rules, `${interval}s`);
    try {
      const fires = async () => (await server.firing()).includes(`${alert} ${faulty}`);
      const start = Date.now() / 1000;
      await sleep(around * 1000);
      const planted = Date.now() / 1000;
      const mend = await refuseSyncs(lab, faulty, "changes");
      try {
        await eventually("an alert", fires, 480);
        await sleep(around * 1000);
      } finally {
        await mend();
      }
      const mended = Date.now() / 1000;
      await eventually("the end of the alert", async () => !(await fires()));
      await sleep(around * 1000);
      await write(server, lab.realNodes, { start, planted, mended });
    } finally {
      await server.stop();
    }
  } finally {
    await scenario.dispose();
  }
} finally {
  await down(name);
}

interface Moments {
  readonly start: number;
  readonly planted: number;
  readonly mended: number;
}

async function write(
  server: PrometheusServer,
  nodes: readonly string[],
  { start, planted, mended }: Moments,
): Promise<void> {
  const end = Date.now() / 1000;
  const since = (at: number) => Math.round((at - start) * 10) / 10;
  const range = async (query: string): Promise<(readonly [number, number])[]> => {
    const parameters = { query, start: String(start), end: String(end), step: String(interval) };
    const { result } = await server.ask<{ result: { values: Sample[] }[] }>("query_range", parameters);
    return (result[0]?.values ?? []).map(([at, value]) => [since(at), Math.round(Number(value) * 10) / 10]);
  };
  const age = (metric: string, node: string) => range(`time() - ${metric}{node="${node}", ip_family="IPv4"}`);
  const state = async (one: string) =>
    (await range(`ALERTS{alertname="${alert}", node="${faulty}", alertstate="${one}"}`)).map(([at]) => at);
  const [build] = await server.query(metrics.buildInfo.name);
  const recording: AlertRecording = {
    ...{ alert, node: faulty, interval, prometheus: prometheusVersion },
    version: build?.metric["git_version"] ?? "",
    ...{ planted: since(planted), mended: since(mended), ended: since(end) },
    pending: await state("pending"),
    firing: await state("firing"),
    nodes: Object.fromEntries(
      await Promise.all(
        nodes.map(async (node) => [
          node,
          {
            synced: await age(metrics.lastSync.name, node),
            queued: await age(metrics.lastQueued.name, node),
          },
        ]),
      ),
    ) as AlertRecording["nodes"],
  };
  const json = JSON.stringify(recording);
  writeFileSync(join(import.meta.dirname, "alert.json"), `${json}\n`);
  writeFileSync(join(root, "docs", "pictures", "alert.svg"), draw(recording));
}
