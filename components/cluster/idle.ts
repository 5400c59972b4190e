/** Waiting for an answer as long as it comes. */

/** How long an answer is waited for that makes no progress, and who is told of progress. */
export interface Patience {
  /** In milliseconds. */
  readonly idleMs: number;
  readonly onProgress?: (() => void) | undefined;
}

/** Bytes that count as progress; who sends single ones could do so for ever. */
const leastBytes = 16 * 1024;

/**
 * So many times within the limit is looked whether there was progress. Ticks are counted, not time: on a busy machine, or
 * one that was asleep, the answer may be there that this process had no time to read.
 */
const ticks = 10;

/** Watches one answer: {@link Idle.signal} aborts when it makes no progress for too long. */
export class Idle {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #onProgress: (() => void) | undefined;
  #silent = 0;
  #bytes = 0;

  /** @param patience - undefined where time is limited otherwise */
  constructor(patience: Patience | undefined) {
    this.#onProgress = patience?.onProgress;
    this.#timer =
      patience &&
      setInterval(() => {
        this.#silent += 1;
        if (this.#silent > ticks) this.#controller.abort(new DOMException("no answer", "TimeoutError"));
      }, patience.idleMs / ticks);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The answer has begun or ended, or some of it has come. */
  progress(bytes = leastBytes): void {
    this.#bytes += bytes;
    if (this.#bytes < leastBytes) return;
    this.#bytes = 0;
    this.#silent = 0;
    this.#onProgress?.();
  }

  /** The answer is there, or given up. */
  end(): void {
    clearInterval(this.#timer);
  }
}
