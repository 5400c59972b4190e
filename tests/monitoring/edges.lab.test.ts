/** Each alert fires when it says, and not one evaluation earlier; and what breaks an alert fails a case. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parse, stringify } from "yaml";
import { alerts } from "../../components/monitoring/alerts.ts";
import { monitoringFiles } from "../../components/monitoring/files.ts";
import { edges } from "./edges.ts";
import { checkRules, testRules } from "./promtool.ts";

const rules = monitoringFiles()["rules.yaml"] ?? "";

/** An alerting rule in a rule file. */
interface Rule {
  alert?: string;
  expr: string;
  for?: string;
}

/** The rules, with something done to one alert. */
function broken(name: string, how: (rule: Rule) => Partial<Rule>): string {
  const file = parse(rules) as { groups: { rules: Rule[] }[] };
  for (const group of file.groups) {
    group.rules = group.rules.map((rule) => (rule.alert === name ? { ...rule, ...how(rule) } : rule));
  }
  return stringify(file, { lineWidth: 0 });
}

const breaks: Readonly<Record<string, (rule: Rule) => Partial<Rule>>> = {
  "never fires": ({ expr }) => ({ expr: `(${expr}) and on () (vector(0) == 1)` }),
  "fires at once": () => ({ for: "0s" }),
  "fires late": ({ for: lasting = "" }) => ({ for: `${lasting}15s` }),
};

suite("alerts at their edges", { concurrency: 2 }, () => {
  test("Prometheus accepts the rules, without a remark", async () => {
    const { ok, output } = await checkRules(rules);
    assert.ok(ok, output);
  });

  for (const one of edges) {
    test(one.name, async () => {
      const { ok, output } = await testRules(rules, [one]);
      assert.ok(ok, output);
    });
  }

  for (const { name } of alerts) {
    test(`${name} has a case that fails when it is broken`, async () => {
      const cases = edges.filter(({ moments }) =>
        moments.some(({ firing }) => firing.some((one) => one.startsWith(name))),
      );
      assert.notEqual(cases.length, 0);
      for (const [what, how] of Object.entries(breaks)) {
        const { ok, output } = await testRules(broken(name, how), cases);
        assert.ok(!ok, `no case has noticed that it ${what}`);
        assert.match(output, /FAILED/);
      }
    });
  }
});
