import { HttpMethod, IsomorphicFetchHttpLibrary, type KubeConfig, RequestContext } from "./kubernetes.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { parseJson } from "../input/json.ts";
import { listFault, objectFault } from "./answers.ts";
import { ApiError, misunderstood, refused, serverOf, unanswered, unauthenticated } from "./apiError.ts";
import { readBody } from "./body.ts";
import { aborted } from "./concurrency.ts";
import { ending } from "./ending.ts";
import { forgetCredentials } from "./execPlugin.ts";
import { Idle, type Patience } from "./idle.ts";
import { type ApiObject, type Collection, collectionPathOf } from "./objects.ts";
import { retryDelay } from "./retry.ts";
import { type Access, accessOf, credentialHeaders, dispatcherOf } from "./transport.ts";

export { ApiError } from "./apiError.ts";

/** Longest wait for one answer of the API server, with all that it has asked to wait. */
const timeoutMs = 30_000;

/** Largest answer in bytes. A page of 500 nodes with long lists of images has about 20 MiB. */
const largestAnswer = 256 * 1024 * 1024;

/** Objects in one answer unless said otherwise, as many as kubectl asks for. */
const defaultPageSize = 500;

/** More than any list has: an API server that never ends one would be read for ever. */
const mostPages = 200;

/** What is sent beside method and path. */
export interface RequestOptions {
  readonly query?: Readonly<Record<string, string>>;
  /** JSON; with PATCH a merge patch. */
  readonly body?: unknown;
  /** Which form of the answer; JSON unless given. */
  readonly accept?: string;
  /** Ends the wait for an answer before the 30 s are over. */
  readonly signal?: AbortSignal | undefined;
  /** Objects in one answer of a list. */
  readonly pageSize?: number;
  /** How long to wait without progress, in the place of the 30 s for the whole answer. */
  readonly patience?: Patience;
  /** Largest answer that is read, in bytes; 256 MiB unless given. */
  readonly largest?: number;
  /** Whether it puts away what was made, and so is sent although the process is about to end. */
  readonly isCleanUp?: boolean;
}

/**
 * A conversation with the API server: credentials are asked for once, and connections are used again.
 *
 * Answers are read here and nowhere else: bounded in size, depth and time, and of the shape that was asked for.
 *
 * The client's typed calls are of no use here: they drop every field that their own release does not know.
 */
export class Session {
  readonly #config: KubeConfig;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #dispatcher: ReturnType<typeof dispatcherOf>;

  private constructor(config: KubeConfig, access: Access) {
    this.#config = config;
    this.#headers = credentialHeaders(access.options);
    this.#dispatcher = dispatcherOf(access);
  }

  /** @throws ApiError when credentials cannot be had */
  static async open(config: KubeConfig): Promise<Session> {
    try {
      new RequestContext(serverOf(config), HttpMethod.GET);
    } catch (error) {
      throw unanswered(config, error);
    }
    try {
      const access = await accessOf(config);
      return new Session(config, access);
    } catch (error) {
      throw unauthenticated(config, error);
    }
  }

