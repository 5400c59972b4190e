/** Stands in for the addresses of the nodes and pods that kwok plays, which lead nowhere on this machine. */
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";

import { CoreV1Api, DiscoveryV1Api, type KubeConfig, type V1Node } from "@kubernetes/client-node";

import { readFault } from "./faults.ts";

/** Where kube-proxy tells its health. */
const healthzPort = 10256;

/** What a NodePort leads to. */
interface NodePort {
  /** Whether what comes from outside of a node stays on it. */
  readonly isLocal: boolean;
  /** The nodes of its Service's endpoints. */
  readonly endpoints: readonly string[];
}

/**
 * Plays the proxy by which the API server reaches nodes (`real/gateway.ts` writes its configuration): a node's address
 * answers at kube-proxy's health port and at the NodePorts of Services, where the rules of a kube-proxy at work would lead
 * to an endpoint that can be reached; a pod's at the ports that its containers declare.
 *
 * @param port - Where the proxy listens on 127.0.0.1.
 */
export function playNodeAddresses(dir: string, port: number, config: KubeConfig): void {
  const api = config.makeApiClient(CoreV1Api);
  const discovery = config.makeApiClient(DiscoveryV1Api);
  const nodes = new Known(async () => {
    const { items } = await api.listNode();
    return items.flatMap((node) =>
      (node.status?.addresses ?? []).map(({ address }) => [address, node] as const),
    );
  });
  const nodePorts = new Known(async () => {
    const [services, slices] = await Promise.all([
      api.listServiceForAllNamespaces(),
      discovery.listEndpointSliceForAllNamespaces(),
    ]);
    const slicesOf = Map.groupBy(slices.items, ({ metadata }) =>
      [metadata?.namespace, metadata?.labels?.["kubernetes.io/service-name"]].join("/"),
    );
    return services.items.flatMap(({ metadata, spec }) => {
      const own = slicesOf.get([metadata?.namespace, metadata?.name].join("/")) ?? [];
      const endpoints = own.flatMap((slice) => (slice.endpoints ?? []).map(({ nodeName = "" }) => nodeName));
      const leads: NodePort = { isLocal: spec?.externalTrafficPolicy === "Local", endpoints };
      return (spec?.ports ?? []).flatMap(({ nodePort }) =>
        nodePort === undefined ? [] : [[nodePort, leads] as const],
      );
    });
  });
  const pods = new Known(async () => {
    const { items } = await api.listPodForAllNamespaces();
    return items.flatMap(({ spec, status }) => {
      const ports = (spec?.containers ?? [])
        .flatMap((one) => one.ports ?? [])
        .map((one) => one.containerPort);
      return status?.podIP === undefined ? [] : [[status.podIP, ports] as const];
    });
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
    const node = await nodes.get(hostname);
    const name = node?.metadata?.name ?? "";
    const fault = readFault(dir, name);
    if (fault === "unreachable") return;
    const answer = (): void => {
      accept(socket);
      healthz.emit("connection", socket);
    };
    if (node === undefined) {
      const listens = (await pods.get(hostname))?.includes(Number(wanted)) ?? false;
      if (listens) answer();
      else socket.end("HTTP/1.1 502 connection refused\r\n\r\n");
      return;
    }
    const isKnown = ({ endpoints }: NodePort): boolean => endpoints.includes(name);
    if (Number(wanted) === healthzPort) {
      answer();
      return;
    }
    const leads = fault === "deaf" ? undefined : await nodePorts.get(Number(wanted), isKnown);
    if (leads === undefined || leads.endpoints.length === 0) {
      socket.end("HTTP/1.1 502 connection refused\r\n\r\n");
      return;
    }
    const targets = targetsOf(leads, name, isApiServersOwn(node));
    // Any of them may be chosen; else the connection is dropped.
    if (targets.length > 0 && (fault !== "isolated" || targets.every((target) => target === name))) answer();
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

/**
 * The nodes to whose endpoints a NodePort leads at a node. As kube-proxy has it before 1.34, which knows no hints for nodes:
 * what comes from the node itself goes to all of them.
 */
function targetsOf({ isLocal, endpoints }: NodePort, node: string, isFromItself: boolean): readonly string[] {
  return isLocal && !isFromItself ? endpoints.filter((one) => one === node) : endpoints;
}

/** Whether an API server would be on this node, so that what it asks there comes from the node itself. */
function isApiServersOwn(node: V1Node | undefined): boolean {
  return "node-role.kubernetes.io/control-plane" in (node?.metadata?.labels ?? {});
}

/** What the API server knows, read anew when somebody asks for what was not there. */
class Known<K, V> {
  readonly #read: () => Promise<readonly (readonly [K, V])[]>;
  #values: ReadonlyMap<K, V> = new Map();
  #reading: Promise<void> | undefined;

  constructor(read: () => Promise<readonly (readonly [K, V])[]>) {
    this.#read = read;
  }

  /** @param isNew - whether what is known is what is asked for; default: whatever is known is */
  async get(key: K, isNew: (value: V) => boolean = () => true): Promise<V | undefined> {
    const known = this.#values.get(key);
    // One that is under way may have begun before it was there; whoever is in need asks again.
    if (known === undefined || !isNew(known)) {
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
