/**
 * Kubernetes' quantities, such as `64Ki`, as `resource.Quantity` reads and writes them.
 * Source: k8s.io/apimachinery/pkg/api/resource `quantity.go`.
 */

/** A quantity that Go accepts. */
export interface Quantity {
  /** Its amount in whole units, rounded away from zero. */
  readonly value: bigint;
  /** As Go writes it. */
  readonly text: string;
}

const shape = /^([-+]?)(\d*)(?:\.(\d*))?([KMGTPE]i|[eE][-+]?\d+|[numkMGTPE]?)$/;
const decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const nano = 10n ** 9n;
const largest = (2n ** 63n - 1n) * nano;

/** Go reads more digits still, of an amount that nobody has: to count with them would take seconds. */
const longest = 10_000;

/** Reads a quantity; undefined when Go would refuse the text. */
export function parseQuantity(given: string): Quantity | undefined {
  const text = given.trim();
  const match = shape.exec(text);
  const [, sign = "", whole = "", fraction = "", suffix = ""] = match ?? [];
  if (match === null || text === "" || text.length > longest) {
    return undefined;
  }
  const binary = binarySuffixes.indexOf(suffix);
  const isBinary = binary > 0;
  const exponent = /^[eE]./.test(suffix)
    ? Number(suffix.slice(1))
    : 3 * (decimalSuffixes.indexOf(suffix) - 3);
  if (!isBinary && Math.abs(exponent) > 1000) {
    return undefined;
  }
  const digits = BigInt(whole + fraction || "0");
  const scaled = isBinary
    ? ratio(digits * nano * 1024n ** BigInt(binary), 10n ** BigInt(fraction.length))
    : shift(digits, exponent + 9 - fraction.length);
  const size = isBinary && scaled > largest ? largest : scaled;
  const amount = sign === "-" ? -size : size;
  const num = whole.replace(/^0+/, "") || "0";
  const isKept = isBinary ? isKeptBinary(num, fraction, binary) : isKeptDecimal(num, fraction, exponent);
  const written = isKept ? text : canonical(amount, isBinary, /^[eE]./.test(suffix));
  return { value: roundUp(amount, nano), text: written };
}

/** Whether Go takes a text for canonical already and keeps it, with sign and zeros as they are. */
function isKeptDecimal(num: string, fraction: string, exponent: number): boolean {
  const [digits, scale] = [num + fraction, exponent - fraction.length];
  const isExact = digits.length <= 18 && scale >= -9;
  return isExact && scale % 3 === 0 && !digits.endsWith("000") && !digits.startsWith("0");
}

function isKeptBinary(num: string, fraction: string, power: number): boolean {
  const isExact = fraction === "" && num.length + 3 * power <= 14;
  return isExact && BigInt(num) % 8n !== 0n;
}

function canonical(amount: bigint, isBinary: boolean, isExponent: boolean): string {
  if (amount === 0n) {
    return "0";
  }
  const isWhole = amount % nano === 0n;
  const size = amount < 0n ? -amount : amount;
  if (isBinary && isWhole && size >= 1024n * nano) {
    return reduce(amount / nano, 1024n, binarySuffixes);
  }
  return isExponent ? withExponent(amount) : reduce(amount, 1000n, decimalSuffixes);
}

function reduce(amount: bigint, base: bigint, suffixes: readonly string[]): string {
  let [rest, step] = [amount, 0];
  while (rest % base === 0n && step < suffixes.length - 1) {
    [rest, step] = [rest / base, step + 1];
  }
  return `${rest}${suffixes[step] ?? ""}`;
}

function withExponent(amount: bigint): string {
  let [rest, exponent] = [amount, -9];
  while (rest % 1000n === 0n) {
    [rest, exponent] = [rest / 1000n, exponent + 3];
  }
  return exponent === 0 ? `${rest}` : `${rest}e${exponent}`;
}

function shift(digits: bigint, places: number): bigint {
  return places >= 0 ? digits * 10n ** BigInt(places) : ratio(digits, 10n ** BigInt(-places));
}

/** Rounded away from zero, as Go does below a billionth. */
function ratio(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

function roundUp(amount: bigint, unit: bigint): bigint {
  return amount < 0n ? -ratio(-amount, unit) : ratio(amount, unit);
}