  /**
   * Sends one request and reads the answer as JSON. A server that is busy is asked again when it says so.
   *
   * @returns the answer's body
   * @throws ApiError for no answer in time, for every status but 2xx, and for what is no JSON; Interrupted when the
   *   process is to end
   */
  async request(method: HttpMethod, path: string, options: RequestOptions = {}): Promise<unknown> {
    const call = `${method} ${path}`;
    const { status, text } = await this.#sendPatiently(method, path, options);
    if (status < 200 || status > 299) {
      throw refused(this.#config, call, status, text);
    }
    try {
      return parseJson(text);
    } catch {
      const why = text.trim() === "" ? "it is empty" : `it is not JSON: ${text.slice(0, 60).trim()}`;
      throw misunderstood(this.#config, call, why);
    }
  }

  /** One object by its path, as {@link request} with GET. */
  async get(path: string, options: RequestOptions = {}): Promise<ApiObject> {
    const answer = await this.request(HttpMethod.GET, path, options);
    const fault = objectFault(path.split("/").at(-2) ?? "", answer);
    if (fault !== undefined) {
      throw misunderstood(this.#config, `GET ${path}`, fault);
    }
    return answer as ApiObject;
  }

  /**
   * All objects of a list, in pages: the API server has others to serve meanwhile.
   *
   * @param keep - what is kept of each object, undefined for nothing; all of it unless given. Of a page no more is there
   *   when the next one is asked for: 15,000 nodes with their images have several hundred MB
   */
  async list<T, P = T>(
    path: string,
    { query = {}, ...options }: RequestOptions = {},
    keep: (item: T) => P | undefined = (item) => item as unknown as P,
  ): Promise<P[]> {
    const plural = options.accept === undefined ? path.split("/").at(-1) : undefined;
    // Pages after the first one are of its version.
    const { resourceVersion: _, ...later } = query;
    const kept: P[] = [];
    const seen = new Set<string>();
    for (let next = ""; ;) {
      const asked = next === "" ? query : { ...later, continue: next };
      const page = { ...asked, limit: String(options.pageSize ?? defaultPageSize) };
      const answer = await this.request(HttpMethod.GET, path, { ...options, query: page });
      const endless = seen.has(next) || seen.size >= mostPages ? "its pages never end" : undefined;
      const fault = endless ?? listFault(plural, answer);
      if (fault !== undefined) {
        throw misunderstood(this.#config, `GET ${path}`, fault);
      }
      const { items: found, metadata } = answer as Page<T>;
      for (const item of found ?? []) {
        const part = keep(item);
        if (part !== undefined) kept.push(part);
      }
      seen.add(next);
      next = metadata?.continue ?? "";
      if (next === "") return kept;
    }
  }

  /** What to say of an answer that has not the fields that it should have. */
  misunderstood(what: string): ApiError {
    return misunderstood(this.#config, what, "a field is not there, or is of another type");
  }

  /** Ends the connections: open ones would keep the process from ending. */
  async close(): Promise<void> {
    await this.#dispatcher.close();
  }

  async #sendPatiently(method: HttpMethod, path: string, options: RequestOptions): Promise<Answer> {
    const longestMs = options.patience === undefined ? timeoutMs : undefined;
    const until = Date.now() + (longestMs ?? Infinity);
    const stop = AbortSignal.any([
      ...(longestMs === undefined ? [] : [AbortSignal.timeout(longestMs)]),
      ...(options.signal === undefined ? [] : [options.signal]),
      ...(options.isCleanUp === true ? [] : ending()),
    ]);
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#send(method, path, options, stop);
      const delay = retryDelay(attempt, answer.status, answer.retryAfter);
      if (delay === undefined || Date.now() + delay > until) return answer;
      await sleep(delay, undefined, { signal: stop }).catch((error: unknown) => this.#fail(error, options));
    }
  }

  #contextOf(
    method: HttpMethod,
    path: string,
    { query = {}, body, accept = json }: RequestOptions,
    signal: AbortSignal,
  ): RequestContext {
    const parameters = new URLSearchParams(query).toString();
    const context = new RequestContext(
      `${serverOf(this.#config)}${path}${parameters && `?${parameters}`}`,
      method,
    );
    for (const [name, value] of Object.entries(this.#headers)) {
      context.setHeaderParam(name, value);
    }
    context.setHeaderParam("Accept", accept);
    context.setSignal(signal);
    context.setDispatcher(this.#dispatcher);
    if (body !== undefined) {
      context.setHeaderParam("Content-Type", method === HttpMethod.PATCH ? mergePatch : json);
      context.setBody(JSON.stringify(body));
    }
    return context;
  }

  async #send(method: HttpMethod, path: string, options: RequestOptions, stop: AbortSignal): Promise<Answer> {
    const idle = new Idle(options.patience);
    try {
      stop.throwIfAborted();
      const context = this.#contextOf(method, path, options, AbortSignal.any([stop, idle.signal]));
      const response = await new IsomorphicFetchHttpLibrary().send(context).toPromise();
      const { httpStatusCode: status, headers, body } = response;
      idle.progress();
      const onPart = (bytes: number): void => {
        idle.progress(bytes);
      };
      const text = await readBody(body.stream(), options.largest ?? largestAnswer, onPart);
      idle.progress();
      return { status, text, retryAfter: headers["retry-after"] };
    } catch (error) {
      return this.#fail(error, options);
    } finally {
      idle.end();
    }
  }

  #fail(error: unknown, { isCleanUp = false }: RequestOptions): never {
    const [end] = isCleanUp ? [] : ending();
    end?.throwIfAborted();
    throw unanswered(this.#config, error);
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
}

interface Page<T> {
  readonly items: readonly T[] | null;
  readonly metadata?: { readonly continue?: string };
}

const json = "application/json";
const mergePatch = "application/merge-patch+json";

/** How long a session is used, in milliseconds: credentials can be good for some minutes only. */
const sessionMs = 5 * 60_000;

interface Opened {
  readonly since: number;
  readonly promise: Promise<Session>;
  session?: Session;
}

const sessions = new WeakMap<KubeConfig, Opened>();

/** The session of a cluster, opened with the first request. */
async function sessionOf(config: KubeConfig, { signal, isCleanUp }: RequestOptions): Promise<Session> {
  const { session, promise } = openedFor(config);
  if (session !== undefined) return session;
  const ends = isCleanUp === true ? [] : ending();
  const stops = [...(signal === undefined ? [] : [signal]), ...ends];
  try {
    return await Promise.race([promise, ...stops.map(aborted)]);
  } catch (error) {
    for (const end of ends) end.throwIfAborted();
    throw error instanceof ApiError ? error : unanswered(config, error);
  }
}

function openedFor(config: KubeConfig): Opened {
  const found = sessions.get(config);
  if (found !== undefined && Date.now() - found.since <= sessionMs) return found;
  void closeSession(config);
  const opened: Opened = { since: Date.now(), promise: Session.open(config) };
  sessions.set(config, opened);
  opened.promise.then(
    (session) => (opened.session = session),
    // Whoever asks next tries again.
    () => sessions.delete(config),
  );
  return opened;
}

/** Ends a cluster's connections, where there are any: open ones would keep the process from ending. */
export async function closeSession(config: KubeConfig): Promise<void> {
  const found = sessions.get(config);
  sessions.delete(config);
  await found?.promise.then((session) => session.close()).catch(() => undefined);
}

/** How old a session has to be, in milliseconds, for a refusal to mean that its credentials have expired. */
const youngMs = 30_000;

/** Does something with a cluster's session; once more with a new one where the credentials have expired. */
async function within<T>(
  config: KubeConfig,
  options: RequestOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await sessionOf(config, options);
  try {
    return await work(session);
  } catch (error) {
    const isRefused = error instanceof ApiError && error.status === 401;
    if (!isRefused || !isReplaced(config, session)) throw error;
  }
  return await work(await sessionOf(config, options));
}

/** Whether there is another session in the place of a refused one: what is sent at once is refused at once. */
function isReplaced(config: KubeConfig, refused: Session): boolean {
  const found = sessions.get(config);
  if (found?.session !== refused) return true;
  if (Date.now() - found.since <= youngMs) return false;
  void closeSession(config);
  forgetCredentials(config);
  return true;
}

/** One request, see {@link Session.request}. */
export async function request(
  config: KubeConfig,
  method: HttpMethod,
  path: string,
  options: RequestOptions = {},
): Promise<unknown> {
  return await within(config, options, (session) => session.request(method, path, options));
}

/** One object, see {@link Session.get}. */
export async function get(
  config: KubeConfig,
  path: string,
  options: RequestOptions = {},
): Promise<ApiObject> {
  return await within(config, options, (session) => session.get(path, options));
}

/** All objects of a list, see {@link Session.list}. */
export async function listAll<T, P = T>(
  config: KubeConfig,
  path: string,
  options: RequestOptions = {},
  keep?: (item: T) => P | undefined,
): Promise<P[]> {
  return await within(config, options, (session) => session.list<T, P>(path, options, keep));
}

/**
 * Creates an object.
 *
 * @returns it, as the API server has it
 */
export async function create<T>(
  config: KubeConfig,
  path: string,
  body: object,
  options: RequestOptions = {},
): Promise<T> {
  const answer = await request(config, HttpMethod.POST, path, { ...options, body });
  const fault = objectFault(path.split("/").at(-1) ?? "", answer);
  if (fault !== undefined) {
    throw misunderstood(config, `POST ${path}`, fault);
  }
  return answer as T;
}

/** Like {@link get}, but undefined where there is no such object. */
export async function find(config: KubeConfig, path: string): Promise<ApiObject | undefined> {
  try {
    return await get(config, path);
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
  const found = await listAll<ApiObject>(config, collectionPathOf(collection), { query });
  const { apiVersion, kind } = collection;
  // Only the list names its kind.
  return found.map((item) => ({ ...item, apiVersion, kind }));
}
