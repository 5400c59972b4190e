import { type Problem, ProblemsError } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { HttpMethod, IsomorphicFetchHttpLibrary, type KubeConfig, RequestContext } from "./kubernetes.ts";
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
  /** Which form of the answer; JSON unless given. */
  readonly accept?: string;
  /** Ends the wait for an answer before the 30 s are over. */
  readonly signal?: AbortSignal;
}

/**
 * A conversation with the API server: credentials are asked for once, and connections are used again.
 *
 * The client's typed calls are of no use here: they drop every field that their own release does not know.
 */
export class Session {
  readonly #config: KubeConfig;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #dispatcher: Dispatcher;

  private constructor(config: KubeConfig, { headers, dispatcher }: Credentials) {
    this.#config = config;
    this.#headers = headers;
    this.#dispatcher = dispatcher;
  }

  /** @throws ApiError when credentials cannot be had */
  static async open(config: KubeConfig): Promise<Session> {
    const context = new RequestContext(serverOf(config), HttpMethod.GET);
    try {
      await config.applySecurityAuthentication(context);
    } catch (error) {
      throw unanswered(config, error);
    }
    return new Session(config, { headers: context.getHeaders(), dispatcher: context.getDispatcher() });
  }

  /**
   * Sends one request and reads the answer as JSON.
   *
   * @returns the answer's body
   * @throws ApiError for no answer in time, and for every status but 2xx
   */
  async request(method: HttpMethod, path: string, options: RequestOptions = {}): Promise<unknown> {
    const { query = {}, body, accept = json, signal } = options;
    const parameters = new URLSearchParams(query).toString();
    const context = new RequestContext(
      `${serverOf(this.#config)}${path}${parameters && `?${parameters}`}`,
      method,
    );
    for (const [name, value] of Object.entries(this.#headers)) {
      context.setHeaderParam(name, value);
    }
    context.setHeaderParam("Accept", accept);
    const timeout = AbortSignal.timeout(timeoutMs);
    context.setSignal(signal === undefined ? timeout : AbortSignal.any([signal, timeout]));
    if (this.#dispatcher !== undefined) {
      context.setDispatcher(this.#dispatcher);
    }
    if (body !== undefined) {
      context.setHeaderParam("Content-Type", method === HttpMethod.PATCH ? mergePatch : json);
      context.setBody(JSON.stringify(body));
    }
    const { status, text } = await this.#send(context);
    if (status < 200 || status > 299) {
      throw refused(this.#config, `${method} ${path}`, status, messageOf(text));
    }
    return JSON.parse(text) as unknown;
  }

  /** All objects of a list, in pages: the API server has others to serve meanwhile. */
  async list<T>(path: string, { query = {}, ...options }: RequestOptions = {}): Promise<T[]> {
    const items: T[] = [];
    let next: string | undefined = "";
    while (next !== undefined) {
      const page = { ...query, limit: String(pageSize), ...(next !== "" && { continue: next }) };
      const answer = (await this.request(HttpMethod.GET, path, { ...options, query: page })) as Page<T>;
      // An empty list of metadata alone is null.
      items.push(...(answer.items ?? []));
      next = answer.metadata?.continue || undefined;
    }
    return items;
  }

  /** Ends the connections: open ones would keep the process from ending. */
  async close(): Promise<void> {
    await this.#dispatcher?.close();
  }

  async #send(context: RequestContext): Promise<{ status: number; text: string }> {
    try {
      const response = await new IsomorphicFetchHttpLibrary().send(context).toPromise();
      return { status: response.httpStatusCode, text: await response.body.text() };
    } catch (error) {
      throw unanswered(this.#config, error);
    }
  }
}

/** Objects in one answer, as many as kubectl asks for. */
const pageSize = 500;

interface Page<T> {
  readonly items: readonly T[] | null;
  readonly metadata?: { readonly continue?: string };
}

type Dispatcher = ReturnType<RequestContext["getDispatcher"]>;

interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

const json = "application/json";
const mergePatch = "application/merge-patch+json";

/** One request, see {@link Session.request}. */
export async function request(
  config: KubeConfig,
  method: HttpMethod,
  path: string,
  options: RequestOptions = {},
): Promise<unknown> {
  const session = await Session.open(config);
  try {
    return await session.request(method, path, options);
  } finally {
    await session.close();
  }
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

function serverOf(config: KubeConfig): string {
  return config.getCurrentCluster()?.server.replace(/\/$/, "") ?? "";
}

function unanswered(config: KubeConfig, error: unknown): ApiError {
  const said = reason(error);
  const problem = {
    path: "context",
    value: config.getCurrentContext(),
    accepted: `a cluster that answers; ${config.getCurrentCluster()?.server ?? ""} does not: ${said}`,
  };
  return new ApiError(undefined, problem, said);
}

function refused(config: KubeConfig, call: string, status: number, said: string): ApiError {
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
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return "no answer in time";
  }
  if (error instanceof Error) {
    return error.cause instanceof Error ? reason(error.cause) : error.message || error.name;
  }
  return String(error);
}
