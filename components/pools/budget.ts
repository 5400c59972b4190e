/** How many nodes may fail their proof before a wave halts. */

/** What `maxFailed` may be, for an error. */
export const maxFailedAccepted =
  "a number of nodes, 0 or more, or a percentage from 0% to 99%, such as 2 or 10%";

/** Whether a value can be `maxFailed`. */
export function isMaxFailed(value: unknown): value is number | string {
  return (
    (typeof value === "number" || typeof value === "string") && /^(\d{1,5}|\d{1,2}%)$/.test(String(value))
  );
}

/**
 * How many of some nodes may fail: a percentage is rounded down, and one node always has to pass.
 *
 * @param maxFailed - a value of which {@link isMaxFailed} is true
 */
export function failuresAllowed(maxFailed: number | string | undefined, nodes: number): number {
  const text = String(maxFailed ?? 0);
  const count = text.endsWith("%") ? Math.floor((nodes * Number.parseInt(text)) / 100) : Number(text);
  return Math.max(0, Math.min(count, nodes - 1));
}

/** `maxFailed` of a pool, or of the only DaemonSet: its own, else that of all. */
export function maxFailedOf(
  pool: string | undefined,
  {
    pools = [],
    maxFailed,
  }: {
    readonly pools?: readonly { readonly name: string; readonly maxFailed?: string }[];
    readonly maxFailed?: string;
  },
): string | undefined {
  return pools.find(({ name }) => name === pool)?.maxFailed ?? maxFailed;
}
