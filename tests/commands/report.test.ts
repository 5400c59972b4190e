/** `npm run report`: lists the reports of updates, the newest first, without asking any cluster. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { ReportFiles } from "../../components/cluster/report/files.ts";
import { UpdateRecord } from "../../components/report/record.ts";
import type { UpdateReport } from "../../components/report/types.ts";

const script = join(import.meta.dirname, "..", "..", "commands", "report.ts");
const time = Date.parse("2026-11-29T10:00:00.000Z");

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** With nothing but a PATH in its environment: no kubeconfig is there. */
function report(...args: string[]): Promise<Ended> {
  const env = { PATH: process.env["PATH"], HOME: "/nonexistent" };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });
}

suite("npm run report", () => {
  let folder: string;
  const pages: string[] = [];
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "kube-proxy-report-"));
    for (const [index, cluster] of ["one", "two", "one"].entries()) {
      const began = time + index * 60_000;
      const record = new UpdateRecord(
        {
          ...{ occasions: ["restart"], by: "me", token: `token ${index}\u001b[31m`, strategy: "Rolling" },
          ...{ stack: null, snapshot: null, told: [], skipped: [], waves: [] },
          cluster: { id: cluster, server: "", context: null },
        },
        began,
        { pid: process.pid, host: hostname() },
      );
      record.end("succeeded", began + 7000);
      const files = new ReportFiles(folder, cluster, new Date(began));
      files.write(record.report(began + 7000, null), "<html>");
      pages.push(files.page);
    }
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  test("lists them, the newest first, each with its page; no control of a terminal comes through", async () => {
    const { code, stdout } = await report("--folder", folder);
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^BEGAN +OUTCOME +TOOK +NODES +LONGEST GAP +WHAT +TOKEN$/);
    assert.match(lines[1] ?? "", /^2026-11-29T10:02:00Z +succeeded +7s +0 +- +restart +token 2/);
    assert.deepEqual(
      [lines[2], lines[4], lines[6]].map((line) => line?.trim()),
      pages.toReversed(),
    );
    assert.ok(!stdout.includes("\u001b"));
  });

  test("--cluster and --last choose; --json gives what the file has", async () => {
    const two = await report("--folder", folder, "--cluster", "two", "--json");
    assert.deepEqual(
      (JSON.parse(two.stdout) as UpdateReport[]).map(({ token }) => token),
      ["token 1\u001b[31m"],
    );
    const last = await report("--folder", folder, "--last", "--json");
    assert.equal((JSON.parse(last.stdout) as UpdateReport).token, "token 2\u001b[31m");
    const table = await report("--folder", folder, "--last");
    assert.equal(table.stdout.trimEnd().split("\n").length, 3);
  });

  test("says so where there are none, and how to get one", async () => {
    const none = join(folder, "none");
    const list = await report("--folder", none);
    assert.deepEqual([list.code, list.stdout], [0, `There are no reports in ${none}.\n`]);
    assert.equal((await report("--folder", none, "--json")).stdout, "[]\n");
    for (const option of ["--last", "--open"]) {
      const { code, stderr } = await report("--folder", none, option);
      assert.equal(code, 1);
      assert.match(stderr, /folder: ".*none" is not accepted; accepted: a folder with reports.*report: true/);
    }
  });

  test("a mistake on the command line is told with the usage", async () => {
    for (const args of [["--folder", ""], ["--open", "--json"], ["--lsat"]]) {
      const { code, stderr } = await report(...args);
      assert.equal(code, 2, args.join(" "));
      assert.match(stderr, /Usage: npm run --silent report/);
    }
  });
});
