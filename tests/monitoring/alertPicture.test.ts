/** The picture of an alert shows what Prometheus has said, and is the one that docs/monitoring.md has. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { alerts } from "../../components/monitoring/alerts.ts";
import { type AlertRecording, draw } from "./alertPicture.ts";

const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, ...path), "utf8");
const recording = JSON.parse(read("alert.json")) as AlertRecording;

suite("the picture of an alert", () => {
  test("is drawn from what is recorded", () => {
    assert.equal(read("..", "..", "docs", "pictures", "alert.svg"), draw(recording));
    assert.ok(read("..", "..", "docs", "monitoring.md").includes("(pictures/alert.svg)"));
  });

  test("shows the alert between the fault and a moment after its end", () => {
    const { planted, mended, pending, firing, interval, ended } = recording;
    const [first = 0, last = 0] = [firing[0], firing.at(-1)];
    assert.ok(planted < first && first < mended, "it fires before it is mended");
    assert.ok(last < ended - interval, "it has ended");
    const lasting = alerts.find(({ name }) => name === recording.alert)?.for;
    assert.equal(lasting, "3m");
    assert.ok(Math.abs(first - (pending[0] ?? 0) - 180) <= 2 * interval, "with the committed patience");
  });

  test("tells what it is, and what is text stays text", () => {
    const hostile = draw({
      ...recording,
      node: "<script>",
      nodes: { '"<b>': Object.values(recording.nodes)[0] as never },
    });
    assert.doesNotMatch(hostile, /<script>|<b>/);
    assert.match(hostile, /not a screenshot of Grafana/);
    assert.match(hostile, /prefers-color-scheme: dark/);
  });
});
