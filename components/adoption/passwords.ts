import { isRecord } from "../input/record.ts";

const password = /(:\/\/[^/:@\s]*):[^/@\s]+@/g;

/** A value without the passwords of the addresses in it: a proxy's may have one, and what is printed ends in a log. */
export function withoutPasswords(value: unknown): unknown {
  if (typeof value === "string") {
    return value.replaceAll(password, "$1:PASSWORD@");
  }
  if (Array.isArray(value)) {
    return value.map(withoutPasswords);
  }
  return isRecord(value)
    ? Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withoutPasswords(entry)]))
    : value;
}
