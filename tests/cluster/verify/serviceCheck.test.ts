/** Whose fault it is that a Service does not answer, with an API server that answers as it is told. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { describe, test } from "node:test";
import { KubeConfig } from "@kubernetes/client-node";
import { healthzPortOf, servesNodePorts } from "../../../components/cluster/verify/nodePorts.ts";
import { ServiceCheck } from "../../../components/cluster/verify/serviceCheck.ts";
import { removeTestServices } from "../../../components/cluster/verify/testService.ts";
import type { Pod, ServiceAnswer } from "../../../components/cluster/verify/types.ts";

const healthz = 10256;

/** What a port of a pod does. */
type Port = "answers" | "refuses" | "is silent" | "is forbidden" | "is unhealthy";

const replies: Record<Exclude<Port, "is silent">, [status: number, body: object]> = {
  answers: [200, { lastUpdated: "now" }],
  refuses: [503, { message: "error trying to reach service: dial tcp: connect: connection refused" }],
  "is forbidden": [403, { message: 'cannot get resource "pods/proxy"' }],
  "is unhealthy": [503, { lastUpdated: "an hour ago" }],
};

interface Service {
  metadata: {
    name: string;
    uid: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
  };
  spec: { ports: { nodePort: number; targetPort: number }[] };
}

/** An API server of which only Services, EndpointSlices and the pods' proxy are there. */
class ApiServer {
  readonly services: Service[] = [];
  readonly slices: { metadata: object; endpoints: { addresses: string[] }[] }[] = [];
  /** Pods whose proxy was asked, with the port. */
  readonly asked: string[] = [];
  readonly config = new KubeConfig();
  portOf: (pod: string, port: number) => Port = () => "answers";
  mayMake = true;
  readonly #server = createServer((request, response) => {
    void this.#answer(request, response);
  });

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    this.config.loadFromClusterAndUser(
      { name: "fake", server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: "nobody" },
    );
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const url = new URL(request.url ?? "", "http://fake");
    const [, pod = "", port = ""] = /\/pods\/([^:]+):(\d+)\/proxy\/healthz$/.exec(url.pathname) ?? [];
    if (pod !== "") {
      this.asked.push(`${pod}:${port}`);
      const state = this.portOf(pod, Number(port));
      if (state !== "is silent") reply(...replies[state]);
    } else if (request.method === "POST" && !this.mayMake) {
      reply(403, { kind: "Status", message: 'cannot create resource "services"' });
    } else if (request.method === "POST" && url.pathname.endsWith("/endpointslices")) {
      this.slices.push((await json(request)) as (typeof this.slices)[number]);
      reply(201, {});
    } else if (request.method === "POST") {
      const service = (await json(request)) as Service;
      const count = this.services.length;
      service.metadata.name = `kube-proxy-test-${count}`;
      Object.assign(service.spec.ports[0] ?? {}, { nodePort: 30_000 + 2 * count });
      this.services.push(service);
      reply(201, service);
    } else if (request.method === "DELETE") {
      const name = url.pathname.split("/").at(-1);
      const index = this.services.findIndex(({ metadata }) => metadata.name === name);
      if (index >= 0) this.services.splice(index, 1);
      reply(index >= 0 ? 200 : 404, { message: "not found" });
    } else {
      const [key = "", value] = (url.searchParams.get("labelSelector") ?? "").split("=");
      const items = this.services.filter(({ metadata }) =>
        value === undefined ? key in metadata.labels : metadata.labels[key] === value,
      );
      reply(200, { items });
    }
  }
}

const podOn = (name: string, address = "192.0.2.1"): Pod => ({
  ...{ name, node: name, address, notReady: undefined },
  ...{ revision: undefined, token: undefined, configHash: undefined },
});
const pods = ["a", "b", "c"].map((name, index) => podOn(name, `192.0.2.${index + 1}`));
const signal = new AbortController().signal;

/** The check of an API server whose ports behave like this. */
async function checked(
  portOf: ApiServer["portOf"],
  work: (api: ApiServer, open: (id?: string) => Promise<ServiceCheck>) => Promise<void>,
  configuration: Record<string, unknown> = {},
): Promise<void> {
  const api = new ApiServer();
  await api.start();
  api.portOf = portOf;
  try {
    await work(api, (id = "test") =>
      ServiceCheck.open(api.config, pods, { configuration, id, lifetimeMs: 60_000 }, signal),
    );
  } finally {
    api.stop();
  }
}

