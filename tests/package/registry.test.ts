/** The pages for Pulumi's registry, which its site makes of docs/_index.md and docs/installation-configuration.md. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { committedSchema, component } from "../../plugin/schemaFile.ts";

const root = join(import.meta.dirname, "..", "..");
const languages = ["typescript", "python", "go", "yaml"];

const pages = ["_index.md", "installation-configuration.md"].map((name) => {
  const text = readFileSync(join(root, "docs", name), "utf8");
  const [, front = "", body = ""] = /^---\n(.*?)\n---\n(.*)$/s.exec(text) ?? [];
  return { name, front: parse(front) as Record<string, string>, body };
});

const schema = committedSchema();
const accepted = {
  "": Object.keys(schema.resources[component]?.inputProperties ?? {}),
  cluster: Object.keys(schema.types["kube-proxy:index:ClusterAccess"]?.properties ?? {}),
};

suite("the registry's pages", () => {
  test("have what the registry shows of a package", () => {
    for (const { name, front } of pages) {
      assert.deepEqual(Object.keys(front), ["title", "meta_desc", "layout"], name);
      assert.equal(front["layout"], "package");
    }
  });

  test("show every example in every language", () => {
    for (const { name, body } of pages) {
      const choosers = body.split("{{< chooser ").slice(1);
      assert.equal(choosers.length, 1, name);
      for (const chooser of choosers) {
        const [shown = ""] = chooser.split("{{< /chooser >}}");
        assert.ok(shown.startsWith(`language "${languages.join(",")}" >}}`), name);
        const choices = [...shown.matchAll(/{{% choosable language (\w+) %}}\n\n```(\w+)\n/g)];
        assert.deepEqual(
          choices.map(([, language, code]) => [language, code]),
          languages.map((language) => [language, language]),
          name,
        );
        assert.equal(shown.split("{{% /choosable %}}").length - 1, languages.length, name);
      }
    }
  });

  test("give the component's arguments as its schema has them", () => {
    for (const { name, body } of pages) {
      const [, code = ""] = /```yaml\n(.*?)```/s.exec(body) ?? [];
      const program = parse(code) as {
        resources: { "kube-proxy": { type: string; properties: { cluster: object } } };
      };
      const { type, properties } = program.resources["kube-proxy"];
      assert.equal(type.replace(":", ":index:"), component);
      for (const key of Object.keys(properties)) assert.ok(accepted[""].includes(key), `${name}: ${key}`);
      for (const key of Object.keys(properties.cluster)) assert.ok(accepted.cluster.includes(key), key);
      // The other languages' examples have the same arguments.
      for (const language of languages.slice(0, 3)) {
        const [, other = ""] = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "s").exec(body) ?? [];
        for (const key of Object.keys(properties)) {
          assert.match(other, new RegExp(`\\b${key}\\b`, "i"), `${name}, ${language}`);
        }
      }
    }
  });

  test("install the version that the repository is of", () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    for (const { name, body } of pages) {
      const versions = [...body.matchAll(/\/plugin@v([\d.]+\d)/g)].map(([, found]) => found);
      assert.ok(versions.length > 0, name);
      assert.deepEqual([...new Set(versions)], [version], name);
    }
  });
});
