/** Pure: how a node is rid of kube-proxy's virtual servers beside those of others. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ipFamily } from "../../configuration/goAddress.ts";

/** The script, which wants {@link addressPattern} in `OTHERS`. */
export const clearServersScript = readFileSync(join(import.meta.dirname, "clearServers.sh"), "utf8");

/**
 * An extended regular expression for the addresses in some ranges, as the script writes addresses: `4 C0000201`, or
 * `6 fd00:0000:0000:0000:0000:0000:0000:0001`.
 *
 * @param cidrs - what is none matches nothing
 */
export function addressPattern(cidrs: readonly string[]): string {
  const patterns = cidrs.flatMap((cidr) => {
    const [address = "", length = ""] = cidr.split("/");
    const family = ipFamily(address);
    if (family === undefined || !/^\d{1,3}$/.test(length)) return [];
    const digits = family === 4 ? digitsOf4(address) : digitsOf6(address);
    return [`${family} ${prefixOf(digits, Number(length), family)}`];
  });
  // Without any, nothing matches.
  return patterns.length === 0 ? "^$" : `^(${patterns.join("|")})`;
}

/** The hexadecimal digits that a prefix fixes; a class for the one of which it fixes a part. */
function prefixOf(digits: string, length: number, family: 4 | 6): string {
  const format = (digit: number): string => {
    const text = digit.toString(16);
    return family === 4 ? text.toUpperCase() : text;
  };
  const fixed = digits.slice(0, Math.ceil(length / 4)).match(/./g) ?? [];
  const parts = fixed.map((digit, i) => {
    const free = Math.max(0, 4 * (i + 1) - length);
    const first = (parseInt(digit, 16) >> free) << free;
    const all = Array.from({ length: 1 << free }, (_, more) => format(first + more));
    const colon = family === 6 && i > 0 && i % 4 === 0 ? ":" : "";
    return `${colon}${all.length === 1 ? (all[0] ?? "") : `[${all.join("")}]`}`;
  });
  return parts.join("");
}

function digitsOf4(address: string): string {
  return address
    .split(".")
    .map((byte) => Number(byte).toString(16).padStart(2, "0"))
    .join("");
}

function digitsOf6(address: string): string {
  const { hostname } = new URL(`http://[${address}]`);
  const [head = "", tail = ""] = hostname.slice(1, -1).split("::");
  const [first, last] = [head, tail].map((part) => (part === "" ? [] : part.split(":")));
  const zeros = Array<string>(8 - (first?.length ?? 0) - (last?.length ?? 0)).fill("0");
  return [...(first ?? []), ...zeros, ...(last ?? [])].map((group) => group.padStart(4, "0")).join("");
}
