/**
 * Stands in for the kube-proxies of a lab's nodes, of which kwok only pretends that they run: whoever forwards port
 * 10249 of their pods, or 10247 of helpers', reaches this server. It tells the pods apart by the request's Host and answers as each of them
 * would, from what the API server says of the pod; `writeFaults` makes some of them answer otherwise.
 *
 * Run by `start.ts` as a process of its own: `node kubeProxy.ts DIR PORT [GATEWAY]`. In a lab without real nodes it
 * also is the gateway by which the API server reaches the nodes' addresses.
 */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";

import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { parse } from "yaml";

import { type Fault, readFault } from "./faults.ts";
import { type Mode, modes } from "./modes.ts";
import { playNodeAddresses } from "./nodeAddresses.ts";

const namespace = "kube-system";

/** Where a helper in a switch between modes has its configuration, instead of in a ConfigMap. */
const helperConfiguration = "kube-proxy/helper-configuration";

/** Seconds from a process' start to its first sync. On a real node: 1.5, most of which is the start. */
const firstSync = 0.3;

/** A pod as the stand-in remembers it. */
interface KubeProxy {
  node: string;
  /** Seconds since 1970. */
  started: number;
  configuration: Record<string, unknown>;
  mode: Mode;
}

const [dir = "", port = "", gateway] = process.argv.slice(2);
const config = new KubeConfig();
config.loadFromFile(join(dir, "super-admin.conf"));
const api = config.makeApiClient(CoreV1Api);

/** Recorded from kube-proxy v1.37.2, see kwok/metrics/README.md. */
const recorded = Object.fromEntries(
  modes.map((mode) => [mode, readFileSync(join(import.meta.dirname, "kwok/metrics", `${mode}.txt`), "utf8")]),
) as Record<Mode, string>;

const known = new Map<string, KubeProxy>();
let reading: Promise<void> | undefined;

/**
 * A pod's process and configuration never change: it is remembered once it has been seen running. For an unknown one
 * all are listed, because whoever asks about one asks about a thousand.
 */
async function kubeProxyOf(pod: string): Promise<KubeProxy> {
  // A list that is under way may have been made before the pod was.
  for (let attempt = 0; attempt < 2 && !known.has(pod); attempt += 1) {
    reading ??= readPods().finally(() => (reading = undefined));
    await reading;
  }
  const proxy = known.get(pod);
  if (proxy === undefined)
    throw new Error(`pod ${JSON.stringify(pod)} is not in ${namespace}, or does not run`);
  return proxy;
}

async function readPods(): Promise<void> {
  const { items } = await api.listNamespacedPod({ namespace });
  const configurations = new Map<string, Promise<Record<string, unknown>>>();
  for (const { metadata, spec, status } of items) {
    const name = metadata?.name ?? "";
    const started = status?.containerStatuses?.[0]?.state?.running?.startedAt;
    const configMap = spec?.volumes?.find((volume) => volume.configMap !== undefined)?.configMap?.name;
    const own = metadata?.annotations?.[helperConfiguration];
    const source = own ?? configMap;
    if (known.has(name) || started === undefined || source === undefined) continue;
    const reading =
      configurations.get(source) ??
      (own === undefined ? readConfiguration(source) : Promise.resolve(parse(own)));
    configurations.set(source, reading as Promise<Record<string, unknown>>);
    const configuration = (await reading) as Record<string, unknown>;
    const mode = modes.find((one) => one === configuration["mode"]) ?? "iptables";
    known.set(name, { node: spec?.nodeName ?? "", started: started.getTime() / 1000, configuration, mode });
  }
}

async function readConfiguration(name: string): Promise<Record<string, unknown>> {
  const { data } = await api.readNamespacedConfigMap({ name, namespace });
  return parse(data?.["config.conf"] ?? "") as Record<string, unknown>;
}

let questions = 0;

function metricsOf({ mode, started }: KubeProxy, fault: Fault | undefined): string {
  const now = Date.now() / 1000;
  const start = fault === "oldProcess" ? started - 86_400 : started;
  const synced = fault === "staleSync" ? start - 60 : start + firstSync;
  const hasSynced = fault !== "neverSynced" && synced <= now;
  return recorded[mode]
    .replace(/^(process_start_time_seconds) .*$/m, `$1 ${start}`)
    .replace(
      /^(kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds(?:\{.*\})?) .*$/gm,
      `$1 ${start + 0.1}`,
    )
    .replace(
      /^(kubeproxy_sync_proxy_rules_last_timestamp_seconds(?:\{.*\})?) .*\n/gm,
      hasSynced ? `$1 ${synced}\n` : "",
    )
    .concat(fault === "failuresGrow" ? `${failureCounter(mode)}{ip_family="IPv4"} ${questions}\n` : "");
}

/** Absent until there is a failure, so that none was recorded. */
function failureCounter(mode: Mode): string {
  const what = mode === "nftables" ? "nftables_sync" : "iptables_restore";
  return `kubeproxy_sync_proxy_rules_${what}_failures_total`;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === "/healthz") {
    response.end("ok");
    return;
  }
  questions += 1;
  const proxy = await kubeProxyOf(request.headers.host ?? "");
  const fault = readFault(dir, proxy.node);
  if (fault !== undefined && misbehave(fault, request.socket, response)) return;

  if (request.url === "/metrics") {
    response.setHeader("content-type", "text/plain; version=0.0.4; charset=utf-8");
    response.end(fault === "noMetrics" ? "<html>nothing here</html>" : metricsOf(proxy, fault));
  } else if (request.url === "/proxyMode") {
    const other = proxy.mode === "iptables" ? "nftables" : "iptables";
    response.end(fault === "wrongMode" ? other : proxy.mode);
  } else if (request.url === "/configz") {
    const changed = fault === "wrongConfiguration" ? { clusterCIDR: "192.0.2.0/24" } : {};
    const loaded = { ...proxy.configuration, mode: proxy.mode, ...changed };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ "kubeproxy.config.k8s.io": loaded }));
  } else {
    response.writeHead(404).end();
  }
}

/** Does to the connection what the fault says; false when it is one of the answers' content. */
function misbehave(fault: Fault, socket: Socket, response: ServerResponse): boolean {
  switch (fault) {
    case "slow":
      return true;
    case "reset":
      socket.resetAndDestroy();
      return true;
    case "garbage":
      socket.end("\u0000\u0001garbage\u0007\r\n".repeat(100));
      return true;
    case "huge": {
      const chunk = Buffer.alloc(1024 * 1024, "x");
      const fill = (): void => {
        while (!response.destroyed && response.write(chunk)) continue;
      };
      response.on("drain", fill);
      fill();
      return true;
    }
    default:
      return false;
  }
}

// As kube-proxy, which ends no connection for its silence.
createServer({ keepAliveTimeout: 0 }, (request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error);
    response.writeHead(500).end(String(error));
  });
}).listen(Number(port), "127.0.0.1");
if (gateway !== undefined) playNodeAddresses(dir, Number(gateway), config);
