/** What real kube-proxies of every mode have told of themselves while something was wrong raises its alert, and no other. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { monitoringFiles } from "../../components/monitoring/files.ts";
import { type Case, inputOf, type Moment, testRules } from "./promtool.ts";
import { expanded, expanding, type Recording } from "./recording.ts";

const rules = monitoringFiles()["rules.yaml"] ?? "";
const minute = 60;

function recordingOf(name: string): Recording {
  const file = join(import.meta.dirname, "recorded", `${name}.json`);
  return JSON.parse(readFileSync(file, "utf8")) as Recording;
}

/** A recording whose fault stays for so many minutes more, and which alerts it raises at its end. */
interface Expected {
  readonly recording: string;
  readonly holdMinutes: number;
  readonly raised: readonly string[];
  /** How many minutes after it is mended nothing fires any more; the recording is held that long. */
  readonly silentAfter: number;
}

const expectations: readonly Expected[] = [
  { recording: "nftables-healthy", holdMinutes: 90, raised: [], silentAfter: 0 },
  { recording: "iptables-healthy", holdMinutes: 90, raised: [], silentAfter: 0 },
  {
    recording: "nftables-failuresGrow",
    holdMinutes: 0,
    raised: ["KubeProxyRulesNotSynced real-1", "KubeProxySyncFailures real-1"],
    silentAfter: 7,
  },
  {
    recording: "iptables-failuresGrow",
    holdMinutes: 0,
    raised: ["KubeProxyRulesNotSynced real-1", "KubeProxySyncFailures real-1"],
    silentAfter: 7,
  },
  {
    recording: "nftables-neverSynced",
    holdMinutes: 0,
    raised: ["KubeProxyFirstSyncSlow real-1", "KubeProxySyncFailures real-1"],
    silentAfter: 7,
  },
  {
    recording: "nftables-wrongMode",
    holdMinutes: 31,
    raised: ["KubeProxyModeDiffers real-1"],
    silentAfter: 1,
  },
  { recording: "nftables-stopped", holdMinutes: 5, raised: ["KubeProxyUnreachable real-1"], silentAfter: 1 },
  { recording: "iptables-stopped", holdMinutes: 5, raised: ["KubeProxyUnreachable real-1"], silentAfter: 1 },
  { recording: "nftables-slow", holdMinutes: 0, raised: ["KubeProxyProgrammingSlow real-1"], silentAfter: 7 },
];

function caseOf({ recording: name, holdMinutes, raised, silentAfter }: Expected): Case {
  const recording = recordingOf(name);
  const { interval, planted, mended, scrapes } = recording;
  const hold = (holdMinutes * minute) / interval;
  const more = (silentAfter * minute) / interval;
  const at = (scrape: number): number => scrape * interval;
  const moments: Moment[] = [
    { at: at(planted), firing: [] },
    { at: at(mended + hold - 1), firing: raised },
    { at: at(scrapes + hold + more - 1), firing: [] },
  ];
  const series = inputOf(recording, hold).map(({ series: one, values }) => {
    const each = expanded(values);
    const last = each.at(-1) ?? "_";
    return {
      series: one,
      values: expanding([...each, ...Array<string>(more).fill(last === "stale" ? "_" : last)]),
    };
  });
  return { name, interval, series, moments };
}

suite("recorded kube-proxies", () => {
  for (const expected of expectations) {
    test(`${expected.recording}: ${recordingOf(expected.recording).what}`, async () => {
      const { ok, output } = await testRules(rules, [caseOf(expected)]);
      assert.ok(ok, output);
    });
  }
});
