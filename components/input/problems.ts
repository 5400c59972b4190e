import leven from "leven";
import { withoutSecrets } from "./passwords.ts";
import { escapeJson, printableLines } from "./printable.ts";

/** One mistake in what a user gave: which key, which value, and what would be accepted. */
export interface Problem {
  /** Path of the key in the user's own spelling, such as `networking.podSubnet` or `tolerations[0].effect`. */
  readonly path: string;
  /** The value as it was given; absent where the key itself is the mistake or the value may be a secret. */
  readonly value?: unknown;
  /** What is accepted, and what to do, as a sentence without a full stop at its end. */
  readonly accepted: string;
  /** What is shown below it, on lines of its own: such as a part of a file. */
  readonly lines?: readonly string[];
}

/**
 * All mistakes of one input together, so that a user mends them in one go.
 *
 * @param what - what was read, such as `stack config` or a file's name
 */
export class ProblemsError extends Error {
  override readonly name = "ProblemsError";
  readonly problems: readonly Problem[];

  constructor(what: string, problems: readonly Problem[]) {
    super(formatProblems(what, problems));
    this.problems = problems;
  }
}

/** Writes problems as a heading and one line each. */
export function formatProblems(what: string, problems: readonly Problem[]): string {
  const heading = problems.length === 1 ? `1 problem in ${what}` : `${problems.length} problems in ${what}`;
  return printableLines([`${heading}:`, ...told(problems).flatMap(formatProblem)]);
}

/** More than anybody mends in one go. */
const mostTold = 1000;

/** The problems that are told: all of them, or of very many the first ones and how many more there are. */
export function told(problems: readonly Problem[]): readonly Problem[] {
  const more = problems.length - mostTold;
  return more <= 0
    ? problems
    : [...problems.slice(0, mostTold), { path: "and", accepted: `${more} more problems` }];
}

function formatProblem({ path, value, accepted, lines = [] }: Problem): string[] {
  const said =
    value === undefined
      ? `${path}: ${accepted}`
      : `${path}: ${show(withoutEnvironment(value, path))} is not accepted; accepted: ${accepted}`;
  return [`  ${said}`, ...(lines.length > 0 ? ["", ...lines] : [])];
}

/** What a container's environment holds may be secret, also where it is no list of variables. */
function withoutEnvironment(value: unknown, path: string): unknown {
  if (!/(^|\.)env\b/.test(path)) return withoutSecrets(value);
  const isName = /(^|\.)env\[\d+\]\.name$/.test(path);
  return typeof value === "string" && !isName ? "VALUE" : withoutSecrets(value, "env");
}

const longestShown = 120;

function show(value: unknown): string {
  const text = toJson(value);
  return text.length > longestShown ? `${text.slice(0, longestShown)}… (${text.length} characters)` : text;
}

/** The first names of a list that may be long, for a sentence. */
export function listed(names: readonly string[], longest = 5): string {
  const more = names.length - longest;
  return [...names.slice(0, longest), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

/** Writes any value that YAML can give as JSON: numbers that JSON cannot hold become texts. */
export function toJson(value: unknown, indent = 0): string {
  const json = JSON.stringify(
    value,
    (_key, entry: unknown) =>
      typeof entry === "bigint" || (typeof entry === "number" && !Number.isFinite(entry))
        ? String(entry)
        : Object.is(entry, -0)
          ? "-0"
          : entry,
    indent,
  );
  return escapeJson(json);
}

/**
 * What to say of a key that does not exist: names the nearest existing one when it is near enough to be a slip.
 *
 * @param name - the unknown key
 * @param known - the keys that exist at that place
 */
export function unknownKey(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined
    ? `unknown key; known here: ${known.join(", ")}`
    : `unknown key; did you mean ${near}?`;
}

/** The known name that an unknown one is most likely a slip of, or undefined. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const limit = Math.max(2, name.length / 3);
  const best = known
    // A long or far name is no slip, and costs the square of its length to compare.
    .filter((candidate) => Math.abs(candidate.length - name.length) <= limit && name.length <= longestShown)
    .map((candidate) => ({ candidate, distance: leven(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return best !== undefined && best.distance <= limit ? best.candidate : undefined;
}
