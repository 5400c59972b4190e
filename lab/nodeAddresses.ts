/** Stands in for the addresses of the nodes that kwok plays, which lead nowhere on this machine. */
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";

import type { CoreV1Api } from "@kubernetes/client-node";

import { readFault } from "./faults.ts";

/** Where kube-proxy tells its health. */
const healthzPort = 10256;

/**
 * Plays the proxy by which the API server reaches nodes (`real/gateway.ts` writes its configuration): a node's address
 * answers at kube-proxy's health port and at the NodePorts of Services, as it would with a kube-proxy at work.
 *
 * @param port - Where the proxy listens on 127.0.0.1.
 */
export function playNodeAddresses(dir: string, port: number, api: CoreV1Api): void {
  const names = new Known(async () => {
    const { items } = await api.listNode();
    return items.flatMap(({ metadata, status }) =>
      (status?.addresses ?? []).map(({ address }) => [address, metadata?.name ?? ""] as const),
    );
  });
  const nodePorts = new Known(async () => {
    const { items } = await api.listServiceForAllNamespaces();
    const ports = items.flatMap(({ spec }) => spec?.ports ?? []);
    return ports.flatMap(({ nodePort }) => (nodePort === undefined ? [] : [[nodePort, true] as const]));
  });
  const healthz = createHttpServer((_, response) => {
    response.setHeader("content-type", "application/json");
    // The API server would ask again on the same connection, where a fault that begins meanwhile is not seen.
    response.setHeader("connection", "close");
    response.end(JSON.stringify({ lastUpdated: new Date().toISOString(), healthy: true }));
  });

  async function open(address: string, socket: Duplex): Promise<void> {
    const { hostname, port: wanted } = new URL(`tcp://${address}`);
    if (hostname === "localhost") {
      // kwok itself, in place of a kubelet.
      const kubelet = connect(Number(wanted), hostname).once("error", () => socket.destroy());
      socket.once("close", () => kubelet.destroy());
      accept(socket);
      socket.pipe(kubelet).pipe(socket);
      return;
    }
    const fault = readFault(dir, (await names.get(hostname)) ?? "");
    if (fault === "unreachable") return;
    const isNodePort = fault !== "deaf" && (await nodePorts.get(Number(wanted)));
    if (Number(wanted) === healthzPort || isNodePort) {
      accept(socket);
      healthz.emit("connection", socket);
    } else {
      socket.end("HTTP/1.1 502 connection refused\r\n\r\n");
    }
  }

  const pki = (file: string): Buffer => readFileSync(join(dir, "pki", file));
  createHttpsServer({ cert: pki("apiserver.crt"), key: pki("apiserver.key") })
    .on("connect", ({ url = "" }, socket) => {
      socket.on("error", () => socket.destroy());
      open(url, socket).catch((error: unknown) => {
        console.error(error);
        socket.destroy();
      });
    })
    .listen(port, "127.0.0.1");
}

function accept(socket: Duplex): void {
  socket.write("HTTP/1.1 200 OK\r\n\r\n");
}

/** What the API server knows, read anew when somebody asks for what was not there. */
class Known<K, V> {
  readonly #read: () => Promise<readonly (readonly [K, V])[]>;
  #values: ReadonlyMap<K, V> = new Map();
  #reading: Promise<void> | undefined;

  constructor(read: () => Promise<readonly (readonly [K, V])[]>) {
    this.#read = read;
  }

  async get(key: K): Promise<V | undefined> {
    // One that is under way may have begun before it was there; whoever is in need asks again.
    if (!this.#values.has(key)) {
      this.#reading ??= this.#read()
        .then((entries) => {
          this.#values = new Map(entries);
        })
        .finally(() => (this.#reading = undefined));
      await this.#reading;
    }
    return this.#values.get(key);
  }
}
