/**
 * IP addresses, CIDRs and host:port pairs as Kubernetes reads them: with leading zeros, host bits and signed ports.
 * Source: k8s.io/utils/net `ParseIPSloppy` and `ParseCIDRSloppy`, Go's `net.SplitHostPort` and `strconv.Atoi`.
 */

/** The family that Go tells of an address: IPv6-mapped IPv4 counts as IPv4. */
export type Family = 4 | 6;

interface Address {
  readonly family: Family;
  /** How it was written, which decides how long a prefix may be. */
  readonly written: Family;
}

/** The family of an IP address, or undefined when Kubernetes would refuse the text. */
export function ipFamily(text: string): Family | undefined {
  return parseAddress(text)?.family;
}

/** The family of a CIDR such as `10.244.0.0/16`, or undefined when Kubernetes would refuse the text. */
export function cidrFamily(text: string): Family | undefined {
  const [, host = "", digits = ""] = /^([^/]*)\/(\d+)$/.exec(text) ?? [];
  const address = parseAddress(host);
  const length = Number(digits);
  if (address === undefined || length > (address.written === 4 ? 32 : 128)) {
    return undefined;
  }
  // A mask that cuts into ::ffff:0:0/96 leaves an IPv6 network.
  return address.written === 6 && address.family === 4 && length < 96 ? 6 : address.family;
}

/** Host and port of an address, both unchecked; undefined when Go's `net.SplitHostPort` would refuse the text. */
export function splitHostPort(text: string): { readonly host: string; readonly port: string } | undefined {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(text);
  return match === null ? undefined : { host: match[1] ?? match[2] ?? "", port: match[3] ?? "" };
}

/** A decimal number with or without a sign, or undefined; Go's `strconv.Atoi`. */
export function parseDecimal(text: string): number | undefined {
  const value = /^[-+]?\d+$/.test(text) ? Number(text) : undefined;
  return value !== undefined && Math.abs(value) < 2 ** 63 ? value : undefined;
}

function parseAddress(text: string): Address | undefined {
  if (!text.includes(":")) {
    return isIPv4(text) ? { family: 4, written: 4 } : undefined;
  }
  const groups = ipv6Groups(text);
  if (groups === undefined) {
    return undefined;
  }
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return { family: mapped ? 4 : 6, written: 6 };
}

function isIPv4(text: string): boolean {
  return /^\d+(?:\.\d+){3}$/.test(text) && text.split(".").every((part) => Number(part) <= 255);
}

/** The eight groups of an IPv6 address. */
function ipv6Groups(text: string): number[] | undefined {
  const halves = text.split("::");
  const [head, tail] = halves.map((half, index) => readGroups(half, index === halves.length - 1));
  if (halves.length > 2 || head === undefined || (halves.length === 2 && tail === undefined)) {
    return undefined;
  }
  const missing = 8 - head.length - (tail?.length ?? 0);
  return (tail === undefined ? missing === 0 : missing > 0)
    ? [...head, ...Array<number>(missing).fill(0), ...(tail ?? [])]
    : undefined;
}

function readGroups(text: string, isLast: boolean): number[] | undefined {
  if (text === "") {
    return [];
  }
  const parts = text.split(":");
  const last = parts.at(-1) ?? "";
  const embedded = isLast && isIPv4(last) ? last.split(".").map(Number) : [];
  const groups = (embedded.length > 0 ? parts.slice(0, -1) : parts).map((part) =>
    /^[0-9a-fA-F]+$/.test(part) ? parseInt(part, 16) : NaN,
  );
  const [a = 0, b = 0, c = 0, d = 0] = embedded;
  const all = embedded.length > 0 ? [...groups, a * 256 + b, c * 256 + d] : groups;
  return all.every((group) => group <= 0xffff) ? all : undefined;
}
