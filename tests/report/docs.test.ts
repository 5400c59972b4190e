import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { sample } from "./sample.ts";

const docs = readFileSync(join(import.meta.dirname, "..", "..", "docs", "report.md"), "utf8");

test("docs/report.md names each field of a report", () => {
  const keys = new Set<string>();
  JSON.stringify(sample({ nodes: 20, outcome: "failed" }), (key, value: unknown) => {
    if (key !== "" && !/^\d+$/.test(key)) keys.add(key);
    return value;
  });
  assert.ok(keys.size > 40, String(keys.size));
  assert.deepEqual(
    [...keys].filter((key) => !docs.includes(`\`${key}\``)),
    [],
  );
});
