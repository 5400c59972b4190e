/** The end of this process, when somebody asks for it. */

/** Somebody has ended the command. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

let end: AbortSignal | undefined;

/**
 * From when `signal` aborts, every request to an API server is given up, and none is begun but those that put away what
 * was made. There is one end of a process, so that it need not be handed through all that is done.
 *
 * @param signal - its reason has to be {@link Interrupted}
 */
export function endRequestsWith(signal: AbortSignal): void {
  end = signal;
}

/** The signal of {@link endRequestsWith}, for whoever waits; none where nobody can end this process in that way. */
export function ending(): AbortSignal[] {
  return end === undefined ? [] : [end];
}

/** Whether the process is to end. */
export function isEnding(): boolean {
  return end?.aborted ?? false;
}

/** @throws Interrupted once the process is to end */
export function throwIfEnding(): void {
  end?.throwIfAborted();
}
