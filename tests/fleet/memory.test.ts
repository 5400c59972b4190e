/** 200 clusters of a thousand nodes each, played by a `pulumi` that is a script. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { shellWord } from "../../components/input/printable.ts";
import { run } from "../engine/process.ts";
import { Project } from "./project.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const stacks = Array.from({ length: 200 }, (_, index) => `cluster-${index + 1}`);
const mostMegabytes = 300;

const script = `
case "$1 $2" in
  "version ") echo v3.270.0 ;;
  "stack ls") cat "$STACKS" ;;
  "stack history") echo '[]' ;;
  "stack output") echo '{}' ;;
  "config set") ;;
  "up --yes") exec ${shellWord(process.execPath)} ${shellWord(join(fixtures, "playedUp.ts"))} "$@" ;;
  *) echo "error: not played: $*" >&2; exit 1 ;;
esac`;

suite("200 played clusters", () => {
  const project = new Project(join(fixtures, "played"), [], script);
  after(() => {
    project.dispose();
  });

  test(`take less than ${mostMegabytes} MB, and are all proved`, async () => {
    const [known, memory] = ["stacks.json", "memory"].map((name) => join(project.folder, name));
    assert.ok(known !== undefined && memory !== undefined);
    writeFileSync(known, JSON.stringify(stacks.map((name) => ({ name, current: false }))));
    const canary = { name: "canary", stacks: stacks.slice(0, 1) };
    project.setFleet({ waves: [canary, { name: "rest", stacks: stacks.slice(1), concurrency: 20 }] });
    const [node = "", ...args] = project.argv("restart", "--token", "T1");
    const { exitCode, output } = await run(
      {
        argv: [node, "--import", join(fixtures, "memory.ts"), ...args],
        cwd: project.folder,
        env: { ...project.env, STACKS: known, MEMORY_FILE: memory },
      },
      { totalMs: 240_000 },
    );
    assert.equal(exitCode, 0, output);
    assert.match(output, /^200 of 200 clusters are done; 200000 nodes were proved\.$/m);
    const megabytes = Number(readFileSync(memory, "utf8")) / 1024;
    console.log(`200 clusters of 1000 nodes: ${megabytes.toFixed(0)} MB at most`);
    assert.ok(megabytes > 50 && megabytes < mostMegabytes, `${megabytes} MB`);
  });
});
