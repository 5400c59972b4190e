/** An API server with TLS, and proxies before it, all on this machine. */
import { once } from "node:events";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server as TcpServer,
  type Socket,
} from "node:net";
import { forwardPorts } from "../verify/portForward.ts";
import { makeCertificate } from "./certificate.ts";

/** A name that nothing on this machine leads to: only a proxy of these tests knows where it is. */
export const faraway = "api.cluster.invalid";

/** Of all servers here. */
export const certificate = makeCertificate([faraway, "another.invalid"]);

/** What is asked of an API server that has kube-system and a pod whose kube-proxy answers. */
export interface FakeCluster {
  readonly port: number;
  /** Every request, and every port-forward. */
  readonly asked: IncomingMessage[];
}

/** A proxy, and what it was asked to connect to. */
export interface FakeProxy {
  readonly port: number;
  readonly targets: string[];
  /** Who said to be allowed to, as the proxy got it. */
  readonly users: (string | undefined)[];
}

const open = new Set<{ close: () => unknown }>();
const sockets = new Set<Socket>();

/** Ends all servers, and all connections to them. */
export function endServers(): void {
  for (const server of open) server.close();
  for (const socket of sockets) socket.destroy();
}

async function listen(server: TcpServer | Server): Promise<number> {
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  open.add(server);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** See {@link FakeCluster}. */
export async function startCluster(
  kubeProxy: RequestListener = () => undefined,
  isSecure = true,
): Promise<FakeCluster> {
  const asked: IncomingMessage[] = [];
  const answer: RequestListener = (request, response) => {
    asked.push(request);
    const body = { metadata: { name: "kube-system", uid: "cluster" } };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  const server = isSecure ? createHttpsServer(certificate, answer) : createHttpServer(answer);
  server.on("upgrade", (request: IncomingMessage) => asked.push(request));
  forwardPorts(server, () => kubeProxy);
  return { port: await listen(server), asked };
}

/**
 * Starts a proxy that knows CONNECT. It leads each name to this machine.
 *
 * @param isSecure - whether it is asked through TLS
 * @param status - what it answers
 */
export async function startProxy(isSecure = false, status = "200 OK"): Promise<FakeProxy> {
  const [targets, users]: [string[], (string | undefined)[]] = [[], []];
  const server = isSecure ? createHttpsServer(certificate) : createHttpServer();
  server.on("connect", ({ url = "", headers }: IncomingMessage, socket: Socket) => {
    targets.push(url);
    users.push(headers["proxy-authorization"]);
    socket.on("error", () => undefined);
    if (status !== "200 OK") socket.end(`HTTP/1.1 ${status}\r\n\r\n`);
    else {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      lead(socket, Number(url.split(":").at(-1)));
    }
  });
  return { port: await listen(server), targets, users };
}

function lead(socket: Socket, port: number): void {
  const further = connect(port, "127.0.0.1");
  sockets.add(further);
  further.on("error", () => socket.destroy());
  socket.pipe(further).pipe(socket);
}

/** Starts a SOCKS5 proxy that leads each name to this machine: RFC 1928, and RFC 1929 where it asks who it is. */
export async function startSocks(asksUser = false): Promise<FakeProxy> {
  const [targets, users]: [string[], (string | undefined)[]] = [[], []];
  const server = createTcpServer((socket) => {
    const steps = [
      () => socket.write(Buffer.of(5, asksUser ? 2 : 0)),
      ...(asksUser
        ? [
            (said: Buffer) => {
              const length = said[1] ?? 0;
              users.push(
                `${said.subarray(2, 2 + length).toString()}:${said.subarray(3 + length).toString()}`,
              );
              socket.write(Buffer.of(1, 0));
            },
          ]
        : []),
      (said: Buffer) => {
        // A name or, in four bytes, an address.
        const host = said[3] === 3 ? said.subarray(5, -2).toString() : [...said.subarray(4, 8)].join(".");
        const port = said.readUInt16BE(said.length - 2);
        targets.push(`${host}:${port}`);
        socket.write(Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
        lead(socket, port);
      },
    ];
    const next = (said: Buffer): void => {
      steps.shift()?.(said);
      if (steps.length > 0) socket.once("data", next);
    };
    socket.once("data", next);
  });
  return { port: await listen(server), targets, users };
}
