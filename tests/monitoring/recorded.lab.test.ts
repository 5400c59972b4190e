/** What real kube-proxies have told of themselves while something was wrong raises its alert, and no other, until it is mended. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { monitoringFiles } from "../../components/monitoring/files.ts";
import { edges } from "./edges.ts";
import { type Expected, expectations, faultsTried } from "./expectations.ts";
import { type Case, inputOf, testRules } from "./promtool.ts";
import { expanded, expanding, type Recording } from "./recording.ts";

const rules = monitoringFiles()["rules.yaml"] ?? "";
const folder = join(import.meta.dirname, "recorded");
const minute = 60;

function recordingOf(name: string): Recording {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Recording;
}

function caseOf({ recording: name, holdMinutes, raised, lateMinutes = 0, silentAfter }: Expected): Case {
  const recording = recordingOf(name);
  const { interval, planted, mended, scrapes } = recording;
  const hold = (holdMinutes * minute) / interval;
  const late = (lateMinutes * minute) / interval;
  const more = ((silentAfter ?? 0) * minute) / interval;
  const series = inputOf(recording, hold).map(({ series: one, values }) => {
    const each = expanded(values);
    const last = each.at(-1) ?? "_";
    const longer = Array<string>(more).fill(last === "stale" ? "_" : last);
    return { series: one, values: expanding([...each, ...longer]) };
  });
  const moments = [
    { at: planted * interval, firing: [] },
    { at: (mended + hold + late - 1) * interval, firing: raised },
    ...(silentAfter === undefined ? [] : [{ at: (scrapes + hold + more - 1) * interval, firing: [] }]),
  ];
  return { name, interval, series, moments };
}

suite("recorded kube-proxies", { concurrency: 2 }, () => {
  for (const expected of expectations) {
    test(`${expected.recording}: ${recordingOf(expected.recording).what}`, async () => {
      const { ok, output } = await testRules(rules, [caseOf(expected)]);
      assert.ok(ok, output);
    });
  }

  test("each recording is tried, and each fault of the lab that metrics tell", () => {
    const recordings = expectations.map(({ recording }) => recording);
    const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
    assert.deepEqual(files.sort(), recordings.map((name) => `${name}.json`).sort());
    const cases = new Set([...recordings, ...edges.map(({ name }) => name)]);
    for (const [fault, tried] of Object.entries(faultsTried)) {
      if ("by" in tried) assert.ok(cases.has(tried.by), `${fault}: ${tried.by}`);
    }
  });
});
