import { Agent, type OutgoingHttpHeaders } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type ConnectionOptions, createSecureContext } from "node:tls";
import type { KubeConfig } from "@kubernetes/client-node";
import WebSocket from "ws";
import { serverOf } from "../apiError.ts";
import { aborted } from "../concurrency.ts";
import { openThrough, secure } from "../connect.ts";
import { bare, type Proxy } from "../proxy.ts";
import { retryDelay } from "../retry.ts";
import { accessOf, tlsOf } from "../transport.ts";

const namespace = "kube-system";

/** How bytes are told apart that go to the port from what the kubelet says of it: by the first byte of each message. */
const protocol = "v4.channel.k8s.io";
const channels = { data: 0, complaint: 1 } as const;

/** Longest message in bytes. Those of a kubelet have 32 KiB. */
const maxPayload = 1024 * 1024;

/** Where a connection goes. */
export interface Target {
  readonly pod: string;
  readonly port: number;
}

/** How long a connection may take to be there, and how long it may be there. */
export interface Bounds {
  /** In milliseconds, without the time for which the API server asks to wait. */
  readonly withinMs: number;
  readonly until: AbortSignal;
}

/** The API server does not let the connection through. */
class Refusal extends Error {
  readonly status: number;
  readonly retryAfter: string | undefined;

  constructor(status: number, retryAfter: string | undefined) {
    super(
      status === 403
        ? `the user cannot get or create resource "pods/portforward" in namespace "${namespace}"`
        : `the API server answers with status ${status}`,
    );
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/**
 * Opens a connection to a port of a pod, on the loopback interface that the pod sees: `kubectl port-forward` without a
 * port on this machine. Whatever comes through it, it ends no other connection: the client library's own port-forward
 * closes this process' standard output when a message says so, and throws where nobody can catch it.
 *
 * @throws Error when the API server or the kubelet refuses, TimeoutError when none does; a refusal by the pod itself ends
 *   the connection later
 */
export async function openTunnel(
  config: KubeConfig,
  target: Target,
  { withinMs, until }: Bounds,
): Promise<Duplex> {
  for (let attempt = 0; ; attempt++) {
    const given = new AbortController();
    const signal = AbortSignal.any([until, given.signal]);
    const within = AbortSignal.any([until, AbortSignal.timeout(withinMs)]);
    try {
      return await Promise.race([open(config, target, signal), aborted(within)]);
    } catch (error) {
      given.abort(error);
      const delay =
        error instanceof Refusal ? retryDelay(attempt, error.status, error.retryAfter) : undefined;
      if (delay === undefined) throw error;
      await sleep(delay, undefined, { signal: until });
    }
  }
}

async function open(config: KubeConfig, { pod, port }: Target, signal: AbortSignal): Promise<Duplex> {
  signal.throwIfAborted();
  const { options, proxy, headers } = await accessOf(config);
  signal.throwIfAborted();
  const { agent } = options;
  // Certificates are read once, not for each of a thousand connections.
  const secureContext =
    agent instanceof HttpsAgent
      ? (agent.options.secureContext ??= createSecureContext(agent.options))
      : undefined;
  const server = serverOf(config);
  const link = proxy && (await linkThrough(proxy, new URL(server), { ...tlsOf(options), secureContext }));
  if (signal.aborted) link?.destroy();
  signal.throwIfAborted();
  const path = `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(pod)}/portforward?ports=${port}`;
  const socket = new WebSocket(`${server.replace(/^http/, "ws")}${path}`, [protocol], {
    ...options,
    ...(link && { agent: undefined, createConnection: () => link }),
    headers: { ...(options.headers as OutgoingHttpHeaders | undefined), ...headers } as OutgoingHttpHeaders,
    maxPayload,
    perMessageDeflate: false,
  });
  const tunnel = tunnelOf(socket);
  signal.addEventListener("abort", () => tunnel.destroy(signal.reason as Error), { once: true });
  await new Promise<void>((resolve, reject) => {
    socket.on("open", resolve);
    // As long as it is open, the tunnel is told as well.
    socket.on("error", reject);
    socket.on("unexpected-response", (request, response) => {
      const { statusCode = 0, headers } = response;
      reject(new Refusal(statusCode, headers["retry-after"]));
      response.on("error", () => undefined);
      request.destroy();
    });
  });
  return tunnel;
}

async function linkThrough(proxy: Proxy, server: URL, tls: ConnectionOptions): Promise<Socket> {
  const isTls = server.protocol === "https:";
  const peer = { host: bare(server.hostname), port: Number(server.port || (isTls ? 443 : 80)) };
  const socket = await openThrough(proxy, peer, tls);
  return isTls ? secure(socket, peer, tls) : socket;
}

function tunnelOf(socket: WebSocket): Duplex {
  const tunnel = new Duplex({
    read: () => {
      socket.resume();
    },
    write: (chunk: Buffer, _encoding, done) => {
      socket.send(Buffer.concat([Buffer.from([channels.data]), chunk]), done);
    },
    destroy: (error, done) => {
      socket.terminate();
      done(error);
    },
  });
  tunnel.on("error", () => undefined); // Whoever uses the connection is told as well.
  const receive = receiver(tunnel, socket);
  socket.on("message", (message, isBinary) => {
    if (isBinary) receive(message);
    else tunnel.destroy(new Error("the port-forward does not speak its protocol"));
  });
  socket.on("error", (error) => tunnel.destroy(error));
  socket.on("close", () => {
    if (!tunnel.destroyed) tunnel.push(null);
  });
  return tunnel;
}

/** Takes the messages apart: the channel, once for each channel the port, and then what was sent. */
function receiver(tunnel: Duplex, socket: WebSocket): (message: Buffer) => void {
  const begun = new Set<number>();
  return (message) => {
    const [channel] = message;
    if (channel !== channels.data && channel !== channels.complaint) {
      tunnel.destroy(new Error("the port-forward does not speak its protocol"));
      return;
    }
    const content = message.subarray(begun.has(channel) ? 1 : 3);
    begun.add(channel);
    if (content.length === 0 || tunnel.destroyed) return;
    // The kubelet tells in a channel of its own why it cannot connect, and closes nothing.
    if (channel === channels.complaint) tunnel.destroy(new Error(content.toString().trim()));
    else if (!tunnel.push(content)) socket.pause();
  };
}

/** An agent whose requests all go, one after the other, over one connection that is there already. */
export class TunnelAgent extends Agent {
  readonly #tunnel: Duplex;

  constructor(tunnel: Duplex) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#tunnel = tunnel;
  }

  override createConnection(): Duplex {
    return this.#tunnel;
  }

  // What these would set is a property of TCP sockets.
  override keepSocketAlive(): true {
    return true;
  }
  override reuseSocket(): void {
    return;
  }
}
