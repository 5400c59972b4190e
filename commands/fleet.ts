import { writeFileSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";
import { parseArgs } from "node:util";
import type { Found } from "../components/cluster/report/files.ts";
import { formatProblems, type Problem, ProblemsError } from "../components/input/problems.ts";
import { acceptedToken, isToken } from "../components/restart/restart.ts";
import { alreadyDone, type Goal, type LastUpdate } from "../fleet/already.ts";
import { Automation } from "../fleet/automation.ts";
import { type Fleet, readFleet, stacksOf } from "../fleet/file.ts";
import { fleetPage } from "../fleet/page.ts";
import { reportsOf } from "../fleet/reports.ts";
import { begin, isComplete } from "../fleet/rollout.ts";
import { carryOut, type Means } from "../fleet/run.ts";
import { PlainScreen, TerminalScreen } from "../fleet/screen.ts";
import { summary, type View } from "../fleet/view.ts";
import { exitBy, print, readInput, runCommand, UsageError } from "./commandLine.ts";

const usage = `Usage: npm run --silent fleet -- preview|up|restart --file fleet.yaml [options]

Previews, updates or restarts the stacks of a file in waves, see docs/fleet.md. What an earlier run has done is left out. Ctrl-C
ends it after the stacks that run; a second one has Pulumi cancel those, too. Exit code: 0 every cluster is done, 1 one is not,
2 a mistake on the command line.

  --file FILE      the fleet
  --token TEXT     of restart: the restart token, which is set in the config of each stack when its turn comes
  --message TEXT   of up: the message of the updates; a stack whose last update succeeded with it is left out
  --page FILE      writes a page that leads to the reports of all stacks
  --yes            answers the questions between waves with yes
  --help           this text`;

const operations = ["preview", "up", "restart"] as const;

/** What the command line says. */
interface CommandLine extends Goal {
  readonly operation: (typeof operations)[number];
  readonly fleet: Fleet;
  readonly page: string | undefined;
  readonly yes: boolean;
}

async function main(): Promise<void> {
  const line = readCommandLine();
  if (line !== undefined) await exitBy(() => run(line));
}

function readCommandLine(): CommandLine | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      file: { type: "string" },
      token: { type: "string" },
      message: { type: "string" },
      page: { type: "string" },
      yes: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    print(usage);
    return undefined;
  }
  const { file, token, message, page, yes } = values;
  const operation = operations.find((known) => known === positionals[0]);
  const problems: Problem[] = [
    ...(operation === undefined || positionals.length > 1
      ? [{ path: "operation", value: positionals.join(" "), accepted: operations.join(", ") }]
      : []),
    ...(file ? [] : [{ path: "--file", accepted: "is required: the path of a fleet" }]),
    ...tokenProblems(operation, token),
    ...(message === undefined || operation === "up"
      ? []
      : [{ path: "--message", value: message, accepted: "for up alone" }]),
    ...(page === "" ? [{ path: "--page", value: page, accepted: "the path of a file" }] : []),
  ];
  if (problems.length > 0 || operation === undefined || file === undefined) {
    throw new UsageError(formatProblems("the command line", problems));
  }
  return { operation, token, message, page, yes, fleet: readFleet(file, readInput("--file", file)) };
}

function tokenProblems(operation: string | undefined, token: string | undefined): Problem[] {
  if (operation === "restart") {
    if (token === undefined) return [{ path: "--token", accepted: `is required: ${acceptedToken}` }];
    return isToken(token) ? [] : [{ path: "--token", value: token, accepted: acceptedToken }];
  }
  return token === undefined ? [] : [{ path: "--token", value: token, accepted: "for restart alone" }];
}

/** @returns whether every cluster is done */
async function run({ operation, fleet, page, yes, ...goal }: CommandLine): Promise<boolean> {
  const isTrial = operation === "preview";
  const stacks = stacksOf(fleet);
  const engine = await Automation.open(fleet.program, isTrial ? "preview" : "up", goal);
  await engine.check(stacks);
  const isKnown = goal.token !== undefined || goal.message !== undefined;
  const updates = isKnown ? await engine.lastUpdates(stacks) : new Map<string, LastUpdate>();
  const begun = begin(fleet, alreadyDone(goal, engine.project, updates), { isTrial, now: Date.now() });
  const view = await onScreen(yes, (means) => carryOut(begun, { engine, ...means }));
  print(summary(view));
  if (page !== undefined) {
    const found = reportsOf(fleet.program, engine.project, await engine.lastUpdates(stacks));
    const what = goal.token === undefined ? operation : `restart ${goal.token}`;
    writePage(resolve(page), view, what, found);
  }
  return isComplete(view.rollout);
}

/** Shows a run, and ends it as its user wants. */
async function onScreen(yes: boolean, show: (means: Omit<Means, "engine">) => Promise<View>): Promise<View> {
  const [interruption, cancellation] = [new AbortController(), new AbortController()];
  const interrupt = (): void => {
    if (interruption.signal.aborted) cancel();
    else screen.say("Ends after the stacks that run. Once more, and Pulumi cancels those, too.");
    interruption.abort();
  };
  const cancel = (): void => {
    screen.say("Has Pulumi cancel the stacks that run.");
    interruption.abort();
    cancellation.abort();
  };
  const { stdin, stdout } = process;
  const screen =
    stdin.isTTY && stdout.isTTY
      ? new TerminalScreen(stdin, stdout, { answer: yes || undefined, onInterrupt: interrupt })
      : new PlainScreen(print, yes);
  process.on("SIGINT", interrupt).on("SIGTERM", cancel).on("SIGHUP", cancel);
  try {
    return await show({ screen, interruption: interruption.signal, cancellation: cancellation.signal });
  } finally {
    screen.close();
  }
}

function writePage(path: string, view: View, what: string, found: ReadonlyMap<string, Found>): void {
  const reports = new Map(
    [...found].map(([stack, { report, page }]) => {
      const parts = relative(dirname(path), page).split(sep);
      return [stack, { report, href: parts.map(encodeURIComponent).join("/") }];
    }),
  );
  try {
    writeFileSync(path, fleetPage(view, { what, now: new Date(), reports }), { mode: 0o600 });
  } catch (error) {
    throw new ProblemsError("the command line", [
      { path: "--page", value: path, accepted: `a file that can be written (${codeOf(error)})` },
    ]);
  }
  print(`The reports: ${path}`);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

await runCommand({ usage, endsItself: true }, main);
