import assert from "node:assert/strict";
import { test } from "node:test";
import type { Result } from "../../bench/node/behaviour.ts";
import { tables } from "../../bench/node/table.ts";
import { flows, rows } from "./results.ts";

const result: Result = {
  mode: "nftables",
  what: "`Rolling` restart",
  command: "`pulumi up`",
  tookMs: 9_949,
  flows,
  nodes: [
    {
      name: "real-1",
      closed: [
        [1000, 2000],
        [4000, 4500],
      ],
      ready: 1500,
      synced: 3100,
    },
    { name: "real-2", closed: [] },
  ],
};

const behaviour = {
  at: "2026-11-26T17:00:00.000Z",
  engine: "standin",
  kubernetes: "v1.37.2",
  kernel: "6.18.44-cloud",
  cores: 2,
  load: [0.1, 1.5],
  timelines: {},
} as const;

test("a row has the failures, and the longest times of all nodes", () => {
  const text = tables({ ...behaviour, results: [result] });
  const cells = ["1 of 100", "2 of 8", "7 of 30", "5 of 8", "", "1.0 s", "2.1 s", "9.9 s"];
  assert.deepEqual(rows(text, "`Rolling`"), [cells, ["`pulumi up`"]]);
  assert.match(
    text,
    /on 2026-11-26: .*2 cores and Linux 6\.18\.44, the stand-in engine\..* 0\.1 before, 1\.5 after/,
  );
});

test("where there was no kube-proxy before, its absence counts from the beginning of the change", () => {
  const nodes = [{ name: "real-1", closed: [[-1000, 4000]] as const, ready: 3000, synced: 5000 }];
  const text = tables({ ...behaviour, results: [{ ...result, firstAnswerMs: 4200, nodes }] });
  assert.deepEqual(rows(text, "`Rolling`")[0]?.slice(4, 7), ["4.2 s", "4.0 s", "5.0 s"]);
});

test("a table for each mode, and each command once", () => {
  const other: Result = { ...result, what: "switched", command: "`pulumi config set`" };
  const text = tables({ ...behaviour, results: [{ ...result, mode: "iptables" }, result, other] });
  assert.deepEqual(text.match(/^Mode .*/gm), ["Mode iptables:", "Mode nftables:"]);
  assert.equal(rows(text, "`Rolling`").length, 3);
  assert.deepEqual(rows(text, "switched").at(-1), ["`pulumi config set`"]);
});
