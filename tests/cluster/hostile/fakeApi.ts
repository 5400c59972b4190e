/** An API server that answers as it is told, also with what no API server would. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { KubeConfig } from "@kubernetes/client-node";
import WebSocket, { WebSocketServer } from "ws";
import { stringify } from "yaml";
import { answers } from "../verify/fixtures.ts";

/** Answers a request; false for as the cluster would. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Takes a port-forward to a pod. */
export type Forward = (pod: string, socket: WebSocket) => void;

const system = "/namespaces/kube-system";
const owner = (name: string, uid: string) => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  name,
  uid,
  controller: true,
});

/** Names of the nodes, in their order. */
export const nodeNames = ["node-a", "node-b", "node-c"];

function nodeOf(name: string) {
  return {
    metadata: { name, uid: name, labels: { "kubernetes.io/os": "linux" } },
    spec: {},
    status: { conditions: [{ type: "Ready", status: "True", reason: "KubeletReady" }] },
  };
}

function podOf(node: string, index: number) {
  return {
    metadata: {
      name: `kube-proxy-${node}`,
      namespace: "kube-system",
      uid: `pod-${node}`,
      labels: { "k8s-app": "kube-proxy", "controller-revision-hash": "new" },
      ownerReferences: [owner("kube-proxy", "ds")],
    },
    spec: {
      nodeName: node,
      containers: [{ image: "kube-proxy" }],
      volumes: [{ name: "c", configMap: { name: "kube-proxy" } }],
    },
    status: { podIP: `192.0.2.${index + 1}`, conditions: [{ type: "Ready", status: "True" }] },
  };
}

const daemonSet = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "kube-proxy", namespace: "kube-system", uid: "ds", generation: 1 },
  spec: {
    selector: { matchLabels: { "k8s-app": "kube-proxy" } },
    template: {
      metadata: { labels: { "k8s-app": "kube-proxy" } },
      spec: {
        containers: [{ image: "kube-proxy" }],
        volumes: [{ name: "c", configMap: { name: "kube-proxy" } }],
      },
    },
  },
  status: { desiredNumberScheduled: 3, numberAvailable: 3, updatedNumberScheduled: 3, observedGeneration: 1 },
};

const configMap = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "kube-proxy", namespace: "kube-system", uid: "cm" },
  data: { "config.conf": 'mode: ""\nclusterCIDR: 10.244.0.0/16\n' },
};

/** What a healthy cluster of three nodes has, by path. */
const things: Readonly<Record<string, object | readonly object[]>> = {
  "/version": { gitVersion: "v1.37.2" },
  "/api/v1/nodes": nodeNames.map(nodeOf),
  [`/api/v1${system}`]: { metadata: { name: "kube-system", uid: "cluster" } },
  [`/api/v1${system}/pods`]: nodeNames.map(podOf),
  [`/api/v1${system}/configmaps`]: [configMap],
  [`/api/v1${system}/configmaps/kube-proxy`]: configMap,
  [`/apis/apps/v1${system}/daemonsets`]: [daemonSet],
  [`/apis/apps/v1${system}/daemonsets/kube-proxy`]: daemonSet,
  [`/apis/apps/v1${system}/controllerrevisions`]: [
    {
      metadata: {
        name: "kube-proxy-new",
        labels: { "controller-revision-hash": "new" },
        ownerReferences: [owner("kube-proxy", "ds")],
      },
      revision: 1,
    },
  ],
};

/** See the top of this file. */
export class FakeApi {
  /** Comes before the cluster's own answers. */
  answer: Answer = () => false;
  forward: Forward = serveKubeProxy();
  /** Method and path of each request. */
  readonly asked: string[] = [];
  /** The test Services that are there, by name. */
  readonly services = new Map<string, object>();
  readonly #server: Server;
  readonly #webSockets = new WebSocketServer({ noServer: true });

