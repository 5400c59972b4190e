// `npm run oracles`: compares this project with Kubernetes' own programs, built from their source.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCommand, UsageError } from "../commands/commandLine.ts";
import { minors, Oracle, oracle } from "./build.ts";
import { compareWithJudge } from "./compare.ts";
import { type GateTable, mergeGates } from "./gates.ts";
import { type JudgedGate, judgedGates } from "./judge.ts";
import { recordVerdicts } from "./record.ts";
import { formatReport } from "./report.ts";

const usage = `Usage: npm run oracles -- [--minors N,N...] [--count N] [--seed N] [--write]

Builds Kubernetes' own validation of each minor, where the cache has none, and compares: the table of feature gates, and
generated configurations, by verdict and bytes. Ends with 1 where anything differs.

  --minors N,...  minors such as 37 (default: ${minors.join(",")})
  --count N       configurations a minor (default 10000)
  --seed N        what they are made from (default 1)
  --write         writes the judges' feature gates into the table, oracles/report.md, and verdicts for the tests; only with
                  all minors`;

/** How many verdicts the tests get. */
const recorded = 150;

const { values } = parseArgs({
  options: {
    minors: { type: "string", default: minors.join(",") },
    count: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    write: { type: "boolean", default: false },
  },
});

async function main(): Promise<void> {
  const chosen = values.minors.split(",").map(Number);
  const [count, seed] = [Number(values.count), Number(values.seed)];
  if (values.write && chosen.length < minors.length) {
    throw new UsageError("--write: only with all minors");
  }
  if (!chosen.every((minor) => minors.includes(minor)) || !(count > 0) || !Number.isInteger(seed)) {
    throw new UsageError("--minors, --count, --seed: known minors and whole numbers, please");
  }
  const judges = new Map<number, string>();
  for (const minor of chosen) {
    judges.set(minor, await oracle(Oracle.judge, minor, console.error));
  }
  // A row says since when: one minor alone cannot tell.
  const gatesDiffer = chosen.length === minors.length && (await compareGates(judges));
  const comparisons = [];
  for (const [minor, path] of judges) {
    comparisons.push(await compareWithJudge(path, minor, count, seed));
  }
  const report = formatReport(comparisons, seed);
  console.log(report);
  if (values.write) {
    writeFileSync(join(import.meta.dirname, "report.md"), report);
    const judged = await recordVerdicts([...judges.values()], recorded, seed);
    const file = join(import.meta.dirname, "../tests/configuration/reference/judged.json");
    writeFileSync(file, `${JSON.stringify(judged, null, 2)}\n`);
  }
  process.exitCode = gatesDiffer || comparisons.some(({ differences }) => differences.length > 0) ? 1 : 0;
}

async function compareGates(judges: ReadonlyMap<number, string>): Promise<boolean> {
  const file = join(import.meta.dirname, "../components/configuration/featureGates.json");
  const before = readFileSync(file, "utf8");
  const judged = new Map<number, Record<string, JudgedGate>>();
  for (const [minor, path] of judges) {
    judged.set(minor, await judgedGates(path));
  }
  const after = `${JSON.stringify(mergeGates(JSON.parse(before) as GateTable, judged), null, 2)}\n`;
  if (after === before) {
    return false;
  }
  if (values.write) {
    writeFileSync(file, after);
  }
  console.error(
    `The table of feature gates differs from the judges'${values.write ? ": written" : ": --write mends it"}.`,
  );
  return !values.write;
}

await runCommand(usage, main);
