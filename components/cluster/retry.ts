/** So often one request is sent again. */
const mostRetries = 10;

/** Longest wait in milliseconds that a server can ask for; who asks for a longer one is taken to have refused. */
const longestDelayMs = 10_000;

/**
 * When to send a request again which the API server was too busy for.
 *
 * @param attempt - how often it was sent again already
 * @param status - of the answer
 * @param retryAfter - its header of that name
 * @returns milliseconds to wait, or undefined where it is not to be sent again
 *
 * Source: client-go's `rest/with_retry.go`: 429 always, another failure of the server's where it says when.
 */
export function retryDelay(
  attempt: number,
  status: number,
  retryAfter: string | undefined,
): number | undefined {
  const seconds = retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
  const isBusy = status === 429 || (status >= 500 && seconds !== undefined);
  const delay = (seconds ?? 1) * 1000;
  return isBusy && attempt < mostRetries && delay <= longestDelayMs ? delay : undefined;
}