  private constructor() {
    this.#server = createServer((request, response) => {
      this.asked.push(`${request.method ?? ""} ${(request.url ?? "").replace(/\?.*/, "")}`);
      if (!this.answer(request, response)) void this.#answer(request, response);
    });
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on("error", () => undefined);
      const [, pod = ""] = /\/pods\/([^/]+)\/portforward/.exec(request.url ?? "") ?? [];
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on("error", () => undefined);
        this.forward(pod, webSocket);
      });
    });
  }

  static async start(): Promise<FakeApi> {
    const api = new FakeApi();
    api.#server.listen(0, "127.0.0.1");
    await once(api.#server, "listening");
    return api;
  }

  stop(): void {
    this.#webSockets.close();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A new client for it. */
  get config(): KubeConfig {
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: "fake", server: this.url, skipTLSVerify: true }, { name: "fake" });
    return config;
  }

  /** The content of a kubeconfig for it. */
  kubeconfig(user: object = {}): string {
    return stringify({
      "current-context": "fake",
      contexts: [{ name: "fake", context: { cluster: "fake", user: "fake" } }],
      clusters: [{ name: "fake", cluster: { server: this.url, "insecure-skip-tls-verify": true } }],
      users: [{ name: "fake", user }],
    });
  }

  /** Makes a Service as it is wanted in JSON. */
  makeService(wanted: string): object {
    const { metadata, spec } = JSON.parse(wanted) as { metadata: { name: string }; spec: object };
    const service = {
      metadata: { ...metadata, uid: metadata.name },
      spec: { ...spec, ports: [{ nodePort: 30_000, targetPort: 10_256 }] },
    };
    this.services.set(metadata.name, service);
    return service;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = "" } = request;
    const body = await text(request);
    const reply = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const path = url.replace(/\?.*/, "");
    const isServices = path.startsWith("/api/v1/namespaces/kube-proxy-test/services");
    if (path.endsWith("/selfsubjectaccessreviews")) reply(201, { status: { allowed: true } });
    else if (path.endsWith("/proxy/healthz")) reply(200, { lastUpdated: "now" });
    else if (method === "POST" && isServices) reply(201, this.makeService(body));
    else if (method === "POST") reply(201, { metadata: { name: "new" }, spec: {}, status: {} });
    else if (method === "DELETE") {
      this.services.delete(path.split("/").at(-1) ?? "");
      reply(200, { kind: "Status" });
    } else if (method !== "GET") reply(200, { metadata: { name: "changed" } });
    else if (isServices) {
      reply(200, { items: [...this.services.values()] });
    } else {
      const found = things[path] ?? (url.includes("limit=") ? [] : undefined);
      if (Array.isArray(found)) {
        // Helpers and the like, which are found by another label, are not there.
        const isOther = /labelSelector=(kube-proxy|%21)/.test(url);
        reply(200, { items: isOther ? [] : (found as object[]) });
      } else reply(found === undefined ? 404 : 200, found ?? { message: "not found" });
    }
  }
}

/** A port-forward to a kube-proxy that answers with these pages, or some of a healthy one's. */
export function serveKubeProxy(change: Readonly<Record<string, string>> = {}): Forward {
  return (_, socket) => {
    let hasBegun = false;
    const send = (text: string): void => {
      socket.send(Buffer.concat([Buffer.from(hasBegun ? [0] : [0, 0x09, 0x28]), Buffer.from(text)]));
      hasBegun = true;
    };
    let received = "";
    socket.on("message", (data) => {
      received += data.subarray(1).toString();
      for (let end = received.indexOf("\r\n\r\n"); end >= 0; end = received.indexOf("\r\n\r\n")) {
        const [, path = ""] = /^GET (\S+)/.exec(received) ?? [];
        received = received.slice(end + 4);
        const body = change[path] ?? pages()[path] ?? "";
        const date = new Date().toUTCString();
        send(`HTTP/1.1 200 OK\r\nDate: ${date}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      }
    });
  };
}

function pages(): Readonly<Record<string, string>> {
  const { metrics, proxyMode, configz } = answers();
  return { "/metrics": metrics, "/proxyMode": proxyMode, "/configz": configz };
}
