/** A real Prometheus that scrapes the kube-proxies of a lab's real nodes, at their nodes' addresses. */
import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { type Lab, status } from "../../lab/index.ts";
import { freePorts } from "../../lab/network.ts";
import { prometheus } from "../../lab/prometheus.ts";
import { nodeIP, realNodeAddresses } from "../../lab/real/addresses.ts";

/** Where kube-proxy serves its metrics, as `metricsBindAddress` has to say. */
export const metricsPort = 10249;

/** A sample: seconds since 1970, and a value. */
export type Sample = readonly [at: number, value: string];

/** A series, as Prometheus' API answers. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Sample;
  readonly values?: readonly Sample[];
}

/** An alert that is pending or fires. */
export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: "pending" | "firing";
}

/** A Prometheus that runs. */
export interface PrometheusServer {
  /** Asks its API; fails with what Prometheus says. */
  ask<T>(path: string, parameters?: Readonly<Record<string, string>>): Promise<T>;
  query(expr: string): Promise<readonly Series[]>;
  /** Names and nodes of the alerts that fire, as `NAME NODE`, in order. */
  firing(): Promise<string[]>;
  /** Ends it, and removes what it wrote. */
  stop(): Promise<void>;
}

/** Starts Prometheus with these rules, which scrapes and evaluates every `interval`. */
export async function startPrometheus(lab: Lab, rules: string, interval: string): Promise<PrometheusServer> {
  const file = await prometheus(console.log);
  const ways = await Promise.all(lab.realNodes.map((_, index) => wayTo(lab, index)));
  const folder = mkdtempSync(join(tmpdir(), "prometheus-"));
  const [port] = await freePorts(1);
  const targets = ways.map((way, index) => ({
    targets: [`127.0.0.1:${way.port}`],
    labels: { node: lab.realNodes[index], daemonset: "kube-proxy" },
  }));
  const configuration = {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: ["rules.yaml"],
    scrape_configs: [{ job_name: "kube-proxy", static_configs: targets }],
  };
  writeFileSync(join(folder, "rules.yaml"), rules);
  writeFileSync(join(folder, "prometheus.yaml"), JSON.stringify(configuration)); // JSON is YAML.
  const log = join(folder, "log");
  const args = [
    `--config.file=${join(folder, "prometheus.yaml")}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const output = openSync(log, "a");
  const child = spawn(file, args, { cwd: folder, stdio: ["ignore", output, output] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const kill = (): void => void child.kill();
  process.once("exit", kill);

  const url = `http://127.0.0.1:${port}`;
  const ask = async <T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> => {
    const response = await fetch(`${url}/api/v1/${path}?${String(new URLSearchParams(parameters))}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== "success") throw new Error(`${path} ${parameters["query"]}: ${answer.error}`);
    return answer.data;
  };
  const stop = async (): Promise<void> => {
    kill();
    await ended;
    process.off("exit", kill);
    for (const way of ways) way.close();
    rmSync(folder, { recursive: true });
  };
  try {
    const deadline = Date.now() + 60_000;
    while (!(await isReady(url))) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`Prometheus does not get ready:\n${readFileSync(log, "utf8")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ask,
    stop,
    query: async (query) => (await ask<{ result: Series[] }>("query", { query })).result,
    firing: async () => {
      const { alerts } = await ask<{ alerts: ActiveAlert[] }>("alerts");
      return alerts
        .filter(({ state }) => state === "firing")
        .map(({ labels }) => `${labels["alertname"]} ${labels["node"]}`)
        .sort();
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`)).ok;
  } catch {
    return false;
  }
}

/** A port of this machine's loopback interface that leads to a node's metrics, through the gateway of the nodes' network. */
async function wayTo(lab: Lab, index: number): Promise<{ port: number; close: () => void }> {
  const components = (await status(lab.name))?.components;
  const gateway = components?.find(({ name }) => name === "gateway");
  if (gateway === undefined) throw new Error(`${lab.dir}: the lab has no gateway, and so no real node`);
  const ca = readFileSync(join(lab.dir, "pki", "ca.crt"));
  const target = `${nodeIP(realNodeAddresses(index))}:${metricsPort}`;
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect({ host: "127.0.0.1", port: gateway.port, ca });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    upstream.once("secureConnect", () => {
      upstream.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
      upstream.once("data", (head: Buffer) => {
        if (!/^HTTP\/1\.\d 200/.test(head.toString("latin1"))) return void client.destroy();
        client.pipe(upstream).pipe(client);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
