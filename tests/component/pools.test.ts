import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  type ClusterFacts,
  KubeProxy,
  type KubeProxyArgs,
  type Pool,
  RestartStrategy,
} from "../../components/index.ts";
import { factsAfter } from "../plan/facts.ts";
import { at, named, type Registration, registrationsOf } from "./registration.ts";

const plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const pools: Pool[] = [
  { name: "canary", nodeSelector: { pool: "canary" }, maxUnavailable: "1", image: "example.com/p:2" },
  {
    name: "rest",
    matchExpressions: [{ key: "pool", operator: "NotIn", values: ["canary"] }],
    configuration: { iptables: { masqueradeAll: true } },
    resources: { requests: { cpu: "1m" } },
    tolerations: [],
  },
];

const declare = (more: Partial<KubeProxyArgs> = {}) =>
  registrationsOf(() => new KubeProxy("kube-proxy", { ...plain, pools, ...more }));

const daemonSetsOf = (registrations: readonly Registration[]) =>
  registrations.filter(({ type }) => type.endsWith(":DaemonSet"));
const names = (urns: readonly string[]) => urns.map((urn) => urn.split("::").at(-1));

/** A cluster in which these arguments have been applied. */
function clusterWith(args: { pools: Pool[]; restart?: string }): ClusterFacts {
  const labels = { "kubernetes.io/os": "linux" };
  const node = (name: string, more = {}) => ({
    name,
    labels: { ...labels, ...more },
    taints: [],
    ready: "True",
  });
  return factsAfter({ ...plain, ...args }, [node("node-1", { pool: "canary" }), node("node-2")]);
}

