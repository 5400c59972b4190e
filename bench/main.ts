// `npm run bench`: what this program costs, next to what a user would do instead, side by side in one run.
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { countRequests } from "./requests.ts";
import { formatCosts, measureConfiguration } from "./configuration.ts";
import { measurePreflight } from "./preflight.ts";
import { measureRestarts } from "./restart.ts";
import { measureStart } from "./start.ts";
import { type Comparison, table } from "./statistics.ts";

const usage = `Usage: npm run bench -- [--runs N] [--nodes N,N...]
       npm run bench -- --requests [--nodes N,N...]
       npm run bench -- --preflight [--runs N] [--nodes N,N...]

  --runs N       repetitions of each measurement, side by side (default 5)
  --nodes N,...  sizes of the lab for restarts (default 50,1000; with --requests 20,200, with --preflight 20,1000)
  --requests     count the API requests of a restart instead
  --preflight    measure the checks before an up alone

Prints a table and writes bench/results.json; with --requests or --preflight it is only printed.`;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    nodes: { type: "string" },
    requests: { type: "boolean", default: false },
    preflight: { type: "boolean", default: false },
  },
});
const runs = Number(values.runs);
const preflightSizes = "20,1000";
const standard = values.requests ? "20,200" : values.preflight ? preflightSizes : "50,1000";
const sizes = (values.nodes ?? standard).split(",").map(Number);

if (![runs, ...sizes].every((count) => Number.isInteger(count) && count > 0)) {
  console.error(`--runs, --nodes: whole numbers above 0, please.\n\n${usage}`);
  process.exitCode = 2;
} else if (values.requests) {
  console.log(`\n${await countRequests(sizes)}`);
} else if (values.preflight) {
  console.log(`\n${table(await measurePreflight(sizes, runs))}`);
} else {
  const configuration = measureConfiguration(runs * 4);
  console.log(formatCosts(configuration));
  const rows: Comparison[] = [
    ...(await measureStart(runs * 3)),
    ...(await measurePreflight(preflightSizes.split(",").map(Number), runs * 2)),
    ...(await measureRestarts(sizes, runs)),
  ];
  console.log(`\n${table(rows)}`);
  const result = {
    at: new Date().toISOString(),
    node: process.version,
    cores: availableParallelism(),
    runs,
    rows,
    configuration,
  };
  writeFileSync(join(import.meta.dirname, "results.json"), `${JSON.stringify(result, null, 2)}\n`);
}
