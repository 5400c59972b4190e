/** A real Prometheus, real nodes: the alert of the node whose syncs stop fires, and ends when that is mended. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { processMetrics, queries } from "../../components/monitoring/dashboard.ts";
import { metrics } from "../../components/monitoring/metrics.ts";
import { recorded } from "../../components/monitoring/recordingRules.ts";
import { prometheusVersion } from "../../lab/prometheus.ts";
import { eventually } from "../e2e/scenario.ts";
import { useLab } from "../e2e/useLab.ts";
import { skip } from "../node/requirements.ts";
import { refuseSyncs } from "./refusedSyncs.ts";
import { metricsPort, type PrometheusServer, startPrometheus } from "./server.ts";

const [faulty, other] = ["real-1", "real-2"];
const committed = readFileSync(join(import.meta.dirname, "..", "..", "monitoring", "rules.yaml"), "utf8");
/** The committed rules, with a ninth of the patience: what they wait for otherwise is tried by promtool. */
const impatient = committed.replaceAll("[3m]", "[20s]").replaceAll("for: 3m", "for: 20s");

suite("Prometheus and two real nodes", { skip }, () => {
  const at = useLab({ name: `t${process.pid}-prometheus`, realNodes: 2 });
  let server: PrometheusServer;
  before(async () => {
    const configuration = {
      ...{ mode: "nftables", conntrack: { maxPerCore: 0 } },
      metricsBindAddress: `0.0.0.0:${metricsPort}`,
    };
    const scenario = await at.open({ podSubnet: at.lab.podSubnet, configuration });
    await scenario.up();
    server = await startPrometheus(at.lab, impatient, "2s");
  });
  after(async () => {
    await (server as PrometheusServer | undefined)?.stop();
  });

  test("both are scraped, their mode is told, and no alert fires", async () => {
    await eventually("the mode of both nodes", async () => {
      const modes = await server.query(recorded.mode);
      const found = modes.map(({ metric }) => `${metric["node"]} ${metric["mode"]}`).sort();
      return found.join() === `${faulty} nftables,${other} nftables`;
    });
    assert.deepEqual(await server.firing(), []);
    const { version } = await server.ask<{ version: string }>("status/buildinfo");
    assert.equal(version, prometheusVersion);
  });

  test("it accepts every query of the dashboard, and has what those show of a fleet that is well", async () => {
    // Of those: nothing is wrong, nothing changes, and there is no kube-state-metrics.
    const mayBeEmpty =
      /^Ready nodes|^Alerts|^No sync has ended|^Failures|^How long|[Cc]hanges? |^First syncs? /;
    for (const { panel, expr } of queries()) {
      const answered = async () => (await server.query(expr)).length > 0;
      if (mayBeEmpty.test(panel)) await answered();
      else await eventually(`a value in panel "${panel}" of ${expr}`, answered, 30);
    }
    for (const name of Object.values(processMetrics))
      assert.equal((await server.query(name)).length, 2, name);
  });

  test("the alert of a node whose syncs are refused fires, of no other, and ends when that is mended", async (t) => {
    assert.notEqual(impatient, committed);
    const planted = Date.now();
    const mend = await refuseSyncs(at.lab, faulty, "changes");
    let mended = false;
    try {
      await eventually("an alert", async () => (await server.firing()).length > 0, 180);
      t.diagnostic(`fires ${(Date.now() - planted) / 1000} s after the fault was planted`);
      assert.deepEqual(await server.firing(), [`KubeProxyRulesNotSynced ${faulty}`]);
      await mend();
      mended = true;
      const since = Date.now();
      await eventually("the end of the alert", async () => (await server.firing()).length === 0);
      t.diagnostic(`ends ${(Date.now() - since) / 1000} s after it was mended`);
    } finally {
      if (!mended) await mend();
    }
    const late = await server.query(`${metrics.lastQueued.name} > ${metrics.lastSync.name}`);
    assert.deepEqual(late, [], "not synced, although no alert says so");
  });
});
