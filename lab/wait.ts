import { setTimeout as sleep } from "node:timers/promises";

/** Bounds of a {@link waitFor}. */
export interface WaitOptions {
  /** Longest wait in milliseconds. */
  timeoutMs: number;
  /** Ends the wait early, with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Pause between two checks in milliseconds, 50 unless given. */
  intervalMs?: number;
}

/**
 * Asks `check` again and again until it answers true.
 *
 * @param what - Names what is waited for, in the error.
 * @throws Error after `timeoutMs`; whatever `check` throws; the signal's reason.
 */
export async function waitFor(
  what: string,
  options: WaitOptions,
  check: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    if (await check()) return;
    if (Date.now() > deadline) {
      throw new Error(`waited ${options.timeoutMs / 1000} s in vain for ${what}`);
    }
    await sleep(options.intervalMs ?? 50);
  }
}

/** Runs `work` on every item, at most `limit` at a time; rejects with the first failure. */
export async function forEachConcurrently<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}
