import { readFileSync } from "node:fs";
import { endRequestsWith, Interrupted } from "../components/cluster/ending.ts";
import { parseGoDuration } from "../components/configuration/goDuration.ts";
import type { ClusterChoice } from "../components/facts/ask.ts";
import { printableLines } from "../components/input/printable.ts";
import { ProblemsError } from "../components/input/problems.ts";

/** A mistake on the command line. */
export class UsageError extends Error {}

/** Prints a text; of its controls new lines alone, which those who wrote it have made, see `printableLines`. */
export function print(text: string): void {
  console.log(printableLines(text.split("\n")));
}

/** Prints what is wrong, as {@link print}. */
export function complain(text: string): void {
  console.error(printableLines(text.split("\n")));
}

/** Longest time in milliseconds for a command to put away what it has made, once it is to end. */
const endMs = 1800;

const endings: (() => Promise<void>)[] = [];

/** Does something when the command has ended, however it did. */
export function atEnd(work: () => Promise<void>): void {
  endings.push(work);
}

/** What {@link runCommand} tells. */
export interface CommandTexts {
  /** Printed with a mistake on the command line. */
  readonly usage: string;
  /** What was done and what was not when somebody ends it, as a sentence. */
  readonly ended?: string;
  /** Whether the command says by itself what a signal ends: it takes longer to end well. Default: false. */
  readonly endsItself?: boolean;
}

/*
 * What `pulumi up` runs ends with the name of what it does, so that Pulumi, which knows a command that fails by its last
 * argument, prints that name: see `run` in components/resources/commands.ts.
 */

/** As the last argument it has a command do nothing. */
const nothing = "do-nothing";

/**
 * Runs a command and sets the exit code: 0 done, 1 failed, 2 a mistake on the command line. What a user can mend is told
 * without a stack trace.
 *
 * SIGINT, SIGTERM and SIGHUP end it within two seconds: its requests are given up, and it puts away what it has made; a
 * second one ends it at once.
 */
export async function runCommand(
  { usage, ended = "Nothing was changed.", endsItself = false }: CommandTexts,
  command: (signal: AbortSignal) => void | Promise<void>,
): Promise<void> {
  if (process.argv.at(-1) === nothing) return;
  // Nobody may be there any more to read what is printed.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  const signal = endsItself ? new AbortController().signal : interruption(ended);
  try {
    await command(signal);
  } catch (error) {
    const isParseError =
      error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE");
    if (error instanceof UsageError || isParseError) {
      complain(`${error.message}\n\n${usage}`);
      process.exitCode = 2;
    } else if (error instanceof Interrupted) {
      complain(`${error.message}. ${ended}`);
      process.exit(1);
    } else if (error instanceof ProblemsError) {
      complain(error.message);
      process.exitCode = 1;
    } else {
      throw error;
    }
  } finally {
    await Promise.all(endings.map((work) => work()));
  }
}

/**
 * Does what finds out whether all is well, and sets the exit code: 0 when it is, 1 when it is not or cannot be found
 * out, which is told in one line.
 */
export async function exitBy(work: () => Promise<boolean>): Promise<void> {
  let ok = false;
  try {
    ok = await work();
  } catch (error) {
    if (error instanceof ProblemsError || error instanceof Interrupted) {
      throw error;
    }
    complain(error instanceof Error ? error.message : String(error));
  }
  await told();
  // At once: connections that the client keeps open, or an API server that is silent, would keep the process alive.
  process.exit(ok ? 0 : 1);
}

/** When all that was printed has been taken: a pipe holds 64 KiB, and the rest would be lost with the process. */
async function told(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) =>
        new Promise<void>((resolve) => {
          stream.write("", () => {
            resolve();
          });
        }),
    ),
  );
}

/**
 * Reads the command line of what only `pulumi up` runs: an operation, and nothing else.
 *
 * @param operations - the command's own, each with what an earlier version had in its place where a state may still have it:
 * for a deletion
 * @throws UsageError for everything else
 */
export function operationOf<T extends string>(operations: Readonly<Record<T, string | undefined>>): T {
  const [given, ...more] = process.argv.slice(2);
  const known = Object.entries(operations) as [T, string | undefined][];
  const [found] = known.find(([name, former]) => given !== undefined && [name, former].includes(given)) ?? [];
  if (found === undefined || more.length > 0) {
    throw new UsageError(`${known.map(([name]) => name).join(" or ")}: is required, and nothing else`);
  }
  return found;
}

/**
 * Refuses what a command line has beside its options.
 *
 * @param operation - with which `pulumi up` ends it; none where it does not run it
 * @throws UsageError
 */
export function allowOperation(positionals: readonly string[], operation?: string): void {
  if (positionals.some((given, index) => index > 0 || given !== operation)) {
    throw new UsageError(`${positionals.join(" ")}: options are accepted, and nothing else`);
  }
}

/** Aborts when somebody ends this command, and with it all requests. */
function interruption(ended: string): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(1);
      controller.abort(new Interrupted(`ended by ${name}`));
      setTimeout(() => {
        complain(`ended by ${name}, before everything could be put away. ${ended}`);
        process.exit(1);
      }, endMs).unref();
    });
  }
  endRequestsWith(controller.signal);
  return controller.signal;
}

/**
 * Which cluster is meant: `--kubeconfig` and `--context`; else `KUBE_PROXY_KUBECONFIG` and `KUBE_PROXY_CONTEXT`, by which
 * the component tells its own commands.
 */
export function clusterOf(values: {
  kubeconfig?: string | undefined;
  context?: string | undefined;
}): ClusterChoice {
  const kubeconfig = values.kubeconfig ?? process.env["KUBE_PROXY_KUBECONFIG"];
  const context = values.context ?? process.env["KUBE_PROXY_CONTEXT"];
  return { ...(kubeconfig !== undefined && { kubeconfig }), ...(context !== undefined && { context }) };
}

/**
 * Reads an option that is a duration.
 *
 * @returns milliseconds
 * @throws UsageError for everything but a Go duration above 0, such as `90s` or `5m`
 */
export function durationOf(option: string, text: string): number {
  const nanoseconds = parseGoDuration(text) ?? 0n;
  if (nanoseconds <= 0n) {
    throw new UsageError(
      `${option}: ${JSON.stringify(text)} is not accepted; accepted: a time such as 90s or 5m`,
    );
  }
  return Number(nanoseconds / 1_000_000n);
}

/**
 * Reads a file that the user names.
 *
 * @param option - where it was named, for the error
 * @param file - its path, or 0 for standard input
 * @throws UsageError when it cannot be read, or is not UTF-8
 */
export function readInput(option: string, file: string | 0): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof TypeError) {
      throw new UsageError(`${option}: ${JSON.stringify(file)} is not UTF-8 text`);
    }
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new UsageError(`${option}: ${JSON.stringify(file)} cannot be read (${code})`);
  }
}
