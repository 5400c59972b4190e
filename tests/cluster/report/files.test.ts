/** The files of reports: beside snapshots, the last ones, for their owner's eyes alone. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import {
  addStepSummary,
  findReports,
  keptReports,
  ReportFiles,
  takeProof,
  writeProof,
} from "../../../components/cluster/report/files.ts";
import { settleReports } from "../../../components/cluster/report/settle.ts";
import { UpdateRecord } from "../../../components/report/record.ts";
import type { ProofReport, UpdateReport } from "../../../components/report/types.ts";
import { waitFor } from "../../../lab/wait.ts";

const cluster = "5b1ae3c2-0000-4000-8000-000000000001";
const time = Date.parse("2026-11-29T10:00:00.000Z");

/** Elsewhere whoever inherits a process waits for it at once. */
const noZombies = process.platform === "linux" ? false : "only Linux tells a zombie";

function reportAt(began: number, writer = { pid: process.pid, host: hostname() }): UpdateReport {
  const expected = {
    ...{ occasions: [], by: "me", token: "t", strategy: "Rolling", stack: null, snapshot: null, told: [] },
    ...{ cluster: { id: cluster, server: "", context: null }, skipped: [], waves: [] },
  };
  return new UpdateRecord(expected, began, writer).report(began, null);
}

