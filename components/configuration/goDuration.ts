/**
 * Go's `time.Duration` text form, as `metav1.Duration` reads and writes it in a KubeProxyConfiguration.
 * Source: Go's `time.ParseDuration` and `Duration.String`.
 */

const nanoseconds: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** One term. It takes digits in one way only: with two, a long text of digits would be tried in all their combinations. */
const term = /(?:(\d+)(?:\.(\d*))?|\.(\d+))(ns|us|µs|μs|ms|s|m|h)/y;
const largest = 2n ** 63n;
/** Digits that int64 can hold: with more before the point Go refuses the text, and after it Go passes them over. */
const mostDigits = 19;

/**
 * Reads a Go duration such as `1h30m`, `.5s` or `0`.
 *
 * @returns nanoseconds, or undefined when Go would refuse the text (a bare number, an unknown unit, more than int64)
 */
export function parseGoDuration(text: string): bigint | undefined {
  if (/^[+-]?0$/.test(text)) {
    return 0n;
  }
  const negative = text.startsWith("-");
  term.lastIndex = negative || text.startsWith("+") ? 1 : 0;
  if (term.lastIndex === text.length) {
    return undefined;
  }
  let sum = 0n;
  while (term.lastIndex < text.length) {
    const match = term.exec(text);
    const [, whole = "0", after, alone, unit = ""] = match ?? [];
    const [digits, fraction] = [whole.replace(/^0+/, ""), (after ?? alone ?? "").slice(0, mostDigits)];
    if (match === null || digits.length > mostDigits || sum > largest) {
      term.lastIndex = 0;
      return undefined;
    }
    const scale = nanoseconds[unit] ?? 0n;
    // Go cuts a fraction of a nanosecond off, term by term.
    sum += BigInt(digits || "0") * scale + (BigInt(fraction || "0") * scale) / 10n ** BigInt(fraction.length);
  }
  const limit = negative ? largest : largest - 1n;
  return sum > limit ? undefined : negative ? -sum : sum;
}

/** Writes nanoseconds as Go does: `1h30m0s`, `250ms`, `0s`. */
export function formatGoDuration(duration: bigint): string {
  if (duration === 0n) {
    return "0s";
  }
  const sign = duration < 0n ? "-" : "";
  const size = duration < 0n ? -duration : duration;
  if (size < 1_000_000_000n) {
    const unit = size < 1_000n ? "ns" : size < 1_000_000n ? "µs" : "ms";
    return `${sign}${decimal(size, nanoseconds[unit] ?? 1n)}${unit}`;
  }
  const hours = size / 3_600_000_000_000n;
  const minutes = (size / 60_000_000_000n) % 60n;
  const seconds = `${decimal(size % 60_000_000_000n, 1_000_000_000n)}s`;
  if (hours > 0n) {
    return `${sign}${hours}h${minutes}m${seconds}`;
  }
  return minutes > 0n ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

function decimal(size: bigint, unit: bigint): string {
  const digits = unit.toString().length - 1;
  const fraction = (size % unit).toString().padStart(digits, "0").replace(/0+$/, "");
  return fraction === "" || digits === 0 ? `${size / unit}` : `${size / unit}.${fraction}`;
}
