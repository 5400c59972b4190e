/** Whose fault it is that a Service does not answer, with an API server that answers as it is told. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { healthzPortOf, servesNodePorts } from "../../../components/cluster/verify/nodePorts.ts";
import { ServiceCheck } from "../../../components/cluster/verify/serviceCheck.ts";
import { removeTestServices } from "../../../components/cluster/verify/testServiceRemoval.ts";
import type { Pod, ServiceAnswer } from "../../../components/cluster/verify/types.ts";
import { type Port, ServicesApi } from "./servicesApi.ts";

const healthz = 10256;

const podOn = (name: string, address = "192.0.2.1", besideApiServer = false): Pod => ({
  ...{ name, node: name, address, besideApiServer, notReady: undefined },
  ...{ revision: undefined, token: undefined, configHash: undefined },
});
const pods = ["a", "b", "c"].map((name, index) => podOn(name, `192.0.2.${index + 1}`));
const signal = new AbortController().signal;

/** The check of an API server whose ports behave like this. */
async function checked(
  portOf: (pod: string, port: number) => Port,
  work: (
    api: ServicesApi,
    open: (id?: string, included?: readonly Pod[]) => Promise<ServiceCheck>,
  ) => Promise<void>,
  configuration: Record<string, unknown> = {},
): Promise<void> {
  const api = await ServicesApi.start();
  api.portOf = portOf;
  try {
    await work(api, async (id = "test", included = pods) => {
      const check = new ServiceCheck(api.config, { configuration, id, lifetimeMs: 60_000 });
      await check.include(included, signal);
      return check;
    });
  } finally {
    api.stop();
  }
}

async function answersOf(check: ServiceCheck): Promise<ServiceAnswer[]> {
  return await Promise.all(pods.map((pod) => check.ask(pod, signal)));
}

const verdicts = async (check: ServiceCheck) => (await answersOf(check)).map(({ verdict }) => verdict);

describe("a Service that is asked for on every node", { concurrency: true }, () => {
  test("answers; each node has an endpoint, its own health port, and it is gone afterwards", async () => {
    await checked(
      () => "answers",
      async (api, open) => {
        const check = await open();
        assert.deepEqual(await verdicts(check), ["answers", "answers", "answers"]);
        assert.deepEqual(
          api.services.map(({ spec }) => [spec.type, spec.externalTrafficPolicy]),
          [["NodePort", "Local"]],
        );
        assert.deepEqual(
          api.endpoints(),
          pods.map(({ node, address }) => [api.services[0]?.metadata.name, node, address, node]),
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
        const check = await open("test", [...five, podOn("f")]);
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
        api.refused = ["services"];
        const [first] = await answersOf(await open());
        const reason = 'no test Service can be made: cannot create resource "services"';
        assert.deepEqual(first, { verdict: "unasked", reason });
        api.refused = ["endpointslices"];
        const [without] = await answersOf(await open());
        assert.equal(without?.verdict, "unasked");
        assert.deepEqual(api.services, [], "a Service without endpoints was left");
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

  test("one from before says nothing of a node that has joined since, or has another address now", async () => {
    await checked(
      (_, port) => (port === 30_000 ? "is silent" : "answers"),
      async (api, open) => {
        await open("restart", [podOn("a", "192.0.2.9"), podOn("b", "192.0.2.2")]);
        const check = await open("restart");
        const verdictOf = async (index: number) => (await check.ask(pods[index] as Pod, signal)).verdict;
        assert.deepEqual([await verdictOf(0), await verdictOf(2)], ["answers", "answers"]);
        assert.ok(!api.asked.includes("a:30000") && !api.asked.includes("c:30000"));
        assert.equal(await verdictOf(1), "fails");
      },
    );
  });

  test("leads to a node that comes later as soon as it is included, and is not asked for there before", async () => {
    const later = podOn("later", "192.0.2.4");
    await checked(
      () => "answers",
      async (api, open) => {
        const check = await open();
        assert.deepEqual(await check.ask(later, signal), {
          verdict: "unasked",
          reason: "no test Service leads there",
        });
        await check.include([...pods, later], signal);
        assert.equal((await check.ask(later, signal)).verdict, "answers");
        assert.equal(api.services.length, 1);
        assert.deepEqual(
          api.endpoints().map(([, node]) => node),
          ["a", "b", "c", "later"],
          "each has one endpoint",
        );
      },
    );
  });

  test("that cannot lead to a node which comes later is told of this one alone", async () => {
    const later = podOn("later", "192.0.2.4");
    await checked(
      (pod) => (pod === "b" ? "refuses" : "answers"),
      async (api, open) => {
        const check = await open();
        api.refused = ["endpointslices"];
        await check.include([...pods, later], signal);
        assert.match(
          JSON.stringify(await check.ask(later, signal)),
          /unasked.*no test Service can be made: cannot create resource/,
        );
        assert.deepEqual(await verdicts(check), ["answers", "fails", "answers"]);
      },
    );
  });

  test("is a node's own where an API server runs, which what it asks there would not reach by others", async () => {
    const main = podOn("main", "192.0.2.4", true);
    await checked(
      () => "answers",
      async (api, open) => {
        const check = await open("test", [main, ...pods]);
        assert.equal((await check.ask(main, signal)).verdict, "answers");
        const [own, shared] = api.services.map(({ metadata }) => metadata.name);
        assert.deepEqual(
          api.endpoints().map(([service, node]) => [service, node]),
          [[own, "main"], ...pods.map(({ node }) => [shared, node])],
        );
        assert.deepEqual(
          api.asked.filter((asked) => asked.startsWith("main:3")),
          ["main:30000"],
        );
      },
    );
  });

  test("takes no NodePort for each of many nodes that call themselves control planes", async () => {
    const many = Array.from({ length: 40 }, (_, index) => podOn(`n${index}`, `198.51.100.${index}`, true));
    await checked(
      () => "answers",
      async (api, open) => {
        await open("test", many);
        assert.equal(api.services.length, 17);
        assert.equal(api.endpoints().length, many.length);
      },
    );
  });

  test("has as many EndpointSlices as it takes, each of a thousand endpoints at most", async () => {
    const many = Array.from({ length: 2500 }, (_, index) =>
      podOn(`n${index}`, `10.0.${index >> 8}.${index & 255}`),
    );
    await checked(
      () => "answers",
      async (api, open) => {
        const check = await open("test", many);
        assert.deepEqual(
          api.slices.map(({ endpoints }) => endpoints.length),
          [1000, 1000, 500],
        );
        assert.equal((await check.ask(many[2400] as Pod, signal)).verdict, "answers");
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
