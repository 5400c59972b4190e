import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import type { KubeConfig } from "@kubernetes/client-node";
import { printableJson, shellWord } from "../components/input/printable.ts";
import { formatProblems, type Problem } from "../components/input/problems.ts";
import { acceptedDeadline, deadlineOf } from "../components/restart/timeouts.ts";
import { allowOperation, clusterOf, exitBy, print, runCommand, UsageError } from "./commandLine.ts";
import { connect } from "./connect.ts";

/** Options that say which kube-proxies are meant, for a usage text. */
export const clusterUsage = `  --context C            context in the kubeconfig; default: its current one
  --kubeconfig FILE      default: those in KUBECONFIG, or ~/.kube/config
  --daemonset NAME       in namespace kube-system; default: all that make kube-proxy's pods
  --nodes A,B            only these nodes; default: all that the DaemonSets select
  --deadline DURATION    longest time for everything, 1s to 1h, such as 90s or 5m; default: 60s
  --json                 the result as JSON on standard output
  --help                 this text`;

const options = {
  context: { type: "string" },
  kubeconfig: { type: "string" },
  daemonset: { type: "string" },
  nodes: { type: "string" },
  deadline: { type: "string", default: "60s" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const satisfies ParseArgsOptionsConfig;

/** What a command knows about the kube-proxies that are meant. */
export interface ClusterOptions {
  readonly config: KubeConfig;
  readonly daemonSet: string | undefined;
  readonly nodes: readonly string[] | undefined;
  readonly deadlineMs: number;
  readonly json: boolean;
  /** Options that name the same cluster to another command, ready for a POSIX shell. */
  readonly access: readonly string[];
  /** The command's own options, by name. */
  readonly own: Readonly<Record<string, string | undefined>>;
  /** Which of the command's own flags are given. */
  readonly flags: readonly string[];
}

/**
 * Reads a command line, see {@link runCheck}.
 *
 * @returns undefined after `--help`
 * @throws UsageError that names every mistake, ProblemsError for a cluster that is not the one that is meant, see {@link connect}
 */
async function readCommandLine({
  usage,
  operation,
  own = [],
  flags = [],
  mistakes = () => [],
}: Check): Promise<ClusterOptions | undefined> {
  const { values, positionals, ...rest } = parse(own, flags);
  if (values.help) {
    print(usage);
    return undefined;
  }
  allowOperation(positionals, operation);
  const deadlineMs = deadlineOf(values.deadline) ?? 0;
  const nodes = values.nodes?.split(",").map((name) => name.trim());
  const problems: Problem[] = [
    ...(deadlineMs > 0 ? [] : [{ path: "--deadline", value: values.deadline, accepted: acceptedDeadline }]),
    ...(nodes?.includes("") === true
      ? [{ path: "--nodes", value: values.nodes, accepted: "names of nodes with commas between them" }]
      : []),
    ...mistakes(rest.own, rest.flags),
  ];
  if (problems.length > 0) throw new UsageError(formatProblems("the command line", problems));
  const { daemonset: daemonSet, json } = values;
  const { kubeconfig, context } = clusterOf(values);
  const config = await connect(values);
  const access = [
    // Content, not a path, is nothing to paste.
    ...(kubeconfig === undefined || kubeconfig.includes("\n") ? [] : ["--kubeconfig", shellWord(kubeconfig)]),
    ...(context === undefined ? [] : ["--context", shellWord(context)]),
  ];
  return { config, daemonSet, nodes, deadlineMs, json, access, ...rest };
}

function parse(names: readonly string[], flagNames: readonly string[]) {
  const ownOptions = { ...optionsOf(names, "string"), ...optionsOf(flagNames, "boolean") };
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { ...ownOptions, ...options },
  });
  const given: Readonly<Record<string, unknown>> = values;
  const own = Object.fromEntries(names.map((name) => [name, given[name] as string | undefined]));
  return { values, positionals, own, flags: flagNames.filter((name) => given[name] === true) };
}

function optionsOf<T extends "string" | "boolean">(names: readonly string[], type: T) {
  return Object.fromEntries(names.map((name) => [name, { type }] as const));
}

/** Whether all is well with the nodes of several DaemonSets; one without nodes, as an empty pool's, has nothing to show. */
export function areWell(
  results: readonly { readonly ok: boolean; readonly nodes: readonly unknown[] }[],
): boolean {
  return results.some(({ ok }) => ok) && results.every(({ ok, nodes }) => ok || nodes.length === 0);
}

/** Prints what was found of each DaemonSet; as JSON of one alone its result, of several an object with `ok` and `daemonSets`. */
export function printEach<T>(
  results: readonly T[],
  {
    ok,
    json,
    format,
  }: { readonly ok: boolean; readonly json: boolean; readonly format: (result: T) => string },
): void {
  const [first, ...others] = results;
  if (!json) print(results.map(format).join("\n\n"));
  else print(printableJson(others.length === 0 ? first : { ok, daemonSets: results }, 2));
}

/** A command that finds out whether all is well. */
export interface Check {
  readonly usage: string;
  /** What `pulumi up` ends its command line with; none where it does not run it. */
  readonly operation?: string;
  /** Names of its own options that take a value, and what finds the mistakes in them. */
  readonly own?: readonly string[];
  /** Names of its own options that take none. */
  readonly flags?: readonly string[];
  readonly mistakes?: (
    own: Readonly<Record<string, string | undefined>>,
    flags: readonly string[],
  ) => Problem[];
  /** Prints what it finds and returns whether all is well. */
  readonly run: (options: ClusterOptions, signal: AbortSignal) => Promise<boolean>;
}

/**
 * Runs a check to its exit code: 0 when all is well, 1 when it is not or cannot be found out, 2 for a mistake on the
 * command line.
 */
export async function runCheck(check: Check): Promise<void> {
  await runCommand(check, async (signal) => {
    const options = await readCommandLine(check);
    if (options !== undefined) await exitBy(() => check.run(options, signal));
  });
}
