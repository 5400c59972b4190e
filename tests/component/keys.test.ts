/** The config keys are told in three places, which say the same: docs/config.md, Pulumi.yaml and what the program accepts. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { isRecord } from "../../components/input/record.ts";
import { problemsOf } from "../../components/input/schema.ts";
import { isClusterKey } from "../../components/kubeadm/clusterConfiguration.ts";
import { stackConfigShape } from "../../components/stackValues.ts";

const read = (...path: string[]) => readFileSync(join(import.meta.dirname, "..", "..", ...path), "utf8");

interface Declared {
  readonly type: "string" | "boolean" | "integer" | "array" | "object";
  readonly default: string | number | boolean | readonly string[] | Readonly<Record<string, never>>;
  readonly description: string;
}

const shape = new Map(Object.entries(stackConfigShape));
// A key that stands twice is no YAML.
const declared = new Map(
  Object.entries((parse(read("Pulumi.yaml")) as { config: Record<string, Declared> }).config),
);
const page = read("docs", "config.md");
const rows = [...page.matchAll(/^\| `(\w+)` *\|(.*)\|(.*)\|(.*)\|$/gm)].map(
  ([, key = "", what = "", standard = "", example = ""]) => ({
    ...{ key, what: what.trim(), standard: standard.trim() },
    example: /^`(.*)`$/.exec(example.trim())?.[1],
  }),
);

/** Whether a value is what Pulumi.yaml calls by this name. */
const isOfType: Record<Declared["type"], (value: unknown) => boolean> = {
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  integer: Number.isInteger,
  array: Array.isArray,
  object: isRecord,
};

suite("the config keys", () => {
  test("are the same everywhere, and none stands twice", () => {
    const keys = [...shape.keys()].sort();
    assert.deepEqual([...declared.keys()].sort(), keys, "Pulumi.yaml");
    assert.deepEqual(rows.map(({ key }) => key).sort(), keys, "docs/config.md");
  });

  test("that are required are those that the cluster may say, and the page names them once", () => {
    const required = [...shape].filter(([, schema]) => problemsOf(schema, undefined).length > 0);
    const [, named = ""] = /does not say (.*?), these are required/s.exec(page) ?? [];
    assert.deepEqual(
      [...named.matchAll(/`(\w+)`/g)].map(([, key]) => key),
      required.map(([key]) => key),
    );
    assert.ok(required.every(([key]) => isClusterKey(key)));
    for (const { key, what } of rows) {
      for (const text of [what, declared.get(key)?.description])
        assert.doesNotMatch(text ?? "", /^required\b/i, key);
    }
  });

  for (const { key, what, standard, example } of rows) {
    const {
      type,
      default: value,
      description,
    } = declared.get(key) ?? assert.fail(`${key} is not in Pulumi.yaml`);
    const schema = shape.get(key) ?? assert.fail(`the program does not know ${key}`);
    const accepts = (given: unknown): boolean =>
      isOfType[type](given) && problemsOf(schema, given).length === 0;

    test(`${key}: what it is without a value, and an example`, () => {
      assert.ok(what !== "" && standard !== "" && description !== "");
      assert.ok(isOfType[type](value));
      // Of an empty value the program hears nothing; what it then does, the words say.
      const isUnset = value === "" || typeof value === "object";
      assert.ok(isUnset || accepts(value), "the default is accepted");
      const shown = /^`([^`]*)`(?=$|:)/.exec(standard)?.[1];
      assert.equal(shown, isUnset ? undefined : String(value), "the page has Pulumi.yaml's default");
      const [, words = ""] = /\bLeft out, (.*)\.$/.exec(description) ?? [];
      assert.ok(standard.replaceAll("`", "").startsWith(words), `"${standard}" here, "${words}" there`);
      assert.equal(words.startsWith("kubeadm-config's"), isClusterKey(key), "whether the cluster says it");
      if (example !== undefined) {
        assert.ok(accepts(type === "string" ? example : parse(example)), example);
      }
    });
  }
});
