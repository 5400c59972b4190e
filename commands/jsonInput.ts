import { formatProblems } from "../components/input/problems.ts";
import { problemsOf, type Schema } from "../components/input/schema.ts";
import { readInput, UsageError } from "./commandLine.ts";

/**
 * Reads the JSON that `pulumi up` gives a command of the component's on standard input.
 *
 * @throws UsageError when it is none, or not what the schema wants
 */
export function readJson(schema: Schema): unknown {
  let value: unknown;
  try {
    value = JSON.parse(readInput("standard input", 0));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`standard input: is not JSON (${String(error)})`);
  }
  const problems = problemsOf(schema, value);
  if (problems.length > 0) {
    throw new UsageError(formatProblems("standard input", problems));
  }
  return value;
}
