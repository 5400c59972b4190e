import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { isRuledBy, isSelectedBy } from "../../components/preflight/admission.ts";
import { cidrsOf, familiesOf, isWithin } from "../../components/preflight/cidr.ts";

const keys = fc.constantFrom("a", "b", "example.com/c");
const values = fc.constantFrom("", "x", "y");
const labels = fc.dictionary(keys, values);

suite("label selectors", () => {
  test("no requirement selects everything, and each requirement only narrows", () => {
    const requirement = fc.oneof(
      fc.record({
        key: keys,
        operator: fc.constantFrom("In", "NotIn"),
        values: fc.array(values, { minLength: 1 }),
      }),
      fc.record({ key: keys, operator: fc.constantFrom("Exists", "DoesNotExist") }),
    );
    fc.assert(
      fc.property(labels, labels, fc.array(requirement), (own, matchLabels, matchExpressions) => {
        assert.ok(isSelectedBy({}, own));
        const each = [
          ...Object.entries(matchLabels).map(([key, value]) => ({ matchLabels: { [key]: value } })),
          ...matchExpressions.map((one) => ({ matchExpressions: [one] })),
        ];
        assert.equal(
          isSelectedBy({ matchLabels, matchExpressions }, own),
          each.every((one) => isSelectedBy(one, own)),
        );
      }),
    );
  });

  test("each operator and its opposite share the labels between them", () => {
    fc.assert(
      fc.property(labels, keys, fc.array(values, { minLength: 1 }), (own, key, some) => {
        const has = (operator: string, given?: string[]) =>
          isSelectedBy({ matchExpressions: [{ key, operator, ...(given && { values: given }) }] }, own);
        assert.notEqual(has("In", some), has("NotIn", some));
        assert.notEqual(has("Exists"), has("DoesNotExist"));
        assert.equal(has("In", some), key in own && some.includes(own[key] ?? ""));
      }),
    );
  });
});

suite("webhook rules", () => {
  const rule = { operations: ["CREATE"], groups: [""], versions: ["v1"], resources: ["pods"], scope: "*" };
  const request = {
    operation: "CREATE",
    group: "",
    version: "v1",
    resource: "pods",
    namespace: "kube-system" as string | undefined,
  };

  test("match as the API server's do", () => {
    const cases: readonly [rule: Partial<typeof rule>, request: Partial<typeof request>, boolean][] = [
      [{}, {}, true],
      [{ operations: ["*"] }, { operation: "DELETE" }, true],
      [{}, { operation: "DELETE" }, false],
      [{ groups: ["*"] }, { group: "apps" }, true],
      [{}, { group: "apps" }, false],
      [{ versions: ["v1beta1"] }, {}, false],
      [{ scope: "Namespaced" }, {}, true],
      [{ scope: "Cluster" }, {}, false],
      [{ scope: "Cluster" }, { namespace: undefined }, true],
      [{}, { resource: "pods/status" }, false],
      [{ resources: ["*"] }, {}, true],
      [{ resources: ["*"] }, { resource: "pods/status" }, false],
      [{ resources: ["*/*"] }, {}, true],
      [{ resources: ["*/*"] }, { resource: "pods/status" }, true],
      [{ resources: ["pods/*"] }, { resource: "pods/status" }, true],
      [{ resources: ["pods/*"] }, {}, true],
      [{ resources: ["*/status"] }, { resource: "pods/status" }, true],
      [{ resources: ["*/status"] }, {}, false],
      [{ resources: ["services"] }, {}, false],
    ];
    for (const [more, other, expected] of cases) {
      assert.equal(
        isRuledBy({ ...rule, ...more }, { ...request, ...other }),
        expected,
        JSON.stringify([more, other]),
      );
    }
  });
});

suite("ranges of addresses", () => {
  const toNumber = (address: string) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

  test("hold an address or a range exactly when all its bits below the length agree", () => {
    const range = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }));
    fc.assert(
      fc.property(range, range, ([a, long], [b, short]) => {
        const shift = 2 ** (32 - short);
        const same = Math.floor(toNumber(a) / shift) === Math.floor(toNumber(b) / shift);
        assert.equal(isWithin(a, `${b}/${short}`), same);
        assert.equal(isWithin(`${a}/${long}`, `${b}/${short}`), same && long >= short);
      }),
    );
  });

  test("of another family, or no range at all, hold nothing", () => {
    assert.ok(isWithin("fd00:96::1", "fd00:96::/112"));
    assert.ok(isWithin("fd00:10:244:1::/64", "fd00:10:244::/48"));
    assert.ok(!isWithin("fd00:97::1", "fd00:96::/112"));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV6(), fc.domain()), (text) => {
        assert.ok(!isWithin(text, "10.0.0.0/8"));
        assert.ok(!isWithin("10.0.0.1", text));
      }),
    );
  });

  test("are listed with commas, and have families", () => {
    assert.deepEqual(cidrsOf("10.0.0.0/8, fd00::/48,"), ["10.0.0.0/8", "fd00::/48"]);
    assert.deepEqual(cidrsOf(""), []);
    assert.deepEqual(familiesOf(["fd00::/48", "10.0.0.0/8", "10.1.0.0/16", "x"]), ["IPv4", "IPv6"]);
  });
});
