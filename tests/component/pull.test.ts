/** With `prePull` the image is on the nodes before anything of a wave is changed. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { KubeProxy, type KubeProxyArgs, type Pool } from "../../components/index.ts";
import { factsAfter } from "../plan/facts.ts";
import { named, type Registration, registrationsOf } from "./registration.ts";

const plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const pools: Pool[] = [
  { name: "canary", nodeSelector: { pool: "canary" }, image: "registry.example.com/kube-proxy:new" },
  { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["canary"] }] },
];

const declare = (more: Partial<KubeProxyArgs>) =>
  registrationsOf(() => new KubeProxy("kube-proxy", { ...plain, ...more }));
const namesOf = (registrations: readonly Registration[]) =>
  registrations.map(({ name }) => name).filter((name) => name.endsWith("pull"));
const dependsOn = (registrations: readonly Registration[], name: string) =>
  named(registrations, name).dependencies.map((urn) => urn.split("::kube-proxy-").at(-1) ?? "");

suite("an image that is pulled before", () => {
  test("is none unless it is asked for, nor where kube-proxy is to stop", async () => {
    assert.deepEqual(namesOf(await declare({})), []);
    assert.deepEqual(namesOf(await declare({ prePull: false })), []);
    assert.deepEqual(namesOf(await declare({ prePull: true, running: false })), []);
  });

  test("comes before the ConfigMap, after the snapshot and the ServiceAccount", async () => {
    const registrations = await declare({ prePull: true, image: "registry.example.com/kube-proxy:new" });
    assert.deepEqual(namesOf(registrations), ["kube-proxy-pull"]);
    assert.ok(dependsOn(registrations, "config-map").includes("pull"));
    assert.ok(dependsOn(registrations, "daemon-set").includes("pull"));
    for (const before of ["snapshot", "service-account"])
      assert.ok(dependsOn(registrations, "pull").includes(before), before);
    const { stdin, create, delete: end } = named(registrations, "pull").inputs;
    const { daemonSet, spec } = JSON.parse(String(stdin)) as {
      daemonSet: string;
      spec: { containers: { image: string }[] };
    };
    assert.deepEqual(
      [daemonSet, spec.containers[0]?.image],
      ["kube-proxy", "registry.example.com/kube-proxy:new"],
    );
    assert.deepEqual([create, end], ["pull-image", "remove-pulls"]);
  });

  test("is each pool's own, the first one's before anything, the others' when their turn comes", async () => {
    const registrations = await declare({ prePull: true, pools });
    assert.deepEqual(namesOf(registrations), ["kube-proxy-canary-pull", "kube-proxy-rest-pull"]);
    assert.ok(dependsOn(registrations, "config-map").includes("canary-pull"));
    assert.ok(dependsOn(registrations, "canary-config-map").includes("canary-pull"));
    assert.ok(dependsOn(registrations, "rest-pull").includes("canary-verify"));
    assert.ok(dependsOn(registrations, "rest-config-map").includes("rest-pull"));
    assert.match(String(named(registrations, "canary-pull").inputs["stdin"]), /kube-proxy:new/);
    assert.doesNotMatch(String(named(registrations, "rest-pull").inputs["stdin"]), /kube-proxy:new/);
  });

  test("stays as it is in a pool that is held", async () => {
    const node = { labels: { "kubernetes.io/os": "linux" }, taints: [], ready: "True" };
    const facts = factsAfter({ ...plain, pools }, [
      { ...node, name: "a", labels: { ...node.labels, pool: "canary" } },
      { ...node, name: "b" },
    ]);
    const registrations = await declare({ prePull: true, pools, facts, hold: ["rest"] });
    assert.deepEqual(named(registrations, "canary-pull").ignoreChanges, []);
    const held = named(registrations, "rest-pull").ignoreChanges;
    for (const input of ["triggers", "stdin"]) assert.ok(held.includes(input), input);
  });
});
