/** The verdict, with and without the nodes' word; which endpoints count; and how all of it is written. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { diagnose, type ServiceDiagnosis } from "../../components/service/diagnose.ts";
import { formatService } from "../../components/service/format.ts";
import type { NodeReport } from "../../components/service/trial.ts";
import { faults } from "./faults/index.ts";
import { endpointOf, factsOf, reconcile, shop, type Shop, town, type Town } from "./world.ts";

function look(
  change: (shop: Shop) => void = () => undefined,
  { nodes, around = town() }: { nodes?: readonly NodeReport[]; around?: Town } = {},
): ServiceDiagnosis {
  const one = shop();
  change(one);
  const diagnosis = diagnose(factsOf([one], around), one.service, { nodes });
  assert.ok(diagnosis);
  return diagnosis;
}

const reports = (...verdicts: NodeReport["verdict"][]): NodeReport[] =>
  verdicts.map((verdict, index) => ({
    ...{ node: `node-${index + 1}`, verdict, reason: `because of ${verdict}` },
    ...{ lastSyncSeconds: 2, newService: "answers", seconds: 0.3, reached: null },
  }));

suite("the verdict", () => {
  test("with the nodes' word: what excludes kube-proxy comes first, then the nodes, then what weighs less", () => {
    const nodes = reports("fine", "faulty", "fine");
    const { verdict, ok } = look(undefined, { nodes });
    assert.deepEqual(
      [verdict.kind, verdict.sentence, ok],
      ["kube-proxy", "kube-proxy is the reason on 1 of 3 nodes.", false],
    );
    const stopped = look(faults["pods-crash"]?.has, { nodes });
    assert.equal(
      stopped.verdict.sentence,
      "kube-proxy is not the reason: the Service has no endpoint that is ready.",
    );
    assert.equal(look(faults["balancer-pending"]?.has, { nodes }).verdict.kind, "kube-proxy");
  });

  test("a kube-proxy that does not run is the reason, unless something else stops the Service", () => {
    const around = town();
    around.proxies = [];
    assert.match(
      look(undefined, { around }).verdict.sentence,
      /^kube-proxy is the reason: no kube-proxy runs/,
    );
    assert.equal(look(faults["pods-crash"]?.has, { around }).verdict.kind, "not-kube-proxy");
    // Somebody else may do its work, whom one may not see.
    around.otherDaemonSets = undefined;
    assert.deepEqual(look(undefined, { around }).findings, []);
  });
});

suite("which endpoints count", () => {
  test("those that are about to end and serve, as long as no other one is ready", () => {
    const draining = look((one) => {
      for (const pod of one.pods) pod.terminating = true;
      reconcile(one);
    });
    assert.deepEqual(draining.endpoints, { ready: 3, nodes: 3 });
    const some = look((one) => {
      for (const pod of one.pods.slice(1)) pod.terminating = true;
      reconcile(one);
    });
    assert.deepEqual(some.endpoints, { ready: 1, nodes: 1 });
  });

  test("a node whose endpoint is about to end has one of its own, too", () => {
    const { findings } = look((one) => {
      one.service.internalLocal = true;
      const [first] = one.pods;
      assert.ok(first);
      for (const number of [4, 5]) {
        const own = { node: `node-${number}`, name: `web-${number}`, addresses: [`10.244.${number}.9`] };
        one.pods.push({ ...first, ...own, terminating: true });
      }
      reconcile(one);
    });
    assert.deepEqual(findings, []);
  });

  test("pods that are not Ready yet are a remark while those before them still serve", () => {
    const { findings, ok } = look((one) => {
      for (const pod of one.pods) pod.terminating = true;
      const fresh = one.pods.map((pod) => ({
        ...pod,
        name: `${pod.name}-new`,
        terminating: false,
        ready: false,
      }));
      one.pods.push(...fresh.map((pod) => ({ ...pod, addresses: [`${pod.addresses[0] ?? ""}9`] })));
      for (const slice of one.slices) slice.endpoints = one.pods.map(endpointOf);
    });
    assert.deepEqual(
      [findings.map(({ kind, severity }) => [kind, severity]), ok],
      [[["pods-not-ready", "remark"]], true],
    );
  });
});

suite("who may not read pods", () => {
  const withoutPods = (change: (one: Shop) => void) => {
    const one = shop();
    change(one);
    const facts = { ...factsOf([one]), pods: undefined, unread: { pods: "403 no" } };
    const diagnosis = diagnose(facts, one.service);
    return [diagnosis?.findings.map(({ kind }) => kind), diagnosis?.verdict.kind] as const;
  };

  test("is told by the EndpointSlices whether there is an endpoint", () => {
    assert.deepEqual(
      withoutPods(() => undefined),
      [[], "answers"],
    );
    const crashed = withoutPods(faults["pods-crash"]?.has ?? (() => undefined));
    assert.deepEqual(crashed, [["slice-not-ready"], "not-kube-proxy"]);
    const none = withoutPods((one) => (one.slices = []));
    assert.deepEqual(none, [["slice-not-ready"], "not-kube-proxy"]);
  });
});

suite("what is written", () => {
  test("the value of a label that most pods have in the place of the one that nobody has", () => {
    const { findings } = look((one) => {
      one.service.selector = { app: one.service.name, tier: "fornt" };
      const [first] = one.pods;
      assert.ok(first);
      first.labels["tier"] = "back";
    });
    assert.match(findings[0]?.words ?? "", /none has tier=fornt, but 2 have tier=front\.$/);
    const empty = look((one) => (one.pods = []));
    assert.match(empty.findings[0]?.words ?? "", /matches no pod; there is no pod in shop\.$/);
    const apart = look(({ pods }) => {
      for (const [index, pod] of pods.entries())
        pod.labels = index === 0 ? { app: "web" } : { tier: "front" };
    });
    assert.match(
      apart.findings[0]?.words ?? "",
      /; 1 pod in shop has app=web, 2 have tier=front, and none has all of them\.$/,
    );
    const none = look(({ pods }) => {
      for (const pod of pods) pod.labels = {};
    });
    assert.match(none.findings[0]?.words ?? "", /; no pod in shop has app=web or tier=front\.$/);
  });

  test("ports, families and endpoints in the first line", () => {
    const diagnosis = look((one) => {
      const { service, slices, pods } = one;
      service.clusterIPs = ["10.96.0.7", "fd00:10:96::7"];
      Object.assign(service, { families: ["IPv4", "IPv6"], type: "NodePort" });
      service.ports.push({
        name: "",
        protocol: "UDP",
        port: 53,
        targetPort: "main",
        nodePort: 30053,
        appProtocol: "",
      });
      for (const [index, pod] of pods.entries()) {
        pod.addresses.push(`fd00:10:244:${index + 1}::7`);
        pod.ports.push({ name: "main", protocol: "UDP", port: 53 });
      }
      for (const { ports } of slices) ports.push({ name: "", protocol: "UDP", port: 53 });
    });
    assert.deepEqual(diagnosis.findings, []);
    assert.equal(
      formatService(diagnosis, []).split("\n")[0],
      "Service shop/web, NodePort 10.96.0.7 and fd00:10:96::7, ports http 80 -> 8080, 53/UDP -> main (NodePort 30053): 3 endpoints ready on 3 nodes",
    );
  });

  test("commands with the options that name the cluster, and what was not looked at", () => {
    const text = formatService(
      { ...look(faults["selector-matches-nothing"]?.has), unread: { policies: "403 no" } },
      ["--context", "prod"],
    );
    assert.match(text, /: {2}kubectl --context prod -n shop get pods --show-labels$/m);
    assert.match(text, /^Not looked at:\n {2}the NetworkPolicies: 403 no$/m);
    assert.match(
      formatService(look(), ["--context", "prod"]),
      /: {2}npm run --silent doctor -- --context prod$/m,
    );
  });

  test("a remark does not look like a reason", () => {
    const text = formatService(look(faults["session-affinity"]?.has), []);
    assert.match(text, /^Nothing is found that keeps it from answering; the nodes were not asked\.$/m);
    assert.match(text, /\n\nWhat there is to know:\n {2}sessionAffinity is ClientIP/);
  });
});
