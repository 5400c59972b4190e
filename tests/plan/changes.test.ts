import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { changesOf } from "../../components/plan/changes.ts";
import { configMapOf, liveOf } from "../../components/plan/drift.ts";
import { type Plain, planOf } from "../../components/plan/plan.ts";
import { factsAfter } from "./facts.ts";

const plain: Plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const nodes = [{ name: "a", labels: { "kubernetes.io/os": "linux" }, taints: [], ready: "True" }];

/** What is told of a move from one set of settings to another, beside those that are in both. */
function told(to: Partial<Plain>, from: Partial<Plain> = {}, edit?: (container: object) => object): string[] {
  const facts = factsAfter({ ...plain, ...from }, nodes);
  const [wave] = planOf({ ...plain, ...to }, facts).waves;
  const live = liveOf(wave, facts);
  assert.ok(live);
  const spec = structuredClone(live.spec) as {
    template: { spec: { containers: [object] } };
  };
  const { containers } = spec.template.spec;
  if (edit !== undefined) containers[0] = edit(containers[0]);
  return changesOf(wave, { ...live, spec }, configMapOf(wave, facts));
}

suite("a change has the name of the setting that decides it", () => {
  test("arguments, with what comes and goes", () => {
    assert.deepEqual(told({ extraArgs: ["--v=4"] }), ['extraArgs: with "--v=4"']);
    assert.deepEqual(told({ extraArgs: ["--v=4", "--a"] }, { extraArgs: ["--v=2", "--a"] }), [
      'extraArgs: without "--v=2", with "--v=4"',
    ]);
    assert.deepEqual(told({ extraArgs: ["--a", "--b"] }, { extraArgs: ["--b", "--a"] }), [
      "extraArgs: in another order",
    ]);
    assert.deepEqual(told({ extraArgs: ["--v=4"] }, { extraArgs: ["--v=4"] }), []);
  });

  test("no password in an argument, and no value of env", () => {
    const args = (password: string) => ({ extraArgs: [`--proxy=http://me:${password}@proxy`] });
    const [line = ""] = told(args("hidden"), args("other"));
    assert.match(line, /^extraArgs: without "--proxy=http:\/\/me:PASSWORD@proxy", with /);
    assert.doesNotMatch(line, /hidden|other/);
    assert.deepEqual(told({ env: [{ name: "TOKEN", value: "hidden" }] }), ["env: with TOKEN"]);
  });

  test("probes with the field; volumes and their mounts by their names, since kubeadm's come first", () => {
    const probe = (periodSeconds: number) => ({
      livenessProbe: { httpGet: { path: "/healthz", port: 10256 }, periodSeconds },
    });
    assert.deepEqual(told(probe(5), probe(10)), ["livenessProbe.periodSeconds"]);
    assert.deepEqual(told(probe(5)), ["livenessProbe"]);
    const volume = (path: string) => ({
      volumes: [{ name: "certs", hostPath: { path } }],
      volumeMounts: [{ name: "certs", mountPath: path }],
    });
    assert.deepEqual(told(volume("/a"), volume("/b")), ["volumes", "volumeMounts"]);
    assert.deepEqual(told({ priorityClassName: "low" }), ["priorityClassName"]);
  });

  test("excluded nodes, but not the nodes of a pool, which are chosen in the same place", () => {
    const excludeNodes = [{ key: "gpu", operator: "Exists" as const }];
    assert.deepEqual(told({ excludeNodes }), ["excludeNodes"]);
    const pools = [{ name: "all" }];
    const [line = ""] = told({ pools, excludeNodes }, { pools });
    assert.match(line, /^affinity\./);
  });

  test("what is hardened, once, and not for what the container beside has as well", () => {
    const hardened = true;
    const configuration = { mode: "nftables" as const };
    assert.deepEqual(told({ hardened }), ["hardened"]);
    assert.deepEqual(told({}, { hardened }), ["hardened"]);
    assert.deepEqual(told({ hardened, image: "a:b" }, { hardened }).length, 1);
    assert.deepEqual(
      told({ hardened, configuration }, { hardened }).filter((line) => line.startsWith("hardened")),
      ["hardened.capabilities.add"],
    );
    assert.deepEqual(told({ hardened }, { hardened }), []);
  });

  test("what no setting decides keeps its path", () => {
    const otherwise = (container: object) => ({ ...container, imagePullPolicy: "Always" });
    assert.deepEqual(told({}, {}, otherwise), ["containers[0].imagePullPolicy"]);
  });
});
