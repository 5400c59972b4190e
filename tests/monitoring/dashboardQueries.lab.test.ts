/** Prometheus' own parser accepts every query of the dashboard. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { stringify } from "yaml";
import { queries } from "../../components/monitoring/dashboard.ts";
import { checkRules } from "./promtool.ts";

/** A rule file in which each query is a rule. */
function rulesOf(exprs: readonly string[]): string {
  const rules = exprs.map((expr, index) => ({ record: `dashboard:query${index}`, expr }));
  return stringify({ groups: [{ name: "dashboard", rules }] });
}

suite("queries of the dashboard", () => {
  test("are all PromQL", async () => {
    const { ok, output } = await checkRules(rulesOf(queries().map(({ expr }) => expr)));
    assert.ok(ok, output);
  });

  test("one that is not would be told", async () => {
    const { ok, output } = await checkRules(rulesOf(["sum(up", ...queries().map(({ expr }) => expr)]));
    assert.equal(ok, false, output);
  });
});
