// `npm run bench`: what this program costs, next to what a user would do instead, side by side in one run.
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ProblemsError } from "../components/input/problems.ts";
import { missingForRealNodes } from "../lab/real/requirements.ts";
import { availableMegabytes, lackOfMemory, missingForMachines } from "../lab/vm/requirements.ts";
import { formatCommandCosts, measureCommands } from "./commands.ts";
import { formatCosts, measureConfiguration } from "./configuration.ts";
import { measureDefaultRate } from "./defaultRate.ts";
import { casesNamed } from "./node/cases.ts";
import { measureBehaviour } from "./node/index.ts";
import { tables } from "./node/table.ts";
import { measurePreflight } from "./preflight.ts";
import { behaviour, formatted, switches } from "./publish.ts";
import { countRequests } from "./requests.ts";
import { measureRestarts } from "./restart.ts";
import { measureStart } from "./start.ts";
import { type Comparison, table } from "./statistics.ts";
import { costTable, measureTests } from "./tests.ts";
import { measuredSwitches } from "./vm/cases.ts";
import { measureSwitches } from "./vm/index.ts";
import { including } from "./vm/results.ts";
import { switchTable } from "./vm/table.ts";

const usage = `Usage: npm run bench -- [--runs N] [--nodes N,N...]
       npm run bench -- --start [--runs N]
       npm run bench -- --requests [--nodes N,N...]
       npm run bench -- --preflight [--runs N] [--nodes N,N...]
       npm run bench -- --default-rate [--runs N] [--nodes N,N...]
       npm run bench -- [--node [--only CASE]] [--plot]
       npm run bench -- [--vm [--only SWITCH]] [--plot]
       npm run bench -- --tests

  --runs N       repetitions of each measurement, side by side (default 5)
  --nodes N,...  sizes of the lab for restarts (default 50,1000; with --requests 20,200, with --preflight 20,1000, with
                 --default-rate 300)
  --start        measure the start of the program and of the commands alone
  --requests     count the API requests of a restart instead
  --preflight    measure the checks before an up instead
  --default-rate measure a rolling restart at the controller manager's default rate instead, and what a node waits that joins meanwhile
  --node         measure what changes of kube-proxy do to connections instead: root on Linux
  --vm           measure what the switches between modes do to connections instead, on a node with a kernel of its own: root on Linux
  --tests        measure every test file instead, and whose CPU time it takes; the longest are begun first from then on
  --only CASE    just the changes with this in their name
  --plot         put what --node and --vm have measured, now or before, on docs/restart-behaviour.md and docs/mode.md with their pictures

Prints a table and writes bench/results.json, bench/behaviour.json with --node, bench/tests.json with --tests; what --requests counts, --start,
--preflight, --default-rate and --node --only measure is just printed. --vm keeps each switch in bench/switches.json as soon as it is measured, in
place of the one before.`;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    nodes: { type: "string" },
    start: { type: "boolean", default: false },
    requests: { type: "boolean", default: false },
    preflight: { type: "boolean", default: false },
    "default-rate": { type: "boolean", default: false },
    node: { type: "boolean", default: false },
    vm: { type: "boolean", default: false },
    tests: { type: "boolean", default: false },
    only: { type: "string" },
    plot: { type: "boolean", default: false },
  },
});
const runs = Number(values.runs);
const missing = [
  ...(values.node || values.vm ? await missingForRealNodes() : []),
  ...(values.vm ? [...missingForMachines(), ...lackOfMemory(1, availableMegabytes())] : []),
];
/** The names that --only may be a part of. */
const names = (values.vm ? measuredSwitches() : casesNamed()).map(({ what }) => what);
/** Sizes of labs, where something is measured alone. */
const alone = { requests: [20, 200], preflight: [20, 1000], "default-rate": [300] };
const [, standard = [50, 1000]] =
  Object.entries(alone).find(([option]) => values[option as keyof typeof alone]) ?? [];
const sizes = values.nodes?.split(",").map(Number) ?? standard;

if (![runs, ...sizes].every((count) => Number.isInteger(count) && count > 0)) {
  console.error(`--runs, --nodes: whole numbers above 0, please.\n\n${usage}`);
  process.exitCode = 2;
} else if (values.only !== undefined && (values.node === values.vm || values.plot)) {
  console.error(`--only: with --node or --vm and without --plot, please.\n\n${usage}`);
  process.exitCode = 2;
} else if (!names.some((name) => name.includes(values.only ?? ""))) {
  console.error(`--only: part of one of these, please:\n${names.map((name) => `  ${name}`).join("\n")}`);
  process.exitCode = 2;
} else if (missing.length > 0) {
  console.error(new ProblemsError("what nodes need of this machine", missing).message);
  process.exitCode = 1;
} else if (values.node || values.vm || values.plot) {
  if (values.node) {
    const measured = await measureBehaviour(values.only);
    console.log(`\n${await formatted(tables(measured), "markdown")}`);
    if (values.only === undefined) await behaviour.keep(measured);
  }
  if (values.vm) {
    await measureSwitches(values.only, async (outcome) => {
      await switches.keep(including(switches.read(), outcome));
    });
    console.log(`\n${await formatted(switchTable(switches.read()), "markdown")}`);
  }
  if (values.plot) {
    await behaviour.publish();
    await switches.publish();
  }
} else if (values.tests) {
  const costs = await measureTests();
  console.log(`\n${await formatted(costTable(costs), "markdown")}`);
  const file = join(import.meta.dirname, "tests.json");
  writeFileSync(file, await formatted(JSON.stringify(costs), "json"));
} else if (values.start) {
  console.log(formatCommandCosts(await measureCommands(runs)));
  console.log(`\n${table(await measureStart(20, runs))}`);
} else if (values.requests) {
  console.log(`\n${await countRequests(sizes)}`);
} else if (values.preflight) {
  console.log(`\n${table(await measurePreflight(sizes, runs))}`);
} else if (values["default-rate"]) {
  console.log(`\n${table(await measureDefaultRate(sizes, runs))}`);
} else {
  const configuration = measureConfiguration(runs * 4);
  console.log(formatCosts(configuration));
  const commands = await measureCommands(runs * 2);
  console.log(formatCommandCosts(commands));
  const rows: Comparison[] = [
    ...(await measureStart(20, runs * 3)),
    ...(await measurePreflight(alone.preflight, runs * 2)),
    ...(await measureRestarts(sizes, runs)),
    ...(await measureDefaultRate(alone["default-rate"], Math.ceil(runs / 2))),
  ];
  console.log(`\n${table(rows)}`);
  const result = {
    at: new Date().toISOString(),
    node: process.version,
    cores: availableParallelism(),
    runs,
    rows,
    configuration,
    commands,
  };
  writeFileSync(join(import.meta.dirname, "results.json"), await formatted(JSON.stringify(result), "json"));
}