suite("pools", () => {
  test("have a DaemonSet and a ConfigMap each; kubeadm's ConfigMap stays, which joining nodes read", async () => {
    const registrations = await declare();
    assert.deepEqual(
      registrations
        .filter(({ type }) => /:(DaemonSet|ConfigMap)$/.test(type))
        .map((registration) => [registration.name, at(registration, "metadata", "name")]),
      [
        ["kube-proxy-config-map", "kube-proxy"],
        ["kube-proxy-canary-config-map", "kube-proxy-canary"],
        ["kube-proxy-canary-daemon-set", "kube-proxy-canary"],
        ["kube-proxy-rest-config-map", "kube-proxy-rest"],
        ["kube-proxy-rest-daemon-set", "kube-proxy-rest"],
      ],
    );
    assert.doesNotMatch(
      String(at(named(registrations, "config-map"), "data", "config.conf")),
      /masqueradeAll: true/,
    );
    assert.match(
      String(at(named(registrations, "rest-config-map"), "data", "config.conf")),
      /masqueradeAll: true/,
    );
    for (const pool of ["canary", "rest"]) {
      const volumes = at(named(registrations, `${pool}-daemon-set`), "spec", "template", "spec", "volumes");
      assert.match(JSON.stringify(volumes), new RegExp(`"configMap":\\{"name":"kube-proxy-${pool}"\\}`));
    }
  });

  test("override what they say, and nothing else", async () => {
    const registrations = await declare({ image: "example.com/p:1" });
    const [canary, rest] = [
      named(registrations, "canary-daemon-set"),
      named(registrations, "rest-daemon-set"),
    ];
    const image = (one: Registration) =>
      (at(one, "spec", "template", "spec", "containers") as { image: string }[])[0]?.image;
    assert.deepEqual([image(canary), image(rest)], ["example.com/p:2", "example.com/p:1"]);
    const bound = (one: Registration) => at(one, "spec", "updateStrategy", "rollingUpdate", "maxUnavailable");
    assert.deepEqual([bound(canary), bound(rest)], [1, "10%"]);
    const tolerations = (one: Registration) => at(one, "spec", "template", "spec", "tolerations");
    assert.deepEqual([tolerations(canary), tolerations(rest)], [[{ operator: "Exists" }], []]);
  });

  test("find their own pods among those that a deleted one has left: each selects by its own label", async () => {
    for (const [index, one] of daemonSetsOf(await declare()).entries()) {
      const labels = { "k8s-app": "kube-proxy", "kube-proxy/pool": pools[index]?.name };
      assert.deepEqual(at(one, "spec", "selector", "matchLabels"), labels);
      assert.deepEqual(at(one, "spec", "template", "metadata", "labels"), labels);
    }
  });

  test("a node that changes pools never has two: pods refuse a node with a kube-proxy", async () => {
    for (const one of daemonSetsOf(await declare())) {
      assert.deepEqual(at(one, "spec", "template", "spec", "affinity", "podAntiAffinity"), {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            labelSelector: { matchLabels: { "k8s-app": "kube-proxy" } },
            topologyKey: "kubernetes.io/hostname",
          },
        ],
      });
    }
    const [alone] = daemonSetsOf(await declare({ pools: [] }));
    assert.ok(alone);
    assert.equal(at(alone, "spec", "template", "spec", "affinity"), undefined, "kubeadm has none");
  });

  test("a later pool waits for the proof of the one before, its configuration, too", async () => {
    const registrations = await declare();
    for (const child of ["rest-config-map", "rest-test-service", "rest-daemon-set"]) {
      assert.ok(names(named(registrations, child).dependencies).includes("kube-proxy-canary-verify"), child);
    }
    assert.ok(
      !names(named(registrations, "canary-daemon-set").dependencies).includes("kube-proxy-rest-verify"),
    );
    const before = names(named(registrations, "rest-daemon-set").dependencies);
    assert.ok(
      before.includes("kube-proxy-rest-test-service"),
      "a Service that was there before has to answer after",
    );
    const verify = named(registrations, "rest-verify").inputs["interpreter"] as string[];
    assert.ok(verify.includes("--daemonset=kube-proxy-rest"));
    assert.ok(verify.includes("--test-services=kube-proxy-rest"));
    const unproved = await declare({ verify: false });
    assert.ok(
      names(named(unproved, "rest-daemon-set").dependencies).includes("kube-proxy-canary-daemon-set"),
    );
  });

  test("with another layout every DaemonSet starts anew; the order is no layout", async () => {
    const layoutOf = async (all: Pool[]) =>
      daemonSetsOf(await declare({ pools: all })).map((one) =>
        at(one, "metadata", "annotations", "kube-proxy/pools"),
      );
    const [canary, rest] = await layoutOf(pools);
    assert.ok(canary);
    assert.equal(canary, rest);
    assert.deepEqual(await layoutOf([...pools].reverse()), [canary, canary]);
    const renamed = pools.map((pool) => ({ ...pool, name: pool.name.replace("rest", "main") }));
    assert.notEqual((await layoutOf(renamed))[0], canary);
  });

  test("room is made before the first DaemonSet, from what the command is told by standard input", async () => {
    const registrations = await declare();
    const { inputs, dependencies } = named(registrations, "layout");
    assert.ok(names(dependencies).includes("kube-proxy-snapshot"));
    assert.ok(names(named(registrations, "canary-daemon-set").dependencies).includes("kube-proxy-layout"));
    const told = JSON.parse(String(inputs["stdin"])) as { daemonSet: string; pool: string; layout: string }[];
    assert.deepEqual(
      told.map(({ daemonSet, pool }) => [daemonSet, pool]),
      [
        ["kube-proxy-canary", "canary"],
        ["kube-proxy-rest", "rest"],
      ],
    );
    const annotation = at(
      named(registrations, "canary-daemon-set"),
      "metadata",
      "annotations",
      "kube-proxy/pools",
    );
    assert.equal(told[0]?.layout, annotation);
    const { ignoreChanges } = named(registrations, "layout");
    assert.deepEqual([inputs["triggers"], ignoreChanges], [[], ["triggers"]], "nothing is in the way");
    const restored = named(await declare({ facts: clusterWith({ pools: [] }) }), "layout");
    assert.deepEqual([restored.inputs["triggers"], restored.ignoreChanges], [["1"], []]);
    const alone = named(await declare({ pools: [] }), "layout").inputs["stdin"];
    assert.match(String(alone), /^\[\{"daemonSet":"kube-proxy","placement":/);
  });
});

