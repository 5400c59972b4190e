/** When a change is a switch between kube-proxy's modes. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type ClusterFacts, KubeProxy, type KubeProxyArgs } from "../../components/index.ts";
import { modeOf } from "../../components/plan/modes.ts";
import { confirmationProblem, switchOf, whyConfirm } from "../../components/plan/modeSwitch.ts";
import { planOf } from "../../components/plan/plan.ts";
import { factsAfter } from "../plan/facts.ts";
import { named, type Registration, registrationsOf } from "./registration.ts";

const plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };

const waveOf = (mode?: string) =>
  planOf({
    ...plain,
    ...(mode !== undefined && { configuration: { mode } }),
  }).waves[0];

/** A cluster whose kube-proxy has this `config.conf`. */
function running(configuration: string, more: Partial<ClusterFacts> = {}): ClusterFacts {
  const configMaps = [{ name: "kube-proxy", resourceVersion: "1", data: { "config.conf": configuration } }];
  return { ...factsAfter(plain, []), configMaps, ...more };
}

suite("a switch between modes", () => {
  test("is one when the mode that runs is another one; an empty one is iptables", () => {
    const change = { from: "iptables", to: "nftables" };
    assert.deepEqual(switchOf(waveOf("nftables"), running('mode: ""')), change);
    assert.deepEqual(switchOf(waveOf("nftables"), running("kind: KubeProxyConfiguration")), change);
    assert.equal(switchOf(waveOf(), running("mode: iptables")), undefined);
    assert.equal(switchOf(waveOf("nftables"), running("mode: nftables")), undefined);
  });

  test("is none where there is no kube-proxy", () => {
    assert.equal(switchOf(waveOf("nftables"), running("mode: iptables", { daemonSets: [] })), undefined);
    assert.equal(switchOf(waveOf("nftables"), running("mode: iptables", { configMaps: [] })), undefined);
  });

  test("goes on as long as there are helpers of the wanted mode", () => {
    const begun = running("mode: nftables", { helpers: [{ uid: "2", mode: "nftables" }] });
    assert.deepEqual(switchOf(waveOf("nftables"), begun), { from: "iptables", to: "nftables" });
    const givenUp = running("mode: iptables", { helpers: [{ uid: "2", mode: "nftables" }] });
    assert.equal(switchOf(waveOf("iptables"), givenUp), undefined);
  });

  test("a configuration that is none says no mode", () => {
    for (const text of ["", "{", "[]", "mode: 7"]) assert.equal(modeOf(text), "iptables", text);
  });
});

suite("a switch that loses connections", () => {
  const ipvs = { from: "iptables", to: "ipvs" };

  test("is one to ipvs, and one that the version does not clear, or clears at once", () => {
    assert.match(whyConfirm(ipvs, 37) ?? "", /gone in 1\.43\. No connection is lost/);
    assert.match(whyConfirm({ from: "nftables", to: "ipvs" }, 37) ?? "", /new connections fail until/);
    assert.equal(whyConfirm({ from: "ipvs", to: "nftables" }, 34), undefined);
    assert.match(
      whyConfirm({ from: "ipvs", to: "nftables" }, 33) ?? "",
      /1\.33 removes ipvs as soon as it starts/,
    );
    assert.equal(whyConfirm({ from: "ipvs", to: "iptables" }, 20), undefined);
    assert.match(whyConfirm({ from: "nftables", to: "iptables" }, 28) ?? "", /of 1\.28 removes no rules/);
    assert.equal(whyConfirm({ from: "nftables", to: "iptables" }, 29), undefined);
    assert.equal(whyConfirm({ from: "iptables", to: "nftables" }, 37), undefined);
  });

  test("has to be confirmed by name", () => {
    const [problem] = confirmationProblem(ipvs, 37, undefined);
    assert.equal(problem?.path, "configuration.mode");
    assert.equal(problem.value, "ipvs");
    assert.match(problem.accepted, /set confirmModeSwitch to "iptables to ipvs"/);
    assert.equal(confirmationProblem(ipvs, 37, "ipvs to iptables").length, 1);
    assert.deepEqual(confirmationProblem(ipvs, 37, "iptables to ipvs"), []);
    assert.deepEqual(confirmationProblem({ from: "iptables", to: "nftables" }, 37, undefined), []);
  });
});

const declare = (more: Partial<KubeProxyArgs> = {}) =>
  registrationsOf(() => new KubeProxy("kube-proxy", { ...plain, ...more }));

suite("what the engine does at a switch", () => {
  test("a changed mode would take the rules away before the new ones are there: a hook prepares it", async () => {
    const prepared = (registrations: readonly Registration[]) =>
      registrations
        .filter(({ beforeUpdate }) => beforeUpdate.length > 1)
        .map(({ name, beforeCreate, beforeUpdate }) => [name, beforeCreate.at(-1), ...beforeUpdate.slice(1)]);
    const cluster = { context: "mine" };
    const [hook, other] = ["kube-proxy-preparing", "kube-proxy-all-preparing"];
    assert.deepEqual(prepared(await declare({ cluster })), [
      // Whoever has this ConfigMap and is not this stack has a kube-proxy that is not to be touched.
      ["kube-proxy-config-map", "kube-proxy-clearing", hook],
      ["kube-proxy-daemon-set", hook, hook],
    ]);
    assert.deepEqual(prepared(await declare({ cluster, pools: [{ name: "all" }] })), [
      ["kube-proxy-all-config-map", other, other],
      ["kube-proxy-all-daemon-set", other, other],
    ]);
    assert.deepEqual(prepared(await declare({ cluster, running: false })), []);
  });

  test("the rules of the old mode go at the end, by what the state has of them; and none at the stack's end", async () => {
    const registrations = await declare({ configuration: { mode: "nftables" } });
    const { inputs, replaceOnChanges, ignoreChanges } = named(registrations, "rules");
    assert.deepEqual(
      [inputs["create"], inputs["delete"], inputs["stdin"]],
      [undefined, "clear-rules", "nftables"],
    );
    assert.ok(replaceOnChanges.includes("stdin"));
    assert.deepEqual(ignoreChanges, ["triggers"]);
    for (const name of ["daemon-set", "orphans"]) {
      assert.ok(
        named(registrations, name).dependencies.some((urn) => urn.endsWith("::kube-proxy-rules")),
        name,
      );
    }
  });
});
