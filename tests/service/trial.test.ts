/** What trials say beside the objects: each node's kube-proxy, and each endpoint by itself. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ApiError } from "../../components/cluster/apiError.ts";
import { outcomeOf, reportOf } from "../../components/cluster/service/trial.ts";
import type { Finding } from "../../components/cluster/verify/index.ts";
import { diagnose, toTry } from "../../components/service/diagnose.ts";
import type { ServiceFacts } from "../../components/service/facts.ts";
import { formatService } from "../../components/service/format.ts";
import {
  type EndpointReport,
  type NodeReport,
  type ToTry,
  type Trial,
  withChange,
  withReached,
} from "../../components/service/trial.ts";
import { endpointOf, factsOf, shop } from "./world.ts";

const healthy: Finding = {
  ...{ node: "node-1", pod: "kube-proxy-1", ageSeconds: 90, lastSyncSeconds: 2, pendingSeconds: null },
  ...{ mode: "iptables", verdict: "healthy", findings: [] },
  service: { verdict: "answers", seconds: 0.3 },
};
const fails = { verdict: "fails", reason: "a new Service does not answer" } as const;
const unasked = { verdict: "unasked", reason: "not allowed" } as const;
const outlier = (more: Partial<Finding>): Finding => ({
  ...healthy,
  verdict: "outlier",
  findings: ["x"],
  ...more,
});

suite("a node's kube-proxy", () => {
  const verdict = (finding: Finding, someAnswer = true) => reportOf(finding, someAnswer).verdict;

  test("does its work where a new Service answers, also one that differs from others", () => {
    assert.deepEqual(reportOf(healthy, true), {
      ...{ node: "node-1", lastSyncSeconds: 2, newService: "answers", seconds: 0.3, reached: null },
      ...{ verdict: "fine", reason: "" },
    });
    assert.equal(
      verdict(outlier({ findings: ["mode nftables, whereas 2 of 3 nodes have iptables"] })),
      "fine",
    );
    assert.equal(verdict({ ...healthy, service: unasked }), "fine");
  });

  test("may be the reason where none answers, where it never synced or waits with a sync, and where it says nothing", () => {
    assert.equal(verdict(outlier({ service: fails })), "faulty");
    assert.equal(verdict(outlier({ service: unasked, lastSyncSeconds: null })), "faulty");
    assert.equal(verdict(outlier({ service: unasked, pendingSeconds: 300 })), "faulty");
    assert.equal(verdict(outlier({ service: null })), "faulty");
  });

  test("is not accused for what is not its own: another configuration, a way that is closed to all, a node that is NotReady", () => {
    assert.equal(verdict(outlier({ service: unasked })), "unknown");
    assert.equal(verdict(outlier({ service: null }), false), "unknown");
    assert.equal(
      verdict({ ...healthy, verdict: "excluded", service: null, findings: ["NotReady"] }),
      "unknown",
    );
  });
});

suite("a change of the Service's endpoints", () => {
  const [now, ago] = [Date.now(), 7200];
  const asked = (finding: Partial<Finding>) => reportOf({ ...healthy, ...finding }, true);
  const held = (finding: Partial<Finding>, since = ago) =>
    withChange([asked(finding)], since).map(({ verdict, reason }) => `${verdict}: ${reason}`);

  test("accuses a kube-proxy that has not synced since", () => {
    const behind = "faulty: it has not programmed changes for 3h0m: the Service's endpoints changed 2h0m ago";
    assert.deepEqual(held({ service: unasked, lastSyncSeconds: 10_800 }), [behind]);
    assert.deepEqual(held(outlier({ service: fails, lastSyncSeconds: 10_800 })), [`${behind}; x`]);
  });

  test("accuses nobody who has synced since, within what clocks differ by, at whom a new Service answers, or who says nothing", () => {
    const unchanged = (finding: Partial<Finding>, since = ago) => {
      assert.deepEqual(withChange([asked(finding)], since), [asked(finding)]);
    };
    unchanged({ service: unasked, lastSyncSeconds: 2 });
    unchanged({ service: unasked, lastSyncSeconds: ago + 60 });
    unchanged({ lastSyncSeconds: 10_800 });
    unchanged({ service: unasked, lastSyncSeconds: null });
    // A clock that is ahead says nothing of the past.
    unchanged({ service: unasked, lastSyncSeconds: 100 }, -5);
  });

  test("is the latest one of the EndpointSlices that kube-proxy looks at", () => {
    const some = shop();
    const [slice] = some.slices;
    assert.ok(slice);
    const changed = () => tryOf(factsOf([some]))?.changedAt;
    assert.equal(changed(), undefined);
    slice.changedAt = now - 5000;
    some.slices.push({ ...slice, name: "web-b", changedAt: now - 9000 });
    some.slices.push({ ...slice, name: "web-6", addressType: "IPv6", changedAt: now });
    assert.equal(changed(), now - 5000);
  });
});

suite("an endpoint that is asked by itself", () => {
  const outcome = (status: number | undefined, said: string) =>
    outcomeOf(new ApiError(status, { path: "GET", accepted: said }, said)).outcome;
  const unreached = (why: string) => outcome(503, `error trying to reach service: ${why}`);

  test("refuses where nothing listens; whoever has taken the connection answers, whatever it speaks", () => {
    assert.equal(unreached("dial tcp 10.244.1.2:8080: connect: connection refused"), "refuses");
    assert.equal(
      unreached(
        "proxy error from 127.0.0.1:8131 while dialing 10.244.1.2:8080, code 502: 502 connection refused",
      ),
      "refuses",
    );
    assert.equal(unreached("EOF"), "answers");
    assert.equal(
      unreached('net/http: HTTP/1.x transport connection broken: malformed HTTP response "x"'),
      "answers",
    );
    for (const status of [200, 301, 403, 404, 500, 503])
      assert.equal(outcome(status, "no such page"), "answers");
    assert.equal(outcome(undefined, "the answer is longer than 64 KiB"), "answers");
  });

  test("is silent where the network may be the reason, and denied where nobody may ask", () => {
    assert.equal(unreached("dial tcp 10.244.1.2:8080: i/o timeout"), "silent");
    assert.equal(unreached("dial tcp 10.244.1.2:8080: connect: no route to host"), "silent");
    assert.equal(
      unreached(
        "proxy error from 127.0.0.1:8131 while dialing 10.244.1.2:8080, code 503: 503 Service Unavailable",
      ),
      "silent",
    );
    assert.equal(outcome(undefined, "no answer"), "silent");
    assert.equal(
      outcome(403, 'pods "web-1" is forbidden: User "x" cannot get resource "pods/proxy"'),
      "denied",
    );
    assert.equal(outcome(401, "Unauthorized"), "denied");
  });
});

/** What would be tried of a Service, by what the objects tell of it. */
function tryOf(facts: ServiceFacts, which = { namespace: "shop", name: "web" }): ToTry | undefined {
  const diagnosis = diagnose(facts, which);
  assert.ok(diagnosis);
  return toTry(facts, diagnosis);
}

