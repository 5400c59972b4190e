/** 300 Services with a fault of each kind planted in some of them: all are named, and nothing else is accused. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type AllDiagnosis, diagnoseAll } from "../../components/service/diagnose.ts";
import { type KindName, kinds } from "../../components/service/kinds.ts";
import { severities } from "../../components/service/weights.ts";
import { faults } from "./faults/index.ts";
import { factsOf, shop, type Shop } from "./world.ts";

/** Source: mulberry32, a generator whose numbers are the same on every machine. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Makes a Service other than the one before, which answers all the same. */
function vary(one: Shop, random: () => number): void {
  const { namespace, name } = one.service;
  const some = one.pods.slice(0, 1).map((pod) => ({ ...pod, labels: { app: `${name}-job`, tier: "front" } }));
  const port = one.service.ports[0];
  if (random() < 0.3 && port !== undefined) {
    one.service.type = "NodePort";
    port.nodePort = 30_000 + Math.floor(random() * 2000);
  }
  if (random() < 0.5) for (const pod of one.pods) pod.labels["pod-template-hash"] = `${random()}`;
  // What is wrong with others is nothing to this one.
  if (random() < 0.3) {
    one.pods.push(
      ...some.map((pod) => ({ ...pod, name: `${name}-job`, ready: false, reason: "CrashLoopBackOff" })),
    );
  }
  if (random() < 0.3) {
    const pods = { matchLabels: { app: `${name}-job` } };
    one.policies.push({ namespace, name: `${name}-other`, pods, ingress: [] });
  }
}

const planted = Object.keys(faults) as KindName[];

function cluster(seed: number): { all: AllDiagnosis; expected: Map<string, KindName[]> } {
  const random = randomOf(seed);
  const expected = new Map<string, KindName[]>();
  const shops = Array.from({ length: 300 }, (_, index) => {
    const one = shop({ namespace: `ns-${Math.floor(random() * 12)}`, name: `svc-${index}` });
    vary(one, random);
    // Every second Service is as it should be.
    const kind = index % 2 === 0 ? planted[(index / 2) % planted.length] : undefined;
    const fault = kind && faults[kind];
    if (kind !== undefined && fault !== undefined) {
      fault.has(one);
      expected.set(`${one.service.namespace}/${one.service.name}`, [kind, ...(fault.with ?? [])].sort());
    }
    return { at: random(), one };
  });
  const shuffled = shops.sort((a, b) => a.at - b.at).map(({ one }) => one);
  return { all: diagnoseAll(factsOf(shuffled)), expected };
}

suite("300 Services", () => {
  for (const seed of [1, 20_261_128, 7_777_777]) {
    test(`made with seed ${seed}: every fault is named, and nobody else is accused`, () => {
      const { all, expected } = cluster(seed);
      const found = new Map(
        all.diagnoses.map(({ namespace, name, findings }) => {
          const named = [...new Set(findings.map(({ kind }) => kind))].sort();
          return [`${namespace}/${name}`, named] as const;
        }),
      );
      assert.deepEqual(new Map([...found].sort()), new Map([...expected].sort()));
      assert.equal(new Set([...expected.values()].flat()).size, planted.length);
      assert.ok(planted.length >= 40);
      assert.equal(all.services, 300);
      assert.equal(all.cluster.length, 0);
    });
  }

  test("the worst come first, and are counted", () => {
    const { all } = cluster(1);
    const weights = all.diagnoses.map(({ findings: [worst] }) =>
      worst ? severities.indexOf(worst.severity) : 9,
    );
    assert.deepEqual(weights, weights.toSorted());
    for (const [index, severity] of severities.entries()) {
      assert.equal(all.counts[severity], weights.filter((weight) => weight === index).length);
    }
    assert.equal(all.ok, false);
  });

  test("a verdict names kube-proxy where the finding is its business, and nowhere else", () => {
    const { all } = cluster(1);
    for (const { verdict, findings } of all.diagnoses) {
      const isIts = findings.some(({ kind }) => kinds[kind].blame === "kube-proxy");
      assert.ok(isIts || verdict.kind !== "kube-proxy", verdict.sentence);
      const worst = findings[0]?.severity;
      if (worst === "stops" || worst === "some")
        assert.match(verdict.sentence, /^kube-proxy is not the reason: /);
      if (worst === "may") assert.match(verdict.sentence, /^It cannot be told from here: /);
    }
  });
});
