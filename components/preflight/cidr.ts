import { BlockList, isIP } from "node:net";
import { cidrFamily } from "../kubeadm/address.ts";

type Family = 4 | 6;

const familyName = { 4: "ipv4", 6: "ipv6" } as const;

/** Whether an address, or all of a range of them, is in a range; texts that are neither are in none. */
export function isWithin(inner: string, outer: string): boolean {
  const [address = "", length] = inner.split("/");
  const [base = "", outerLength] = outer.split("/");
  const family = isIP(address) as Family | 0;
  if (
    family === 0 ||
    cidrFamily(outer) !== family ||
    (length !== undefined && cidrFamily(inner) !== family)
  ) {
    return false;
  }
  const prefix = Number(outerLength);
  if (length !== undefined && Number(length) < prefix) {
    return false;
  }
  const range = new BlockList();
  range.addSubnet(base, prefix, familyName[family]);
  return range.check(address, familyName[family]);
}

/** The ranges in a text that has them with commas between. */
export function cidrsOf(text: string): string[] {
  return text
    .split(",")
    .map((cidr) => cidr.trim())
    .filter((cidr) => cidr !== "");
}

/** The families of ranges: `IPv4`, `IPv6`. */
export function familiesOf(cidrs: readonly string[]): string[] {
  return [...new Set(cidrs.flatMap((cidr) => cidrFamily(cidr) ?? []))].sort().map((family) => `IPv${family}`);
}
