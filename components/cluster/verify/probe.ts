import { get, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { sizeOf } from "../body.ts";
import { ending } from "../ending.ts";
import { reasonOf } from "./errors.ts";
import { type Metrics, readAnswers, readMetrics } from "./observation.ts";
import { openTunnel, type Target, TunnelAgent } from "./tunnel.ts";
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

/**
 * Longest time for a connection to a kube-proxy to be there, and then for what is asked over it at once, in milliseconds.
 * Both take about 20.
 */
const probeTimeoutMs = 5000;

/** The same over a connection that was there before, in milliseconds: whoever does not answer by then is asked over another. */
const keptTimeoutMs = 1000;

/** Longest bodies in bytes. A metrics page has about 100,000, a configuration 3000. */
const maxBody = { "/metrics": 8 * 1024 * 1024, "/proxyMode": 1024, "/configz": 256 * 1024 } as const;

/**
 * Asks the kube-proxy in a pod for its metrics, mode and configuration, see {@link Line}.
 *
 * @returns what it answered, or in one sentence why that cannot be had; whatever the pod does, this does not throw
 */
export async function probe(config: KubeConfig, target: Target, signal: AbortSignal): Promise<Probed> {
  const line = new Line(config, target, signal);
  try {
    return await line.ask();
  } finally {
    line.close();
  }
}

/**
 * A line to the kube-proxy in a pod, through the API server's port-forward: the metrics address is on the node's loopback
 * interface, and nothing has to be opened for this. To open a connection costs more than all that is asked over it, so it is
 * kept until the line is closed. Whatever the pod does, asking does not throw.
 */
export class Line {
  readonly #config: KubeConfig;
  readonly #target: Target;
  readonly #signal: AbortSignal;
  #connection: Connection | undefined;

  /** @param signal - ends the connection, and whatever is being asked */
  constructor(config: KubeConfig, target: Target, signal: AbortSignal) {
    this.#config = config;
    this.#target = target;
    this.#signal = AbortSignal.any([signal, ...ending()]);
  }

  /** Asks for metrics, mode and configuration: an observation, or in one sentence why there is none. */
  ask(): Promise<Probed> {
    return this.#ask(async (read) => {
      const metrics = await read("/metrics");
      const localTime = Date.now() / 1000;
      const [proxyMode, configz] = [await read("/proxyMode"), await read("/configz")];
      return readAnswers({
        metrics: metrics.body,
        proxyMode: proxyMode.body,
        configz: configz.body,
        nodeTime: (metrics.date ?? Date.now()) / 1000,
        localTime,
      });
    });
  }

  /** Asks for the metrics alone. */
  askMetrics(): Promise<Metrics | string> {
    return this.#ask(async (read) => readMetrics((await read("/metrics")).body));
  }

  /** Ends the connection; what is asked after that opens another. */
  close(): void {
    this.#connection?.agent.destroy();
    this.#connection?.tunnel.destroy();
    this.#connection = undefined;
  }

  async #ask<T>(questions: (read: Read) => Promise<T>): Promise<T | string> {
    const isKept = this.#connection !== undefined;
    let signal = this.#signal;
    try {
      const { agent, ended } = await this.#open();
      const { pod } = this.#target;
      const timeout = AbortSignal.timeout(isKept ? keptTimeoutMs : probeTimeoutMs);
      signal = AbortSignal.any([this.#signal, timeout]);
      return await questions((path) => Promise.race([fetchText({ agent, pod, path, signal }), ended]));
    } catch (error) {
      this.close();
      // Somebody on the way may have ended it for its silence, and not always says so.
      if (isKept && !this.#signal.aborted) return await this.#ask(questions);
      const isLate = signal.aborted || (error instanceof DOMException && error.name === "TimeoutError");
      return `its metrics cannot be read: ${isLate ? abortReason(this.#signal) : reasonOf(error)}`;
    }
  }

  async #open(): Promise<Connection> {
    if (this.#connection !== undefined) return this.#connection;
    const { pod, port } = this.#target;
    const bounds = { withinMs: probeTimeoutMs, until: this.#signal };
    const tunnel = await openTunnel(this.#config, { pod, port }, bounds);
    // A request over a connection that has ended before would wait for ever: a refusal may come as early as that.
    const ended = finished(tunnel).then(() => Promise.reject(new Error("the connection was closed")));
    ended.catch(() => undefined); // As it is when all is done.
    return (this.#connection = { agent: new TunnelAgent(tunnel), tunnel, ended });
  }
}

interface Connection {
  readonly agent: TunnelAgent;
  readonly tunnel: Duplex;
  /** Rejects when it has ended. */
  readonly ended: Promise<never>;
}

type Read = (path: keyof typeof maxBody) => Promise<Answer>;

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