suite("the verdict after a trial", () => {
  const shop1 = shop();
  const facts = factsOf([shop1]);
  const node = (name: string, verdict: NodeReport["verdict"], reason = ""): NodeReport => ({
    ...{
      node: name,
      lastSyncSeconds: 2,
      newService: "answers",
      seconds: 0.3,
      reached: null,
      verdict,
      reason,
    },
  });
  const endpoint = (pod: string, outcome: EndpointReport["outcome"], reason = ""): EndpointReport => ({
    ...{ namespace: "shop", pod, address: "10.244.1.1", node: "node-1", port: 8080, outcome, reason },
  });
  const told = (trial: Trial, access: readonly string[] = []) => {
    const diagnosis = diagnose(facts, { namespace: "shop", name: "web" }, trial);
    assert.ok(diagnosis);
    return { ...diagnosis, text: formatService(diagnosis, access) };
  };
  const answering = [endpoint("web-1", "answers"), endpoint("web-2", "answers")];
  const nodes = [
    node("node-1", "fine"),
    node("node-7", "faulty", "no change for 3 h"),
    node("node-8", "faulty"),
  ];

  test("names the nodes whose kube-proxy is the reason, and restarts those alone", () => {
    const { ok, verdict, text } = told({ nodes, endpoints: answering }, ["--context", "prod"]);
    assert.deepEqual([ok, verdict.kind], [false, "kube-proxy"]);
    assert.equal(verdict.sentence, "kube-proxy is the reason on 2 of 3 nodes.");
    assert.match(text, /restart-nodes -- --nodes node-7,node-8 --context prod\n/);
    assert.match(
      text,
      /^node-7 +synced 2s ago +yes, 0\.3 s +- +faulty: no change for 3 h\nnode-8 .*\nnode-1 /m,
    );
    assert.match(text, /^shop\/web-1 +8080 +answers$/m);
  });

  test("recommends no restart where every endpoint refuses: it would not help", () => {
    const refusing = [endpoint("web-1", "refuses", "connection refused"), endpoint("web-2", "refuses")];
    const { ok, verdict, text } = told({ nodes, endpoints: refusing });
    assert.deepEqual([ok, verdict.kind], [false, "not-kube-proxy"]);
    assert.match(
      verdict.sentence,
      /none of the 2 endpoints that were asked by themselves takes a connection at port 8080/,
    );
    assert.doesNotMatch(text, /restart-nodes/);
  });

  test("tells an endpoint that refuses among others that do not", () => {
    const some = [endpoint("web-1", "answers"), endpoint("web-2", "refuses"), endpoint("web-3", "silent")];
    const { ok, verdict } = told({ nodes: [node("node-1", "fine")], endpoints: some });
    assert.equal(ok, false);
    assert.match(
      verdict.sentence,
      /1 of 3 endpoints .* take no connection at port 8080, such as pod shop\/web-2/,
    );
    assert.match(verdict.next?.command ?? "", / exec web-2 -- /);
  });

  test("is that nothing is found, where all do their work, and endpoints are not asked", () => {
    const fine = [node("node-1", "fine"), node("node-2", "fine")];
    for (const endpoints of [answering, [endpoint("web-1", "denied")], []]) {
      const { ok, verdict } = told({ nodes: fine, endpoints });
      assert.deepEqual([ok, verdict.kind], [true, "answers"]);
      assert.match(verdict.sentence, /the kube-proxies of all 2 nodes do their work/);
    }
    const partial = told({ nodes: [...fine, node("node-3", "unknown", "NotReady")] });
    assert.match(partial.verdict.sentence, /cannot be told from here: .* 2 of 3 nodes do their work/);
  });

  test("names an endpoint that gives no answer where others do; where none does, nothing is known", () => {
    const fine = [node("node-1", "fine"), node("node-2", "fine")];
    const [answers, silent] = [endpoint("web-1", "answers"), endpoint("web-2", "silent", "no answer")];
    const some = told({ nodes: fine, endpoints: [answers, silent] });
    assert.deepEqual([some.ok, some.verdict.kind], [false, "not-kube-proxy"]);
    assert.match(some.verdict.sentence, /1 of 2 endpoints .* gave no answer, such as pod shop\/web-2/);
    assert.match(some.verdict.next?.command ?? "", / describe pod web-2$/);
    const none = told({ nodes: fine, endpoints: [silent, endpoint("web-3", "silent")] });
    assert.deepEqual([none.ok, none.verdict.kind], [true, "unknown"]);
    assert.match(none.verdict.sentence, /all 2 nodes do their work, and no endpoint answered/);
    for (const { text } of [some, none]) assert.doesNotMatch(text, /restart-nodes/);
  });

  test("accuses the network, and restarts nothing, where the rules of a node lead to what is not reached from there", () => {
    const fine = [
      node("node-1", "fine"),
      node("node-2", "fine"),
      node("node-3", "unknown"),
      node("node-4", "faulty"),
    ];
    const counts = new Map(Object.entries({ "node-1": 2, "node-2": 1, "node-4": 0 }));
    const reached = withReached(fine, { endpoints: counts, of: 2, own: undefined });
    assert.deepEqual(
      reached.map(({ verdict, reached: of }) => [verdict, of?.endpoints]),
      [
        ["fine", 2],
        ["elsewhere", 1],
        ["unknown", undefined],
        ["faulty", 0],
      ],
    );
    const { ok, verdict, text } = told({ nodes: reached.slice(0, 3), endpoints: answering });
    assert.deepEqual([ok, verdict.kind], [false, "not-kube-proxy"]);
    assert.match(
      verdict.sentence,
      /from 1 of 3 nodes not every endpoint is reached, though the rules there lead to it/,
    );
    assert.match(
      text,
      /^node-2 +synced 2s ago +yes, 0\.3 s +1 of 2 +elsewhere: its rules lead to all of them/m,
    );
    assert.doesNotMatch(text, /restart-nodes/);
  });

  test("accuses a kube-proxy by the Service's own NodePort, where a new Service to the same endpoints answers", () => {
    const fine = ["node-1", "node-2"].map((name) => node(name, "fine"));
    const endpoints = new Map(Object.entries({ "node-1": 2, "node-2": 2 }));
    const judged = (own: Readonly<Record<string, number>>) =>
      withReached(fine, { endpoints, of: 2, own: new Map(Object.entries(own)) }).map(
        ({ verdict }) => verdict,
      );
    assert.deepEqual(judged({ "node-1": 1, "node-2": 0 }), ["fine", "faulty"]);
    assert.deepEqual(judged({ "node-1": 1, "node-2": 1 }), ["fine", "fine"]);
    // Where it answers nowhere, a firewall may be the reason.
    assert.deepEqual(judged({ "node-1": 0, "node-2": 0 }), ["fine", "fine"]);
    const own = shop();
    const [port] = own.service.ports;
    assert.ok(port);
    port.nodePort = 30_080;
    assert.equal(tryOf(factsOf([own]), own.service)?.nodePort, 30_080);
    own.service.externalLocal = true;
    assert.equal(tryOf(factsOf([own]), own.service)?.nodePort, undefined);
  });

  test("does not judge nodes by what is reached from none: the way from outside may be closed", () => {
    const fine = [node("node-1", "fine"), node("node-2", "fine")];
    const counts = new Map(Object.entries({ "node-1": 0, "node-2": 0 }));
    assert.deepEqual(withReached(fine, { endpoints: counts, of: 2, own: undefined }), fine);
  });

  test("says what could not be tried", () => {
    const { text } = told({ untried: { kubeProxies: "daemonsets.apps is forbidden" } });
    assert.match(text, /Not looked at:\n {2}the nodes' kube-proxies: daemonsets\.apps is forbidden/);
  });

  test("says what no trial can tell: other protocols, its own rules, policies, the endpoints beyond ten", () => {
    assert.equal(diagnose(facts, { namespace: "shop", name: "web" })?.untried, null);
    assert.match(told({ nodes }).text, /\nNot tried:\n {2}the Service's own rules: it has no NodePort /);
    const more = shop();
    const [port] = more.service.ports;
    const [slice] = more.slices;
    assert.ok(port && slice);
    port.nodePort = 30_080;
    more.service.ports.push({ ...port, name: "dns", protocol: "UDP", port: 53, nodePort: 0 });
    slice.endpoints.push({ ...endpointOf(more.pods[0] ?? assert.fail()), address: "10.244.1.99", pod: "" });
    more.policies.push({
      ...{ namespace: "shop", name: "open", pods: {} },
      ingress: [{ fromAll: true, ports: [] }],
    });
    const { untried } = diagnose(factsOf([more]), more.service, { nodes }) ?? assert.fail();
    assert.deepEqual(untried, [
      "port dns 53/UDP: only TCP can be asked",
      "the rules of its ClusterIP: it is reached from inside of the cluster alone",
      "1 endpoint of 4: ten are asked at most, ready ones of pods, of one family, over TCP",
      "what NetworkPolicies do to other clients",
    ]);
  });

  test("tries nothing where the objects tell enough, and ten endpoints at most", () => {
    const stopped = shop();
    stopped.service.selector = { app: "nobody" };
    stopped.slices = [];
    assert.equal(tryOf(factsOf([stopped])), undefined);
    assert.deepEqual(tryOf(facts)?.endpoints[0], {
      ...{
        namespace: "shop",
        pod: "web-1",
        address: shop1.pods[0]?.addresses[0],
        node: "node-1",
        port: 8080,
      },
    });
    const large = shop();
    const [first] = large.slices;
    const [one] = first?.endpoints ?? [];
    assert.ok(first && one);
    first.endpoints = Array.from({ length: 50 }, (_, i) => ({
      ...one,
      pod: `web-${i}`,
      address: `10.244.1.${i + 1}`,
    }));
    assert.equal(tryOf(factsOf([large]))?.endpoints.length, 10);
  });
});
