import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { measuredSwitches, roundsFor } from "../../bench/vm/cases.ts";
import { including, type Outcome, type Setting, type SwitchResult } from "../../bench/vm/results.ts";
import { switchTable } from "../../bench/vm/table.ts";
import { modes } from "../../lab/index.ts";
import { flows, rows } from "./results.ts";

suite("the rounds of switches", () => {
  test("each switch begins where the one before has ended, or clears what that has kept", () => {
    for (const { switches } of roundsFor(measuredSwitches())) {
      for (const [index, { what, from, to }] of switches.entries()) {
        const before = index === 0 ? { from: "", to: "iptables" } : switches[index - 1];
        const isClearing = what.endsWith("as it is cleared");
        assert.equal(from, isClearing ? before?.from : before?.to, what);
        if (isClearing) assert.equal(to, before?.to, what);
      }
    }
  });

  test("both ways go in all six directions", () => {
    const directions = modes.flatMap((from) =>
      modes.filter((to) => to !== from).map((to) => `${from} to ${to}`),
    );
    const rounds = roundsFor(measuredSwitches());
    for (const [way, own] of Map.groupBy(rounds, ({ way }) => way)) {
      const measured = own.flatMap(({ switches }) => switches).filter(({ isWay }) => isWay !== true);
      const gone = new Set(measured.map(({ from, to }) => `${from} to ${to}`));
      assert.deepEqual([...gone].sort(), directions.sort(), way);
    }
  });

  test("for a few only those before them are done, too, and not measured", () => {
    const told = roundsFor(measuredSwitches("ipvs to nftables, by hand")).map(({ way, switches }) => [
      way,
      ...switches.map(({ what, isWay = false }) => `${what}: ${isWay ? "done" : "measured"}`),
    ]);
    assert.deepEqual(told, [
      ["by hand", "iptables to ipvs, by hand: done", "ipvs to nftables, by hand: measured"],
    ]);
  });
});

const result: SwitchResult = {
  at: "2026-11-28T17:00:00.000Z",
  load: 1.5,
  from: "ipvs",
  mode: "nftables",
  way: "pulumi up",
  what: "ipvs to nftables, cut",
  command: "`pulumi up`",
  tookMs: 60_400,
  flows,
  control: { ...flows, "new tcp": { attempts: 100, failed: 0 } },
  failures: [],
  own: 1,
  carried: 8,
  left: 0,
  nodes: [],
};

const setting: Setting = {
  engine: "standin",
  kubernetes: "v1.37.2",
  kernel: "6.1.0-56-cloud-amd64",
  processor: "QEMU TCG CPU version 2.5+",
  cores: 2,
};

const tableOf = (...results: SwitchResult[]): string =>
  switchTable({ command: "npm run bench -- --vm", setting, results, timelines: {} });

suite("what was measured of switches", () => {
  const outcome: Outcome = { setting, result, timelines: {} };
  const into: SwitchResult = { ...result, what: "iptables to ipvs" };

  test("is kept in the rounds' order, and replaced when it is measured again", () => {
    const first = including(including(undefined, outcome), { ...outcome, result: into });
    const again = including(first, { ...outcome, result: { ...result, left: 5 } });
    assert.deepEqual(again.results, [into, { ...result, left: 5 }]);
  });

  test("goes when something else is measured on another setting", () => {
    const other = { ...setting, kernel: "5.10" };
    const { results } = including(including(undefined, outcome), {
      ...outcome,
      setting: other,
      result: into,
    });
    assert.deepEqual(results, [into]);
  });
});

suite("the table of switches", () => {
  test("has what failed and what broke, beside the control run, and what is left", () => {
    const text = tableOf(result, { ...result, what: "others", own: 0, left: 3 });
    const cells = ["1 of 100", "7 of 30", "2 of 8, 1 own", "8", "27 of 230", "nothing", "60.4 s", "1.5"];
    assert.deepEqual(rows(text, "ipvs to nftables, cut")[0], cells);
    assert.deepEqual(rows(text, "others")[0], cells.with(2, "2 of 8").with(5, "3 parts"));
    assert.match(text, /on 2026-11-28 by `npm run bench -- --vm`: .*Linux 6\.1\.0-56-cloud-amd64, .* TCG /);
  });

  test("has the switches of a direction side by side", () => {
    const { carried, ...others } = result;
    const into: SwitchResult = { ...others, from: "iptables", mode: "ipvs", what: "iptables to ipvs" };
    const hand: SwitchResult = { ...others, way: "by hand", what: "ipvs to nftables, by hand" };
    const text = tableOf(result, into, hand);
    const order = [...text.matchAll(/^\| (i\w+ to [^|]*?) +\|/gm)].map(([, what]) => what);
    assert.deepEqual(order.slice(0, 3), [result.what, hand.what, into.what]);
    assert.equal(rows(text, into.what)[0]?.[3], "");
    assert.equal(carried, 8);
  });
});
