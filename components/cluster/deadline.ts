/**
 * A signal that comes when some time is over, at once where it is already, or with another one.
 *
 * @param ms - milliseconds
 */
export function deadlineIn(ms: number, signal?: AbortSignal): AbortSignal {
  const over = ms > 0 ? AbortSignal.timeout(ms) : AbortSignal.abort(new Error("the time is over"));
  return signal === undefined ? over : AbortSignal.any([over, signal]);
}
