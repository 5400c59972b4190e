// `npm test`: every test file, side by side as far as they do not disturb each other; `npm run test:fast`: those that need no
// lab. Ends with the runner's summary of each group and one line for all.
import { existsSync, globSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";
import { compileCache } from "../components/facts/compileCache.ts";
import { binary } from "../lab/index.ts";
import { promtool } from "../lab/prometheus.ts";

const root = join(import.meta.dirname, "..");

/** What one lot of files came to. */
interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Files that measure what happens to connections, compare the whole machine before and after, or have five labs at once. */
const alone = [
  "tests/fleet/fleet.lab.test.ts",
  "tests/node/restart.lab.test.ts",
  "tests/node/ipvs.lab.test.ts",
  "tests/node/traces.lab.test.ts",
];

/** Longest silence, in milliseconds. */
const beatMs = 20_000;

const { values } = parseArgs({ options: { fast: { type: "boolean", default: false } } });
const needsLab = (file: string) => file.endsWith(".lab.test.ts");
const files = longestFirst(globSync("tests/**/*.test.ts", { cwd: root }));
const fast = files.filter((file) => !needsLab(file));
const beside = files.filter((file) => needsLab(file) && !alone.includes(file));

// Each file is a process that loads the same libraries.
process.env["NODE_COMPILE_CACHE"] ??= compileCache;

// Each of them waits now and then.
const atOnce = availableParallelism() + 1;
const counts = [await runFiles("need no lab", fast, atOnce)];
if (!values.fast) {
  // Built by the first that needs it, which the others would wait for.
  await binary(console.log);
  await promtool(console.log);
  counts.push(await runFiles("have labs of their own", beside, atOnce));
  counts.push(await runFiles("have the machine to themselves", alone, 1));
}
const sum = (key: keyof Counts) => counts.reduce((total, one) => total + one[key], 0);
console.log(`\n${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
process.exitCode = sum("failed") === 0 ? 0 : 1;

async function runFiles(what: string, lot: readonly string[], concurrency: number): Promise<Counts> {
  console.log(`\n${lot.length} files that ${what}, ${concurrency} at a time\n`);
  const running = new Map<string, string>();
  const events = run({ files: lot.map((file) => join(root, file)), concurrency, cwd: root });
  const counts = new Promise<Counts>((resolve) => {
    events.on("test:summary", ({ file, success, counts: { tests, passed, skipped, todo } }) => {
      const failed = tests - passed - skipped - todo;
      // A file that ends outside of its tests counts as none of them.
      if (file === undefined) resolve({ passed, failed: success ? failed : Math.max(failed, 1), skipped });
    });
  });
  events.on("test:dequeue", ({ name, file = "" }) => running.set(relative(root, file), name));
  // Files are told in their order, each when it has ended: meanwhile this tells what is done.
  const beat = setInterval(() => {
    const now = [...running].slice(-concurrency).map(([file, name]) => `${file} (${name})`);
    console.log(`… ${now.join(", ")}`);
  }, beatMs);
  events.on("test:complete", ({ name, file = "", nesting }) => {
    if (nesting === 0 && join(root, name) === file) running.delete(relative(root, file));
  });
  try {
    for await (const text of events.compose(new spec())) process.stdout.write(String(text));
    return await counts;
  } finally {
    clearInterval(beat);
  }
}

/** By what `npm run bench -- --tests` has measured, so that none is left over at the end. */
function longestFirst(names: string[]): string[] {
  const path = join(root, "bench", "tests.json");
  const measured = existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as Record<string, { seconds: number }>)
    : {};
  const seconds = (name: string) => measured[name]?.seconds ?? 0;
  return names.toSorted((a, b) => seconds(b) - seconds(a) || a.localeCompare(b));
}
