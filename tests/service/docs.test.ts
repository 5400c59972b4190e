/** docs/service.md says of each kind what it is, and what it weighs. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type Kind, kinds } from "../../components/service/kinds.ts";
import { severities } from "../../components/service/weights.ts";

const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "service.md"), "utf8");

test("who asks for no Service loads nothing of it", () => {
  const doctor = readFileSync(join(import.meta.dirname, "..", "..", "commands", "doctor.ts"), "utf8");
  assert.match(doctor, /await import\("\.\.\/components\/cluster\/service\/index\.ts"\)/);
  assert.doesNotMatch(doctor, /^import .*components\/(cluster\/)?service\//m);
});

suite("docs/service.md", () => {
  test("has a row for each kind, with its weight, and no other one", () => {
    const rows = [...page.matchAll(/^\| `([a-z-]+)` +\| (\w+) +\| (.+?) +\|$/gm)].map(([, kind, weight]) => [
      kind,
      weight,
    ]);
    const expected = Object.entries<Kind>(kinds).map(([kind, { severity }]) => [kind, severity]);
    assert.deepEqual(rows.toSorted(), expected.toSorted());
  });

  test("says what each weight is", () => {
    for (const severity of severities) assert.match(page, new RegExp(`\`${severity}\`: `));
  });
});
