import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { marshal, type Yaml } from "../../components/configuration/goYaml.ts";

suite("Go's YAML", () => {
  const cases: readonly (readonly [string, Yaml])[] = [
    ['""', ""],
    ['"0"', "0"],
    ['"true"', "true"],
    ['"y"', "y"],
    ['"1.5e3"', "1.5e3"],
    ['"12:30"', "12:30"],
    ['"2026-11-23"', "2026-11-23"],
    ["'::'", "::"],
    ["::1", "::1"],
    ["fd00:10:244::/56", "fd00:10:244::/56"],
    ["10.244.0.0/16,fd00::/56", "10.244.0.0/16,fd00::/56"],
    ["'- a'", "- a"],
    ["'it: is'", "it: is"],
    ["it's", "it's"],
    ["'#'", "#"],
    ["null", null],
    ["[]", []],
    ["{}", {}],
    ["a:\n- b\n- c", { a: ["b", "c"] }],
    ["a:\n  b: 1\nc: 2", { c: 2, a: { b: 1 } }],
    ["- a: 1\n  b: 2", [{ b: 2, a: 1 }]],
    ["a: |-\n  x\n  y", { a: "x\ny" }],
    ["a: |\n  x\n  y", { a: "x\ny\n" }],
  ];
  for (const [expected, value] of cases) {
    test(JSON.stringify(value), () => {
      assert.equal(marshal(value), expected);
    });
  }

  test("a reader gets every text back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii" }), (text) => {
        assert.equal((parse(marshal({ key: text })) as { key: unknown }).key, text);
      }),
      { numRuns: 2000 },
    );
  });

  test("undefined is left out", () => {
    assert.equal(marshal({ a: undefined, b: 1 }), "b: 1");
  });
});
