/** What a cluster says is anybody's: texts that would move the cursor, long ones, and very many of everything. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { printableJson } from "../../components/input/printable.ts";
import { diagnose, diagnoseAll } from "../../components/service/diagnose.ts";
import type { Pod } from "../../components/service/facts.ts";
import { formatService, formatServices } from "../../components/service/format.ts";
import { faults } from "./faults/index.ts";
import { factsOf, shop, type Shop } from "./world.ts";

const escape = "\u001b[2J\u001b]0;mine\u0007\u202e\nService shop/fine, all is well\r";

/** Puts a text wherever somebody may write one. */
function poison(one: Shop, text: string): void {
  const { service } = one;
  service.externalName += text;
  service.loadBalancerClass += text;
  service.selector = { ...service.selector, [`key${text}`]: text };
  for (const port of service.ports) port.appProtocol = `https${text}`;
  for (const pod of one.pods) {
    pod.reason += text;
    pod.node += text;
    for (const port of pod.ports) port.name += text;
  }
  for (const slice of one.slices) {
    slice.managedBy += text;
    for (const endpoint of slice.endpoints) endpoint.pod += text;
  }
  for (const policy of one.policies) policy.name += text;
}

suite("hostile clusters", () => {
  test("nothing of a cluster moves the cursor, begins a line or hides letters, whatever the kind", () => {
    for (const { has } of Object.values(faults)) {
      const one = shop();
      has(one);
      poison(one, escape);
      const facts = { ...factsOf([one]), unread: { policies: `403 ${escape}` } };
      const diagnosis = diagnose(facts, one.service);
      assert.ok(diagnosis);
      const all = diagnoseAll(facts);
      for (const text of [
        formatService(diagnosis, []),
        formatServices(all, []),
        printableJson(diagnosis, 2),
      ]) {
        assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
        assert.doesNotMatch(text, /^Service shop\/fine/m);
      }
    }
  });

  test("no line is longer than a terminal's page, whatever the kind", () => {
    for (const { has } of Object.values(faults)) {
      const one = shop();
      has(one);
      poison(one, "x".repeat(100_000));
      const diagnosis = diagnose(factsOf([one]), one.service);
      assert.ok(diagnosis);
      for (const line of formatService(diagnosis, []).split("\n"))
        assert.ok(line.length <= 601, line.slice(0, 80));
    }
  });

  test("a NetworkPolicy with an operator that there is not selects nothing", () => {
    const one = shop();
    const matchExpressions = [{ key: "app", operator: "Near", values: ["web"] }];
    one.policies.push({ namespace: "shop", name: "odd", pods: { matchExpressions }, ingress: [] });
    assert.deepEqual(diagnose(factsOf([one]), one.service)?.findings, []);
  });

  test("the work grows with what there is, not with its square", () => {
    const reads = (services: number) => {
      let count = 0;
      // One namespace, and labels that all of them have in common.
      const shops = Array.from({ length: services }, (_, index) => shop({ name: `svc-${index}` }));
      const counted = (pod: Pod): Pod => {
        const { labels } = pod;
        return Object.defineProperty({ ...pod }, "labels", {
          enumerable: true,
          get: () => {
            count += 1;
            return labels;
          },
        });
      };
      const facts = factsOf(shops);
      const all = diagnoseAll({ ...facts, pods: facts.pods?.map(counted) });
      assert.equal(all.diagnoses.length, 0);
      return count;
    };
    const [some, many] = [reads(200), reads(2000)];
    assert.ok(some > 0);
    assert.ok(many <= 11 * some, `${some} looks at labels for 200 Services, ${many} for 2000`);
  });
});
