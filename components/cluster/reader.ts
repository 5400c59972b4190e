import { HttpMethod } from "./kubernetes.ts";
import { ProblemsError } from "../input/problems.ts";
import { Interrupted } from "./ending.ts";
import { ApiError } from "./apiError.ts";
import type { RequestOptions, Session } from "./session.ts";
import type { Patience } from "./idle.ts";

/** Reads facts side by side; one that cannot be read is noted down with its reason, and keeps no other one. */
export class Reader {
  readonly #session: Session;
  readonly #patience: Patience;
  readonly #signal: AbortSignal | undefined;
  readonly #failures = new Map<string, ProblemsError>();
  #answers = 0;

  /**
   * @param patience - with each answer, and so with each page of a list
   * @param signal - from when it aborts nothing more is read
   */
  constructor(session: Session, patience: Patience, signal?: AbortSignal) {
    this.#session = session;
    this.#patience = patience;
    this.#signal = signal;
  }

  /** A fact by its name; undefined when it cannot be read. */
  async fact<T>(name: string, work: Promise<T>): Promise<T | undefined> {
    try {
      const value = await work;
      this.#answers += 1;
      return value;
    } catch (error) {
      if (error instanceof Interrupted) throw error;
      this.#failures.set(name, error instanceof ProblemsError ? error : this.#session.misunderstood(name));
      return undefined;
    }
  }

  /** What could not be read, by its name, and why. */
  get unread(): Record<string, string> {
    return Object.fromEntries([...this.#failures].map(([name, error]) => [name, reasonOf(error)]));
  }

  /** @throws what the first fact failed with, when none could be read at all */
  failIfSilent(): void {
    const [first] = this.#failures.values();
    if (this.#answers === 0 && first !== undefined) {
      throw first;
    }
  }

  /** One object; undefined where there is none. */
  async find<T>(path: string): Promise<T | undefined> {
    return await this.#unlessMissing(this.#session.get(path, this.#options({})) as Promise<T>);
  }

  /** An answer that is no object of the API; undefined where there is none. */
  async read(path: string): Promise<unknown> {
    return await this.#unlessMissing(this.#session.request(HttpMethod.GET, path, this.#options({})));
  }

  /** All objects of a list, or what is kept of them. */
  async list<T, P = T>(
    path: string,
    options: RequestOptions = {},
    keep?: (item: T) => P | undefined,
  ): Promise<P[]> {
    return await this.#session.list<T, P>(path, this.#options(options), keep);
  }

  /** All objects of a list; undefined where this API server has no such kind. */
  async listIfServed<T>(path: string, options: RequestOptions = {}): Promise<T[] | undefined> {
    return await this.#unlessMissing(this.list<T>(path, options));
  }

  /** Asks with a body. */
  async ask<T>(path: string, body: object): Promise<T> {
    return (await this.#session.request(HttpMethod.POST, path, this.#options({ body }))) as T;
  }

  /** See {@link Session.misunderstood}. */
  misunderstood(what: string): ApiError {
    return this.#session.misunderstood(what);
  }

  #options(options: RequestOptions): RequestOptions {
    return { ...options, patience: this.#patience, signal: this.#signal };
  }

  async #unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        return undefined;
      }
      throw error;
    }
  }
}

function reasonOf(error: ProblemsError): string {
  return error instanceof ApiError ? saidBy(error) : error.message;
}

function saidBy({ status, said, isMisunderstood }: ApiError): string {
  return status === undefined || isMisunderstood ? said : `${status} ${said}`;
}
