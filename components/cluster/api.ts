import { objectFault } from "./answers.ts";
import { ApiError, misunderstood, unanswered } from "./apiError.ts";
import { aborted } from "./concurrency.ts";
import { ending } from "./ending.ts";
import { forgetCredentials } from "./execPlugin.ts";
import { HttpMethod, type KubeConfig } from "./kubernetes.ts";
import { type ApiObject, type Collection, collectionPathOf } from "./objects.ts";
import { type RequestOptions, Session } from "./session.ts";

export { ApiError } from "./apiError.ts";

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

/** An answer line by line, see {@link Session.follow}. */
export async function follow(
  config: KubeConfig,
  path: string,
  options: RequestOptions & Pick<Required<RequestOptions>, "onLine">,
): Promise<void> {
  await within(config, options, (session) => session.follow(path, options));
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
