import { get, type IncomingMessage } from "node:http";
import { finished } from "node:stream/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { sizeOf } from "../body.ts";
import { ending } from "../ending.ts";
import { reasonOf } from "./errors.ts";
import { readAnswers, type Answers } from "./observation.ts";
import { openTunnel, TunnelAgent } from "./tunnel.ts";
import type { Probed } from "./types.ts";

/** Where kube-proxy serves its metrics unless its configuration says otherwise. */
const defaultMetricsPort = 10249;

/** The port at which a kube-proxy with this configuration serves its metrics. */
export function metricsPortOf(configuration: Readonly<Record<string, unknown>> | undefined): number {
  const address = configuration?.["metricsBindAddress"];
  const port = typeof address === "string" ? /:(\d+)$/.exec(address)?.[1] : undefined;
  return port === undefined ? defaultMetricsPort : Number(port);
}

/** kube-proxies asked at once: each costs the API server and a kubelet one connection. */
export const probeConcurrency = 50;

/** Longest time for one kube-proxy to answer all three questions, in milliseconds. It takes about 20. */
const probeTimeoutMs = 5000;

/** Longest bodies in bytes. A metrics page has about 100,000, a configuration 3000. */
const maxBody = { "/metrics": 8 * 1024 * 1024, "/proxyMode": 1024, "/configz": 256 * 1024 } as const;

/** Whom {@link probe} asks. */
export interface Target {
  readonly pod: string;
  /** See {@link metricsPortOf}. */
  readonly port: number;
}

/**
 * Asks the kube-proxy in a pod for its metrics, mode and configuration, through the API server's port-forward: the
 * metrics address is on the node's loopback interface, and nothing has to be opened for this.
 *
 * @returns what it answered, or in one sentence why that cannot be had; whatever the pod does, this does not throw
 */
export async function probe(config: KubeConfig, { pod, port }: Target, signal: AbortSignal): Promise<Probed> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs), ...ending()]);
  try {
    return readAnswers(await ask(config, { pod, port }, bounded));
  } catch (error) {
    return `its metrics cannot be read: ${bounded.aborted ? abortReason(signal) : reasonOf(error)}`;
  }
}

async function ask(config: KubeConfig, { pod, port }: Target, signal: AbortSignal): Promise<Answers> {
  const tunnel = await openTunnel(config, pod, port, signal);
  const agent = new TunnelAgent(tunnel);
  try {
    // A request over a connection that has ended before would wait for ever: a refusal may come as early as that.
    const ended = finished(tunnel).then(() => Promise.reject(new Error("the connection was closed")));
    ended.catch(() => undefined); // As it is when all is done.
    const read = (path: keyof typeof maxBody): Promise<Answer> =>
      Promise.race([fetchText({ agent, pod, path, signal }), ended]);
    const metrics = await read("/metrics");
    const localTime = Date.now() / 1000;
    const [proxyMode, configz] = [await read("/proxyMode"), await read("/configz")];
    return {
      metrics: metrics.body,
      proxyMode: proxyMode.body,
      configz: configz.body,
      nodeTime: (metrics.date ?? Date.now()) / 1000,
      localTime,
    };
  } finally {
    agent.destroy();
    tunnel.destroy();
  }
}

interface Question {
  readonly agent: TunnelAgent;
  readonly pod: string;
  readonly path: keyof typeof maxBody;
  readonly signal: AbortSignal;
}

interface Answer {
  readonly body: string;
  /** The server's clock, in milliseconds since 1970. */
  readonly date: number | undefined;
}

async function fetchText({ agent, pod, path, signal }: Question): Promise<Answer> {
  // HTTP wants a name for who is asked; the pod's is as good as any, and tells who is meant in a trace.
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ agent, path, signal, headers: { host: pod } }, resolve).on("error", reject);
  });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBody[path]) throw new Error(`${path} is longer than ${sizeOf(maxBody[path])}`);
    chunks.push(chunk);
  }
  if (response.statusCode !== 200) throw new Error(`${path} answers with status ${response.statusCode}`);
  const date = Date.parse(response.headers.date ?? "");
  return { body: Buffer.concat(chunks).toString(), date: Number.isNaN(date) ? undefined : date };
}

function abortReason(signal: AbortSignal): string {
  return signal.aborted ? "the deadline has passed" : `no complete answer within ${probeTimeoutMs / 1000} s`;
}
