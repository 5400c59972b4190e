import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { minors } from "../../oracles/build.ts";
import { fixedInputs } from "../../oracles/inputs.ts";
import { ourObjects } from "../../oracles/kubeadm.ts";
import type { Recorded } from "../../oracles/record.ts";

const file = join(import.meta.dirname, "reference", "recorded.json");
const { objects, outputs } = JSON.parse(readFileSync(file, "utf8")) as Recorded;

suite("every object is what kubeadm sends, for each of the fixed inputs", () => {
  for (const minor of minors) {
    for (const [name, input] of Object.entries(fixedInputs(minor))) {
      test(`1.${minor} ${name}`, () => {
        const keys = outputs[`1.${minor}`]?.[name] ?? [];
        assert.equal(keys.length, 6);
        const theirs = keys.map((key) => objects[key] as { kind: string });
        assert.deepEqual(
          ourObjects(input),
          Object.fromEntries(theirs.map((object) => [object.kind, object])),
        );
      });
    }
  }
});
