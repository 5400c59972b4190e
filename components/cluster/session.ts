import { HttpMethod, IsomorphicFetchHttpLibrary, type KubeConfig, RequestContext } from "./kubernetes.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { parseJson } from "../input/json.ts";
import { listFault, objectFault } from "./answers.ts";
import { ApiError, misunderstood, refused, serverOf, unanswered, unauthenticated } from "./apiError.ts";
import { readBody, readLines } from "./body.ts";
import { ending } from "./ending.ts";
import { Idle, type Patience } from "./idle.ts";
import type { ApiObject } from "./objects.ts";
import { retryDelay } from "./retry.ts";
import { type Access, accessOf, credentialHeaders, dispatcherOf } from "./transport.ts";

/** Longest wait for one answer of the API server, with all that it has asked to wait. */
const timeoutMs = 30_000;

/** Largest answer in bytes. A page of 500 nodes with long lists of images has about 20 MiB. */
const largestAnswer = 256 * 1024 * 1024;

/** Objects in one answer unless said otherwise, as many as kubectl asks for. */
const defaultPageSize = 500;

/** More than any list has: an API server that never ends one would be read for ever. */
const mostPages = 200;

/** Form of a list that has the objects' metadata and nothing else. */
export const metadataOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

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
  /** Takes each line of a good answer as it comes, of which nothing is kept then. */
  readonly onLine?: (line: string) => void;
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

  /**
   * Reads an answer line by line until the API server ends it, as it does with a watch.
   *
   * @throws ApiError as {@link request}, also when the answer breaks off
   */
  async follow(
    path: string,
    options: RequestOptions & Pick<Required<RequestOptions>, "onLine">,
  ): Promise<void> {
    const { status, text } = await this.#sendPatiently(HttpMethod.GET, path, options);
    if (status < 200 || status > 299) {
      throw refused(this.#config, `GET ${path}`, status, text);
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
      const largest = options.largest ?? largestAnswer;
      const isGood = status >= 200 && status <= 299;
      const text =
        options.onLine === undefined || !isGood
          ? await readBody(body.stream(), largest, onPart)
          : await readLines(body.stream(), largest, options.onLine, onPart);
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
