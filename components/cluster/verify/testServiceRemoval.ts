import { setTimeout as sleep } from "node:timers/promises";
import { testNamespace } from "../../plan/testNamespace.ts";
import type { KubeConfig } from "../kubernetes.ts";
import { ApiError } from "../api.ts";
import type { RequestOptions } from "../session.ts";
import { Interrupted } from "../ending.ts";
import { expiry, listTestServices, removeService } from "./testServiceObjects.ts";

/**
 * Longest time for putting away, in milliseconds; in haste less than the two seconds in which a command has to end, also
 * together with the wait for what was not answered.
 */
const cleanUpMs = { inHaste: 1000, atLeisure: 10_000, unanswered: 500 };

/** Pause between two looks for a Service whose creation was not answered, in milliseconds. */
const pauseMs = 100;

/** For requests that are sent although the process is about to end. */
export function cleanUp(how: keyof typeof cleanUpMs): RequestOptions {
  return { isCleanUp: true, signal: AbortSignal.timeout(cleanUpMs[how]) };
}

/**
 * Removes the test Services of somebody, also when the process is about to end. What the API server keeps,
 * {@link removeExpired} removes another time.
 *
 * @param inHaste - whether somebody waits for the end of the process: then it may take a second, else ten
 * @returns whether none is left; false where the API server did not say so in time
 */
export async function removeTestServices(config: KubeConfig, id: string, inHaste = false): Promise<boolean> {
  const options = cleanUp(inHaste ? "inHaste" : "atLeisure");
  try {
    const found = await listTestServices(config, id, options);
    await Promise.all(found.map(({ metadata }) => removeService(config, metadata, options)));
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return false;
  }
}

/**
 * Removes a test Service of which it is not known whether the API server has made it, since the answer was not waited
 * for: it may appear a little later.
 *
 * @param id - whose it is
 */
export async function removeUnanswered(config: KubeConfig, id: string, name: string): Promise<void> {
  const options = cleanUp("unanswered");
  try {
    for (;;) {
      const found = await listTestServices(config, id, options);
      const mine = found.find(({ metadata }) => metadata.name === name);
      if (mine !== undefined) {
        await removeService(config, mine.metadata, options);
        return;
      }
      await sleep(pauseMs, undefined, { signal: options.signal });
    }
  } catch (error) {
    if (!(error instanceof ApiError || options.signal?.aborted)) throw error;
  }
}

/** What {@link withTestServices} has to know of the work. */
export interface Use {
  /** See `TestServiceOptions.id`. */
  readonly id: string;
  /** Whether there can be any to remove. */
  readonly mayHaveSome: () => boolean;
  /** Whether somebody waits for the end. */
  readonly isInHaste: () => boolean;
}

/**
 * Does work that makes test Services, and removes them afterwards, whatever came of it.
 *
 * @throws what the work throws; an interruption says what has become of the Services
 */
export async function withTestServices<T>(
  config: KubeConfig,
  { id, mayHaveSome, isInHaste }: Use,
  work: () => Promise<T>,
): Promise<T> {
  const [result] = await Promise.allSettled([work()]);
  const isInterrupted = result.status === "rejected" && result.reason instanceof Interrupted;
  const isClean = !mayHaveSome() || (await removeTestServices(config, id, isInterrupted || isInHaste()));
  if (result.status === "fulfilled") return result.value;
  if (!(result.reason instanceof Interrupted)) throw result.reason;
  const left = isClean
    ? "no test Service is left"
    : `a test Service may be left in ${testNamespace}, which the next run removes after its time`;
  throw new Interrupted(`${result.reason.message}; ${left}`);
}

/** Removes the test Services of whoever was killed before they could. */
export async function removeExpired(config: KubeConfig, options: RequestOptions = {}): Promise<void> {
  const expired = (await listTestServices(config, undefined, options)).filter(
    ({ metadata }) => Date.parse(metadata.annotations?.[expiry] ?? "") < Date.now(),
  );
  await Promise.all(expired.map(({ metadata }) => removeService(config, metadata, options)));
}
