/** An API server of which only Services, EndpointSlices and the pods' proxy are there; it answers as it is told. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { KubeConfig } from "@kubernetes/client-node";

/** What a port of a pod does. */
export type Port = "answers" | "refuses" | "is silent" | "is forbidden" | "is unhealthy";

const replies: Record<Exclude<Port, "is silent">, [status: number, body: object]> = {
  answers: [200, { lastUpdated: "now" }],
  refuses: [503, { message: "error trying to reach service: dial tcp: connect: connection refused" }],
  "is forbidden": [403, { message: 'cannot get resource "pods/proxy"' }],
  "is unhealthy": [503, { lastUpdated: "an hour ago" }],
};

interface Metadata {
  name: string;
  uid: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface Service {
  metadata: Metadata;
  spec: {
    type: string;
    externalTrafficPolicy?: string;
    selector?: Record<string, string>;
    ports: { nodePort: number; targetPort: number }[];
  };
}

interface Slice {
  metadata: Metadata;
  endpoints: { addresses: string[]; nodeName: string; hints: { forNodes: { name: string }[] } }[];
}

/** See the top of this file. */
export class ServicesApi {
  readonly services: Service[] = [];
  readonly slices: Slice[] = [];
  /** Pods whose proxy was asked, with the port. */
  readonly asked: string[] = [];
  readonly config = new KubeConfig();
  portOf: (pod: string, port: number) => Port = () => "answers";
  /** Plurals of what nobody may make. */
  refused: readonly string[] = [];
  /** Whether lists have what no selector asks for. */
  unselected = false;
  /** Called with all Services before one is removed. */
  beforeDelete: (services: readonly Service[]) => void = () => undefined;
  /** Called when a Service is wanted; whether it is made, and answered, is left to who calls `make`. */
  onService: (make: () => Service, reply: (service: Service) => void) => void = (make, reply) => {
    reply(make());
  };
  readonly #server = createServer((request, response) => {
    void this.#answer(request, response);
  });

  static async start(): Promise<ServicesApi> {
    const api = new ServicesApi();
    api.#server.listen(0, "127.0.0.1");
    await once(api.#server, "listening");
    const { port } = api.#server.address() as AddressInfo;
    api.config.loadFromClusterAndUser(
      { name: "fake", server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: "nobody" },
    );
    return api;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** All endpoints: their Service's name, node, address, and the node of the hint. */
  endpoints(): unknown[][] {
    return this.slices.flatMap(({ metadata, endpoints }) =>
      endpoints.map(({ nodeName, addresses, hints }) => [
        metadata.labels["kubernetes.io/service-name"],
        nodeName,
        ...addresses,
        ...hints.forNodes.map(({ name }) => name),
      ]),
    );
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const url = new URL(request.url ?? "", "http://fake");
    const last = url.pathname.split("/").at(-1) ?? "";
    const [, pod = "", port = ""] = /\/pods\/([^:]+):(\d+)\/proxy\/healthz$/.exec(url.pathname) ?? [];
    if (pod !== "") {
      this.asked.push(`${pod}:${port}`);
      const state = this.portOf(pod, Number(port));
      if (state !== "is silent") reply(...replies[state]);
    } else if (request.method === "POST" && this.refused.includes(last)) {
      reply(403, { kind: "Status", message: `cannot create resource "${last}"` });
    } else if (request.method === "POST" && last === "endpointslices") {
      const slice = (await json(request)) as Slice;
      slice.metadata.name = `slice-${this.slices.length}`;
      this.slices.push(slice);
      reply(201, {});
    } else if (request.method === "POST") {
      const service = (await json(request)) as Service;
      this.onService(
        () => this.#make(service),
        (made) => {
          reply(201, made);
        },
      );
    } else if (request.method === "DELETE") {
      const { preconditions } = (await json(request)) as { preconditions?: { uid?: string } };
      this.beforeDelete(this.services);
      const index = this.services.findIndex(({ metadata }) => metadata.name === last);
      const isOther = preconditions?.uid !== this.services[index]?.metadata.uid;
      if (index >= 0 && !isOther) this.services.splice(index, 1);
      reply(index < 0 ? 404 : isOther ? 409 : 200, { message: "not found, or another one" });
    } else {
      const [key = "", value] = (url.searchParams.get("labelSelector") ?? "").split("=");
      const isWanted = ({ metadata: { labels } }: { metadata: Metadata }) =>
        this.unselected || (value === undefined ? key in labels : labels[key] === value);
      const items = (last === "endpointslices" ? this.slices : this.services).filter(isWanted);
      reply(200, { items });
    }
  }

  #make(service: Service): Service {
    const count = this.services.length;
    service.metadata.uid = `uid-${service.metadata.name}`;
    Object.assign(service.spec.ports[0] ?? {}, { nodePort: 30_000 + 2 * count });
    this.services.push(service);
    return service;
  }
}
