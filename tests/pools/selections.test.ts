import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { selects } from "../../components/pools/placement.ts";
import type { NodeSelectorRequirement } from "../../components/kubeadm/podTypes.ts";
import { findMisplaced, isPossible, mostKinds, selectionsWith } from "../../components/pools/selections.ts";

const is = (key: string, ...values: string[]) => ({ key, operator: "In", values });
const isNot = (key: string, ...values: string[]) => ({ key, operator: "NotIn", values });
const exists = (key: string) => ({ key, operator: "Exists" });
const lacks = (key: string) => ({ key, operator: "DoesNotExist" });

const find = (
  selections: Record<string, NodeSelectorRequirement[]>,
  universe: NodeSelectorRequirement[] = [],
) =>
  findMisplaced(
    Object.entries(selections).map(([name, requirements]) => ({ name, requirements })),
    universe,
  );

suite("selections of nodes", () => {
  test("that take every node once are told apart from those that do not", () => {
    assert.deepEqual(find({ canary: [exists("canary")], rest: [lacks("canary")] }), []);
    assert.deepEqual(
      find({ a: [is("zone", "a")], b: [is("zone", "b")], rest: [isNot("zone", "a", "b")] }),
      [],
    );
    assert.deepEqual(find({ all: [] }), []);
  });

  test("an example is given of each kind of node that is in none or in several", () => {
    assert.deepEqual(find({ a: [is("zone", "a")], b: [is("zone", "b")] }), [
      { selections: [], labels: "another zone than a, b" },
    ]);
    assert.deepEqual(find({ canary: [is("canary", "yes")], all: [] }), [
      { selections: ["canary", "all"], labels: "canary=yes" },
    ]);
    assert.deepEqual(find({ canary: [exists("canary")], other: [isNot("canary", "yes")] }), [
      { selections: ["canary", "other"], labels: "another canary than yes" },
    ]);
    assert.deepEqual(find({ a: [is("zone", "a"), exists("gpu")], rest: [isNot("zone", "a")] }), [
      { selections: [], labels: "zone=a and no label gpu" },
    ]);
  });

  test("nodes that do not count are left out", () => {
    assert.deepEqual(find({ a: [is("zone", "a")], b: [is("zone", "b")] }, [is("zone", "a", "b")]), []);
  });

  test("a selection that contradicts itself is impossible", () => {
    assert.ok(isPossible([is("zone", "a", "b"), isNot("zone", "a"), exists("gpu")]));
    assert.ok(!isPossible([is("zone", "a"), isNot("zone", "a")]));
    assert.ok(!isPossible([exists("gpu"), lacks("gpu")]));
  });

  test("too many kinds of nodes are refused, not waited for", () => {
    const values = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`);
    const half = Math.ceil(Math.sqrt(mostKinds));
    assert.equal(find({ a: [is("x", ...values(half)), is("y", ...values(half))] }), undefined);
    assert.ok(find({ a: [is("x", ...values(half))] }));
  });

  test("the verdict is the scheduler's: no node is misplaced where none was found, and every example is one", () => {
    const keys = ["a", "b"];
    const requirement = fc.oneof(
      fc.record({
        key: fc.constantFrom(...keys),
        operator: fc.constantFrom("In", "NotIn"),
        values: fc.uniqueArray(fc.constantFrom("1", "2", "3"), { minLength: 1 }),
      }),
      fc.record({ key: fc.constantFrom(...keys), operator: fc.constantFrom("Exists", "DoesNotExist") }),
    );
    const node = fc.dictionary(fc.constantFrom(...keys), fc.constantFrom("1", "2", "3", "4"), { maxKeys: 2 });
    const selection = fc.array(requirement, { minLength: 1, maxLength: 3 });
    let proved = 0;
    fc.assert(
      fc.property(fc.array(selection, { minLength: 1, maxLength: 3 }), fc.array(node), (all, nodes) => {
        const selections = all.map((requirements, index) => ({ name: String(index), requirements }));
        const misplaced = findMisplaced(selections, []) ?? [];
        proved += misplaced.length === 0 ? 1 : 0;
        for (const labels of nodes) {
          const places = all.flatMap((matchExpressions, index) => {
            const nodeSelectorTerms = [{ matchExpressions }];
            const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
            return selects({ affinity: { nodeAffinity } }, { metadata: { labels } }) ? [String(index)] : [];
          });
          assert.deepEqual(selectionsWith(labels, selections), places);
          const known = misplaced.some((one) => one.selections.join() === places.join());
          assert.equal(known, places.length !== 1, JSON.stringify({ labels, places }));
        }
      }),
      { numRuns: 2000 },
    );
    assert.ok(proved > 0, "the generator never made selections that take every node once");
  });
});
