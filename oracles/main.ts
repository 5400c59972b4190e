// `npm run oracles`: compares this project with Kubernetes' own programs, built from their source.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCommand, UsageError } from "../commands/commandLine.ts";
import { minors, Oracle, oracle } from "./build.ts";
import { type Comparison, compareWithJudge } from "./compare.ts";
import { type GateTable, mergeGates } from "./gates.ts";
import { type JudgedGate, judgedGates } from "./judge.ts";
import { compareWithKubeadm, type KubeadmComparison } from "./kubeadm.ts";
import { type Recorded, recordOutputs, recordVerdicts } from "./record.ts";
import { formatReport } from "./report.ts";

const usage = `Usage: npm run oracles -- [--minors N,N...] [--oracles judge,kubeadm] [--count N] [--inputs N] [--seed N] [--write]

Builds Kubernetes' own programs for each minor, where the cache has none, and compares what they make of generated input
with what this project makes of it. Ends with 1 where anything differs.

  --minors N,...   minors such as 37 (default: ${minors.join(",")})
  --oracles O,...  judge: kube-proxy's decoding, defaulting and validation, and the table of feature gates;
                   kubeadm: the six objects (default: both)
  --count N        configurations for each judge (default 10000)
  --inputs N       files for each kubeadm (default 200)
  --seed N         what the input is made from (default 1)
  --write          writes the feature gates into their table, and what the tests compare with; the report, where all
                   minors were compared`;

const { values } = parseArgs({
  options: {
    minors: { type: "string", default: minors.join(",") },
    oracles: { type: "string", default: "judge,kubeadm" },
    count: { type: "string", default: "10000" },
    inputs: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    write: { type: "boolean", default: false },
  },
});

const root = join(import.meta.dirname, "..");
const files = {
  gates: join(root, "components/configuration/featureGates.json"),
  judged: join(root, "tests/kubeadm/reference/judged.json"),
  recorded: join(root, "tests/kubeadm/reference/recorded.json"),
  report: join(import.meta.dirname, "report.md"),
};
/** How many verdicts the tests get. */
const verdictsRecorded = 150;

async function main(): Promise<void> {
  const chosen = values.minors.split(",").map(Number);
  const names = values.oracles.split(",");
  const [count, inputs, seed] = [values.count, values.inputs, values.seed].map(Number) as [
    number,
    number,
    number,
  ];
  if (
    !chosen.every((minor) => minors.includes(minor)) ||
    !names.every((name) => name in Oracle) ||
    ![count, inputs, seed].every((number) => Number.isInteger(number) && number > 0)
  ) {
    throw new UsageError(
      "--minors, --oracles, --count, --inputs, --seed: known names and whole numbers, please",
    );
  }
  const isWhole = chosen.length === minors.length;
  const judged: Comparison[] = names.includes(Oracle.judge)
    ? await askJudges(chosen, isWhole, count, seed)
    : [];
  const rendered: KubeadmComparison[] = names.includes(Oracle.kubeadm)
    ? await askKubeadms(chosen, inputs, seed)
    : [];
  const report = formatReport(judged, rendered, seed);
  console.log(report);
  if (values.write && isWhole && judged.length > 0 && rendered.length > 0) {
    writeFileSync(files.report, report);
  }
  if ([...judged, ...rendered].some(({ differences }) => differences.length > 0)) {
    process.exitCode = 1;
  }
}

async function askJudges(
  chosen: readonly number[],
  isWhole: boolean,
  count: number,
  seed: number,
): Promise<Comparison[]> {
  const judges = new Map<number, string>();
  for (const minor of chosen) {
    judges.set(minor, await oracle(Oracle.judge, minor, console.error));
  }
  // A gate's row says since when, which one minor alone cannot tell.
  if (isWhole && !(await areGatesRight(judges))) {
    process.exitCode = 1;
    return [];
  }
  const comparisons: Comparison[] = [];
  for (const [minor, path] of judges) {
    comparisons.push(await compareWithJudge(path, minor, count, seed));
  }
  if (values.write && isWhole) {
    writeJson(files.judged, await recordVerdicts([...judges.values()], verdictsRecorded, seed));
  }
  return comparisons;
}

async function askKubeadms(
  chosen: readonly number[],
  inputs: number,
  seed: number,
): Promise<KubeadmComparison[]> {
  const comparisons: KubeadmComparison[] = [];
  for (const minor of chosen) {
    const path = await oracle(Oracle.kubeadm, minor, console.error);
    comparisons.push(await compareWithKubeadm(path, minor, inputs, seed));
    if (values.write) {
      const before: Recorded = existsSync(files.recorded)
        ? (JSON.parse(readFileSync(files.recorded, "utf8")) as Recorded)
        : { objects: {}, outputs: {} };
      writeJson(files.recorded, await recordOutputs(before, path, minor));
    }
  }
  return comparisons;
}

async function areGatesRight(judges: ReadonlyMap<number, string>): Promise<boolean> {
  const before = JSON.parse(readFileSync(files.gates, "utf8")) as GateTable;
  const judged = new Map<number, Record<string, JudgedGate>>();
  for (const [minor, path] of judges) {
    judged.set(minor, await judgedGates(path));
  }
  const after = mergeGates(before, judged);
  if (JSON.stringify(after) === JSON.stringify(before)) {
    return true;
  }
  if (values.write) {
    writeJson(files.gates, after);
  }
  const done = values.write ? "it is written; run this again" : "--write mends it";
  console.error(`The table of feature gates differs from the judges': ${done}.`);
  return false;
}

function writeJson(file: string, value: unknown): void {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

await runCommand({ usage }, main);
