import type { KubeConfig } from "@kubernetes/client-node";
import { parseJson } from "../input/json.ts";
import { withoutPasswords } from "../input/passwords.ts";
import { type Problem, ProblemsError } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";

/** The API server could not be asked, said no, or gave an answer that is none. */
export class ApiError extends ProblemsError {
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  readonly problem: Problem;
  /** The answer's own words, or why there was none. */
  readonly said: string;
  /** Whether the answer was none of an API server. */
  readonly isMisunderstood: boolean;

  constructor(status: number | undefined, problem: Problem, said: string, isMisunderstood = false) {
    super("a request to the API server", [problem]);
    this.status = status;
    this.problem = problem;
    this.said = said;
    this.isMisunderstood = isMisunderstood;
  }
}

/** Longest text of an answer that is told, in letters. */
const longest = 500;

/** URL of the cluster's API server, without a slash at its end. */
export function serverOf(config: KubeConfig): string {
  return config.getCurrentCluster()?.server.replace(/\/$/, "") ?? "";
}

/** There was no answer. */
export function unanswered(config: KubeConfig, error: unknown): ApiError {
  const said = reason(error).slice(0, longest);
  // Whoever is asked through a context that is right reads of no mistake in it.
  const problem = {
    path: `the API server of context ${config.getCurrentContext()}`,
    accepted: `${serverOf(config)} does not answer: ${said}`,
  };
  return new ApiError(undefined, problem, said);
}

/** There are no credentials to ask with; that counts as if the API server had refused them. */
export function unauthenticated(config: KubeConfig, error: unknown): ApiError {
  const said = reason(error).slice(0, longest);
  const accepted = `a cluster and a user with whose credentials can be asked: ${said}`;
  return new ApiError(401, { path: "context", value: config.getCurrentContext(), accepted }, said);
}

/** The answer was no. */
export function refused(config: KubeConfig, call: string, status: number, text: string): ApiError {
  const said = messageOf(text).slice(0, longest);
  const answer = `${status} ${said}`;
  const problem =
    status === 401 || status === 403
      ? {
          path: "context",
          value: config.getCurrentContext(),
          accepted: `a user with the rights in docs/rbac.md; the API server said: ${answer}`,
        }
      : { path: call, accepted: `refused by the API server: ${answer}` };
  return new ApiError(status, problem, said);
}

/** The answer is none to what was asked. It is not asked again: something else than an API server answers there. */
export function misunderstood(config: KubeConfig, call: string, why: string): ApiError {
  const said = `the answer is none of a Kubernetes API server: ${why}`;
  const accepted = `${said}; find out what answers at ${serverOf(config)}`;
  return new ApiError(200, { path: call, accepted }, said, true);
}

/**
 * Waits for requests that were sent together.
 *
 * @throws ProblemsError with everything that the API server said, each thing once
 */
export async function all<T>(what: string, requests: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(requests);
  const problems = new Map<string, Problem>();
  for (const result of settled) {
    if (result.status === "rejected") {
      if (!(result.reason instanceof ApiError)) {
        throw result.reason;
      }
      const { isMisunderstood, problem } = result.reason;
      // What answers nonsense to one request does so to all.
      problems.set(isMisunderstood ? "" : JSON.stringify(problem), problem);
    }
  }
  if (problems.size > 0) {
    throw new ProblemsError(what, [...problems.values()]);
  }
  return settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

function messageOf(text: string): string {
  try {
    const status = parseJson(text);
    return isRecord(status) && typeof status["message"] === "string" ? status["message"] : text.trim();
  } catch {
    return text.slice(0, 200).trim();
  }
}

/** Why there was no answer; a proxy's address may be told, and have a password. */
function reason(error: unknown): string {
  return withoutPasswords(messageIn(error));
}

/** `fetch` says only "fetch failed"; why is in its cause. */
function messageIn(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return "no answer in time";
  }
  if (error instanceof Error) {
    return error.cause instanceof Error ? messageIn(error.cause) : error.message || error.name;
  }
  return String(error);
}