suite("reports on the disk", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "kube-proxy-reports-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const own = () => join(folder, cluster);
  const write = (began: number, page: string | undefined = "<html>") => {
    const files = new ReportFiles(folder, cluster, new Date(began));
    files.write(reportAt(began), page);
    return files;
  };

  test("are a page and its JSON, readable for their owner alone, and rewritten as they grow", () => {
    const files = write(time);
    assert.deepEqual(readdirSync(own()).sort(), [
      "2026-11-29T10-00-00.000Z.report.html",
      "2026-11-29T10-00-00.000Z.report.json",
    ]);
    assert.equal(files.page, join(own(), "2026-11-29T10-00-00.000Z.report.html"));
    for (const name of readdirSync(own())) assert.equal(statSync(join(own(), name)).mode & 0o777, 0o600);
    write(time, undefined);
    assert.equal(readFileSync(files.page, "utf8"), "<html>", "a page stays where only the JSON is written");
    write(time, "<html>2");
    assert.equal(readFileSync(files.page, "utf8"), "<html>2");
    assert.equal(readdirSync(own()).length, 2);
  });

  test(`the last ${keptReports} are kept; snapshots and what is somebody else's stay`, () => {
    const snapshot = "2026-11-29T09-00-00.000Z.yaml";
    mkdirSync(own());
    for (const name of [snapshot, "mine.report.html"]) writeFileSync(join(own(), name), "");
    for (let index = 0; index < keptReports + 2; index++) write(time + index);
    const names = readdirSync(own());
    assert.equal(names.filter((name) => name.endsWith("Z.report.html")).length, keptReports);
    assert.equal(names.filter((name) => name.endsWith("Z.report.json")).length, keptReports);
    assert.ok(!names.includes("2026-11-29T10-00-00.001Z.report.html"), "the oldest went");
    assert.ok(names.includes(snapshot) && names.includes("mine.report.html"));
  });

  test("know the newest snapshot, and those before", () => {
    assert.equal(new ReportFiles(folder, cluster, new Date(time)).snapshot(), null);
    for (let index = 0; index < 7; index++) write(time + index);
    const files = write(time + 7);
    writeFileSync(join(own(), "2026-11-29T09-00-00.000Z.yaml"), "");
    writeFileSync(join(own(), "2026-11-29T09-30-00.000Z.yaml"), "");
    assert.equal(files.snapshot(), join(own(), "2026-11-29T09-30-00.000Z.yaml"));
    const began = files.earlier(5).map((report) => Date.parse(report.began) - time);
    assert.deepEqual(began, [2, 3, 4, 5, 6]);
  });

  test("are found in all clusters by their time; what is no report is left out", () => {
    write(time + 5);
    const other = new ReportFiles(folder, "another", new Date(time));
    other.write(reportAt(time), "<html>");
    writeFileSync(join(own(), "2026-11-29T11-00-00.000Z.report.json"), "{");
    writeFileSync(
      join(own(), "2026-11-29T12-00-00.000Z.report.json"),
      '{"kind":"kube-proxy-update","version":1}',
    );
    mkdirSync(join(own(), "2026-11-29T13-00-00.000Z.report.json"));
    writeFileSync(join(folder, "file"), "");
    const found = findReports(folder);
    assert.deepEqual(
      found.map(({ report }) => Date.parse(report.began) - time),
      [0, 5],
    );
    assert.equal(found[1]?.page, join(own(), "2026-11-29T10-00-00.005Z.report.html"));
    assert.deepEqual(findReports(join(folder, "nowhere")), []);
  });

  test("one whose writer is gone was interrupted; of another machine nobody knows", () => {
    const gone = { pid: 2 ** 22 + 1, host: hostname() };
    for (const [index, writer] of [gone, { ...gone, host: "elsewhere" }].entries()) {
      new ReportFiles(folder, cluster, new Date(time + index)).write(reportAt(time + index, writer), "");
    }
    write(time + 2);
    assert.deepEqual(
      findReports(folder).map(({ report }) => report.outcome),
      ["interrupted", "running", "running"],
    );
    const [interrupted] = findReports(folder);
    assert.equal(interrupted?.isSettled, false);
    settleReports(folder, "another");
    assert.equal(readFileSync(interrupted.page, "utf8"), "", "those of another cluster are meant");
    settleReports(folder);
    assert.match(readFileSync(interrupted.page, "utf8"), /Was interrupted/);
    assert.deepEqual(
      findReports(folder).map(({ report, isSettled }) => [report.outcome, isSettled]),
      [
        ["interrupted", true],
        ["running", true],
        ["running", true],
      ],
    );
  });

  test(
    "so was one whose writer has ended, though nobody has waited for it",
    { skip: noZombies },
    async () => {
      // The shell becomes another program, which does not know of the child that reads.
      const script = "exec 3<&0; read -r line <&3 & exec sh -c 'echo $0; exec sleep 60' $!";
      const parent = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
      try {
        const [line] = (await once(parent.stdout, "data")) as [Buffer];
        const writer = { pid: Number(line.toString()), host: hostname() };
        new ReportFiles(folder, cluster, new Date(time)).write(reportAt(time, writer), "");
        assert.equal(findReports(folder)[0]?.report.outcome, "running");
        parent.stdin.end("\n");
        await waitFor("the report of a zombie", { timeoutMs: 10_000 }, () => {
          return findReports(folder)[0]?.report.outcome === "interrupted";
        });
        assert.ok(process.kill(writer.pid, 0), "its number is still taken");
      } finally {
        parent.kill("SIGKILL");
      }
    },
  );

  test("a proof is handed over once; what is none is not taken", () => {
    const proof: ProofReport = {
      ...{ daemonSet: "kube-proxy", ok: true, verified: 1, failed: 0, excluded: 0, seconds: 1, nodes: [] },
    };
    assert.equal(takeProof(folder, cluster, "kube-proxy"), null);
    writeProof(folder, cluster, proof);
    assert.deepEqual(takeProof(folder, cluster, "kube-proxy"), proof);
    assert.equal(takeProof(folder, cluster, "kube-proxy"), null);
    writeProof(folder, cluster, proof);
    writeFileSync(join(own(), "kube-proxy.proof.json"), '{"nodes":7}');
    assert.equal(takeProof(folder, cluster, "kube-proxy"), null);
  });

  test("a cluster whose UID leads elsewhere has none", () => {
    for (const uid of ["../elsewhere", "", "a/b", ".."]) {
      const files = new ReportFiles(join(folder, "all"), uid, new Date(time));
      assert.throws(() => {
        files.write(reportAt(time), "");
      }, /the UID of namespace kube-system is none/);
      assert.equal(takeProof(join(folder, "all"), uid, "kube-proxy"), null);
    }
    assert.deepEqual(readdirSync(folder), []);
  });

  test("the summary of a GitHub step gets what is said, where there is one", () => {
    const path = join(folder, "summary.md");
    addStepSummary({}, "no");
    addStepSummary({ GITHUB_STEP_SUMMARY: path }, "one\n");
    addStepSummary({ GITHUB_STEP_SUMMARY: path }, "two\n");
    assert.equal(readFileSync(path, "utf8"), "one\ntwo\n");
  });
});
