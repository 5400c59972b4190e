/** Connections to an API server through a proxy: the same ones for requests and for port-forwards. */
import { once } from "node:events";
import { request } from "node:http";
import { isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { SocksClient } from "./kubernetes.ts";
import type { Proxy } from "./proxy.ts";

/** Longest time for a connection to be there, in milliseconds. */
const withinMs = 10_000;

/** As long as with client-go; some load balancers forget a connection after a minute. */
const keepAliveMs = 30_000;

/** The other end of a connection. */
export interface Peer {
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * Opens a connection through a proxy. A proxy with TLS is trusted as the cluster is, by the same certificates: Go's
 * transport knows no others for it.
 *
 * @param tls - that of the cluster
 * @throws Error which names the proxy without user and password
 *
 * Source: Go's `net/http/transport.go` (dialConn). With a server without TLS, Go has the proxy send requests itself.
 */
export async function openThrough(proxy: Proxy, peer: Peer, tls: ConnectionOptions): Promise<Socket> {
  const signal = AbortSignal.timeout(withinMs);
  try {
    const socket = await (proxy.kind === "socks5"
      ? openSocks(proxy, peer)
      : openTunnel(proxy, peer, tls, signal));
    return socket.setKeepAlive(true, keepAliveMs);
  } catch (error) {
    const why = signal.aborted ? "no answer in time" : error instanceof Error ? error.message : String(error);
    throw new Error(`the proxy ${proxy.kind}://${authority(proxy)}: ${why}`);
  }
}

/** Opens TLS to an API server on a connection that is there. */
export function secure(socket: Socket, { host }: Peer, tls: ConnectionOptions): Socket {
  return connectTls({ ...tls, socket, host, servername: serverNameOf(host, tls) });
}

/** No address may be named where a certificate is asked for by a name. */
function serverNameOf(host: string, { servername }: ConnectionOptions): string {
  return servername ?? (isIP(host) === 0 ? host : "");
}

async function openSocks({ host, port, user, password, hasUser }: Proxy, peer: Peer): Promise<Socket> {
  const { socket } = await SocksClient.createConnection({
    command: "connect",
    // The name is looked up by the proxy, as with Go.
    destination: { host: peer.host, port: peer.port },
    proxy: { host, port, type: 5, ...(hasUser && { userId: user, password }) },
    timeout: withinMs,
  });
  return socket;
}

async function openTunnel(
  proxy: Proxy,
  peer: Peer,
  tls: ConnectionOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const { host, port } = proxy;
  const servername = serverNameOf(host, tls);
  const basic = Buffer.from(`${proxy.user}:${proxy.password}`).toString("base64");
  const asked = request({
    ...(proxy.kind === "https"
      ? { createConnection: () => connectTls({ ...tls, host, port, servername }) }
      : { host, port, agent: false }),
    method: "CONNECT",
    path: authority(peer),
    headers: {
      host: authority(peer),
      ...(proxy.hasUser && { "proxy-authorization": `Basic ${basic}` }),
    },
    signal,
  });
  asked.end();
  const [response, socket, head] = (await once(asked, "connect")) as [
    { statusCode: number; statusMessage: string },
    Socket,
    Buffer,
  ];
  if (response.statusCode !== 200) {
    socket.destroy();
    throw new Error(`it answers with ${response.statusCode} ${response.statusMessage}`);
  }
  if (head.length > 0) socket.unshift(head);
  return socket;
}

function authority({ host, port }: Peer): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