async function answersOf(check: ServiceCheck): Promise<ServiceAnswer[]> {
  return await Promise.all(pods.map((pod) => check.ask(pod, signal)));
}

const verdicts = async (check: ServiceCheck) => (await answersOf(check)).map(({ verdict }) => verdict);

describe("a Service that is asked for on every node", { concurrency: true }, () => {
  test("answers; its endpoints are the health ports, and it is gone afterwards", async () => {
    await checked(
      () => "answers",
      async (api, open) => {
        const check = await open();
        assert.deepEqual(await verdicts(check), ["answers", "answers", "answers"]);
        assert.deepEqual(
          api.slices.map(({ endpoints }) => endpoints.flatMap(({ addresses }) => addresses)),
          [pods.map(({ address }) => address)],
        );
        await removeTestServices(api.config, "test");
        assert.deepEqual(api.services, []);
      },
    );
  });

  test("does not on one node, whose other port does: it fails", async () => {
    await checked(
      (pod, port) => (pod === "b" && port !== healthz ? "refuses" : "answers"),
      async (_, open) => {
        const answers = await answersOf(await open());
        assert.deepEqual(
          answers.map(({ verdict }) => verdict),
          ["answers", "fails", "answers"],
        );
        const [, fails] = answers;
        assert.match(
          fails?.verdict === "fails" ? fails.reason : "",
          /^a new Service does not answer at 192\.0\.2\.2:30000 \(dial tcp: .* refused\), whereas port 10256 there does$/,
        );
      },
    );
  });

  test("neither answers on one node nor does kube-proxy's own port, which are refused: it fails", async () => {
    await checked(
      (pod) => (pod === "b" ? "refuses" : "answers"),
      async (_, open) => {
        assert.deepEqual(await verdicts(await open()), ["answers", "fails", "answers"]);
      },
    );
  });

  test("is not asked for on a node that the network does not lead to", async () => {
    await checked(
      (pod) => (pod === "b" ? "is silent" : "answers"),
      async (_, open) => {
        assert.deepEqual(await verdicts(await open()), ["answers", "unasked", "answers"]);
      },
    );
  });

  test("does not on any node, and is refused: all fail", async () => {
    await checked(
      (_, port) => (port === healthz ? "answers" : "refuses"),
      async (_, open) => {
        assert.deepEqual(await verdicts(await open()), ["fails", "fails", "fails"]);
      },
    );
  });

  test("is silent on one node only: it fails there", async () => {
    await checked(
      (pod, port) => (pod === "b" && port !== healthz ? "is silent" : "answers"),
      async (_, open) => {
        assert.deepEqual(await verdicts(await open()), ["answers", "fails", "answers"]);
      },
    );
  });

  test("is silent on all nodes, as is a port of no Service: a firewall, and no fault of kube-proxy", async () => {
    await checked(
      (_, port) => (port === healthz ? "answers" : "is silent"),
      async (_, open) => {
        assert.deepEqual(await verdicts(await open()), ["unasked", "unasked", "unasked"]);
      },
    );
  });

  test("is not asked for any more when five nodes were silent", async () => {
    const five = ["a", "b", "c", "d", "e"].map((name) => podOn(name));
    await checked(
      (_, port) => (port === healthz ? "answers" : "is silent"),
      async (api, open) => {
        const check = await open();
        await Promise.all(five.map((pod) => check.ask(pod, signal)));
        assert.equal((await check.ask(podOn("f"), signal)).verdict, "unasked");
        assert.deepEqual(
          api.asked.filter((asked) => asked.startsWith("f:")),
          [],
        );
      },
    );
  });

  test("is silent on all nodes, where a port of no Service is refused: all fail", async () => {
    await checked(
      (_, port) => (port === healthz ? "answers" : port % 2 === 0 ? "is silent" : "refuses"),
      async (_, open) => {
        assert.deepEqual(await verdicts(await open()), ["fails", "fails", "fails"]);
      },
    );
  });

  test("is not made where the API server reaches no node", async () => {
    await checked(
      () => "is silent",
      async (api, open) => {
        const [first] = await answersOf(await open());
        assert.deepEqual(first, {
          verdict: "unasked",
          reason: "the API server does not reach port 10256 of any node: no answer within 2 s",
        });
        assert.deepEqual(api.services, []);
      },
    );
  });

  test("is not made by who may not ask, or not make it, which is told", async () => {
    await checked(
      () => "is forbidden",
      async (_, open) => {
        const [first] = await answersOf(await open());
        assert.deepEqual(first, {
          verdict: "unasked",
          reason: 'not allowed: cannot get resource "pods/proxy"',
        });
      },
    );
    await checked(
      () => "answers",
      async (api, open) => {
        api.mayMake = false;
        const [first] = await answersOf(await open());
        const reason = 'no test Service can be made: cannot create resource "services"';
        assert.deepEqual(first, { verdict: "unasked", reason });
      },
    );
  });

  test("an unhealthy kube-proxy answers all the same", async () => {
    await checked(
      () => "is unhealthy",
      async (_, open) => {
        assert.deepEqual(await verdicts(await open()), ["answers", "answers", "answers"]);
      },
    );
  });

  test("one from before has to answer as well, unless its endpoints have moved", async () => {
    await checked(
      (_, port) => (port === 30_000 ? "refuses" : "answers"),
      async (api, open) => {
        await open("restart");
        const [answer] = await answersOf(await open("restart"));
        assert.match(
          answer?.verdict === "fails" ? answer.reason : "",
          /^a Service from before the restart does not/,
        );
        Object.assign(api.services[0]?.spec.ports[0] ?? {}, { targetPort: 20_256 });
        const moved = await answersOf(await open("restart"));
        assert.equal(moved[0]?.verdict, "answers");
      },
    );
  });

  test("one of somebody who was killed is removed when its time is over, and not before", async () => {
    await checked(
      () => "answers",
      async (api, open) => {
        await open("killed");
        await open("at work");
        const [killed] = api.services;
        assert.ok(killed);
        killed.metadata.annotations["kube-proxy/expires"] = new Date(Date.now() - 1000).toISOString();
        await open();
        assert.deepEqual(
          api.services.map(({ metadata }) => metadata.labels["kube-proxy/test-service"]),
          ["at work", "test"],
        );
      },
    );
  });

  test("an end before it has answered is no excuse", async () => {
    await checked(
      (_, port) => (port === healthz ? "answers" : "is silent"),
      async (_, open) => {
        const check = await open();
        const [answer] = await Promise.all(pods.map((pod) => check.ask(pod, AbortSignal.timeout(100))));
        assert.deepEqual(answer, { verdict: "fails", reason: "no Service has answered before the deadline" });
      },
    );
  });

  test("is not asked for at addresses that have no NodePorts", async () => {
    await checked(
      () => "answers",
      async (api, open) => {
        assert.deepEqual(await verdicts(await open()), ["answers", "unasked", "unasked"]);
        assert.ok(!api.asked.includes("b:30000"));
      },
      { nodePortAddresses: ["192.0.2.1/32"] },
    );
  });
});

describe("where a kube-proxy answers", () => {
  test("its health", () => {
    const port = (healthzBindAddress: unknown) => healthzPortOf({ healthzBindAddress });
    assert.deepEqual([undefined, "", "0.0.0.0:10300", "[::]:10300", "192.0.2.1"].map(port), [
      healthz,
      healthz,
      10300,
      10300,
      healthz,
    ]);
    assert.deepEqual(["127.0.0.1:10256", "[::1]:10256"].map(port), [undefined, undefined]);
  });

  test("NodePorts", () => {
    const serves = (...nodePortAddresses: string[]) => servesNodePorts({ nodePortAddresses }, "192.0.2.1");
    assert.deepEqual(
      [
        serves(),
        serves("primary"),
        serves("all"),
        serves("192.0.0.0/16"),
        serves("fd00::/8", "192.0.2.1/32"),
      ],
      [true, true, true, true, true],
    );
    assert.deepEqual([serves("localhost"), serves("127.0.0.0/8"), serves("fd00::/8")], [false, false, false]);
  });
});