suite("a pool that is held", () => {
  const facts = clusterWith({ pools });

  test("stays as it is: every input of what it has is ignored", async () => {
    const registrations = await declare({ restart: "2", hold: ["rest"], facts });
    const ignored = (child: string) => named(registrations, child).ignoreChanges;
    assert.deepEqual(ignored("rest-daemon-set").slice(-2), ["metadata", "spec"]);
    assert.deepEqual(ignored("rest-config-map"), ["metadata", "data"]);
    for (const child of ["rest-test-service", "rest-verify"]) {
      assert.deepEqual(ignored(child), [
        "stdin",
        "interpreter",
        "arguments",
        "create",
        "update",
        "environment",
        "triggers",
      ]);
    }
    assert.deepEqual(ignored("canary-config-map"), []);
    assert.equal(ignored("canary-daemon-set").includes("spec"), false);
  });

  test("hands on what was remembered of the nodes, which by itself runs nothing anew", async () => {
    const registrations = await declare({ restart: "2", facts });
    for (const child of ["canary-test-service", "canary-verify", "rest-test-service", "rest-verify"]) {
      assert.deepEqual(named(registrations, child).ignoreChanges, ["stdin"], child);
    }
    // Under mocks no command prints anything.
    assert.ok("stdin" in named(registrations, "rest-test-service").inputs);
  });

  test("is not made when the cluster has none, or one of another layout", async () => {
    const elsewhere = clusterWith({ pools: pools.map((pool) => ({ ...pool, tolerations: [] })) });
    for (const cluster of [{ ...facts, daemonSets: [], configMaps: [], helpers: [] }, elsewhere]) {
      const registrations = await declare({ hold: ["rest"], facts: cluster });
      assert.deepEqual(
        registrations.filter(({ name }) => name.includes("rest")),
        [],
      );
    }
  });
});

suite("kube-proxy that is stopped", () => {
  test("has no DaemonSet, and neither what keeps orphans: its deletion removes the pods", async () => {
    const registrations = await declare({ running: false });
    const kinds = registrations.filter(({ type }) => !type.includes("rbac")).map(({ name }) => name);
    assert.deepEqual(kinds.sort(), [
      "kube-proxy",
      "kube-proxy-config-map",
      "kube-proxy-service-account",
      "kube-proxy-snapshot",
    ]);
    const triggers = async (running: boolean) =>
      named(await declare({ running }), "snapshot").inputs["triggers"];
    assert.notDeepEqual(await triggers(false), await triggers(true), "what is stopped is kept before");
  });
});

suite("nodes that are restarted alone", () => {
  test("are named to a command after everything else, again with a new token", async () => {
    const restart = (more: object) => declare({ restartNodes: { nodes: ["node-1", "node-2"], ...more } });
    const { inputs, dependencies } = named(await restart({}), "restart-nodes");
    assert.match(String((inputs["interpreter"] as string[])[3]), /commands.restartNodes\.ts$/);
    assert.deepEqual((inputs["interpreter"] as string[]).slice(4), [
      "--nodes=node-1,node-2",
      "--deadline=5m",
    ]);
    assert.equal(inputs["create"], "restart-nodes");
    assert.deepEqual(names(dependencies), ["kube-proxy-rest-verify"]);
    const again = named(await restart({ token: "2" }), "restart-nodes").inputs["triggers"];
    assert.notDeepEqual(again, inputs["triggers"]);
  });
});

suite("strategies of pools", () => {
  test("pods change hands under Recreate, too: their template is numbered", async () => {
    for (const one of daemonSetsOf(await declare({ restartStrategy: RestartStrategy.Recreate }))) {
      const annotations = at(one, "metadata", "annotations") as Record<string, string>;
      assert.match(annotations["deprecated.daemonset.template.generation"] ?? "", /^\d+$/);
      assert.equal(annotations["pulumi.com/deletionPropagationPolicy"], undefined);
    }
  });
});
