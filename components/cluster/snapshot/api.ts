import {
  HttpMethod,
  IsomorphicFetchHttpLibrary,
  type KubeConfig,
  RequestContext,
} from "@kubernetes/client-node";
import { isRecord } from "../../configuration/values.ts";
import { type Problem, ProblemsError } from "../../problems.ts";
import { type ApiObject, type Collection, collectionPathOf } from "./objects.ts";

/** Longest wait for one answer of the API server. */
const timeoutMs = 30_000;

/** The API server could not be asked, or said no. */
export class ApiError extends ProblemsError {
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  readonly problem: Problem;
  /** The answer's own words, or why there was none. */
  readonly said: string;

  constructor(status: number | undefined, problem: Problem, said: string) {
    super("a request to the API server", [problem]);
    this.status = status;
    this.problem = problem;
    this.said = said;
  }
}

/** What is sent beside method and path. */
export interface RequestOptions {
  readonly query?: Readonly<Record<string, string>>;
  /** JSON; with PATCH a merge patch. */
  readonly body?: unknown;
  /** Ends the wait for an answer before the 30 s are over. */
  readonly signal?: AbortSignal;
}

/**
 * Sends one request to the API server and reads the answer as JSON.
 *
 * The client's typed calls are of no use for a copy: they drop every field that their own release does not know.
 *
 * @returns the answer's body
 * @throws ApiError for no answer within 30 s, and for every status but 2xx
 */
export async function request(
  config: KubeConfig,
  method: HttpMethod,
  path: string,
  { query = {}, body, signal }: RequestOptions = {},
): Promise<unknown> {
  const server = config.getCurrentCluster()?.server.replace(/\/$/, "") ?? "";
  const parameters = new URLSearchParams(query).toString();
  const context = new RequestContext(`${server}${path}${parameters && `?${parameters}`}`, method);
  context.setHeaderParam("Accept", "application/json");
  const timeout = AbortSignal.timeout(timeoutMs);
  context.setSignal(signal === undefined ? timeout : AbortSignal.any([signal, timeout]));
  if (body !== undefined) {
    const type = method === HttpMethod.PATCH ? "application/merge-patch+json" : "application/json";
    context.setHeaderParam("Content-Type", type);
    context.setBody(JSON.stringify(body));
  }
  const { status, text } = await send(config, context);
  if (status < 200 || status > 299) {
    const said = messageOf(text);
    throw new ApiError(status, refused(config, `${method} ${path}`, status, said), said);
  }
  return JSON.parse(text) as unknown;
}

/** Like {@link request} with GET, but undefined where there is no such object. */
export async function find(config: KubeConfig, path: string): Promise<ApiObject | undefined> {
  try {
    return (await request(config, HttpMethod.GET, path)) as ApiObject;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) {
      return undefined;
    }
    throw error;
  }
}

/** The objects of one kind that a label selector finds, as {@link find} gives one. */
export async function list(
  config: KubeConfig,
  collection: Collection,
  labelSelector: string,
): Promise<ApiObject[]> {
  const query = { labelSelector };
  const answer = await request(config, HttpMethod.GET, collectionPathOf(collection), { query });
  const { apiVersion, kind } = collection;
  // Only the list names its kind.
  return (answer as { items: ApiObject[] }).items.map((item) => ({ ...item, apiVersion, kind }));
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
      problems.set(JSON.stringify(result.reason.problem), result.reason.problem);
    }
  }
  if (problems.size > 0) {
    throw new ProblemsError(what, [...problems.values()]);
  }
  return settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

async function send(config: KubeConfig, context: RequestContext): Promise<{ status: number; text: string }> {
  try {
    await config.applySecurityAuthentication(context);
    const response = await new IsomorphicFetchHttpLibrary().send(context).toPromise();
    return { status: response.httpStatusCode, text: await response.body.text() };
  } catch (error) {
    const said = reason(error);
    const problem = {
      path: "context",
      value: config.getCurrentContext(),
      accepted: `a cluster that answers; ${config.getCurrentCluster()?.server ?? ""} does not: ${said}`,
    };
    throw new ApiError(undefined, problem, said);
  } finally {
    // Each request has connections of its own; open ones would keep the process from ending.
    await context.getDispatcher()?.close();
  }
}

function refused(config: KubeConfig, call: string, status: number, words: string): Problem {
  const said = `${status} ${words}`;
  return status === 401 || status === 403
    ? {
        path: "context",
        value: config.getCurrentContext(),
        accepted: `a user with the rights in docs/rbac.md; the API server said: ${said}`,
      }
    : { path: call, accepted: `refused by the API server: ${said}` };
}

function messageOf(text: string): string {
  try {
    const status: unknown = JSON.parse(text);
    return isRecord(status) && typeof status["message"] === "string" ? status["message"] : text.trim();
  } catch {
    return text.trim().slice(0, 200);
  }
}

/** `fetch` says only "fetch failed"; why is in its cause. */
function reason(error: unknown): string {
  if (error instanceof Error) {
    return error.cause instanceof Error ? reason(error.cause) : error.message || error.name;
  }
  return String(error);
}
