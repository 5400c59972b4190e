/** What others must not read, and so is not printed: what is printed ends in a log. */
import { isRecord } from "./record.ts";

const password = /(:\/\/(?:[^/?#:@\s]*:)?)[^/?#\s]+@/g;

/** A text without the passwords of the addresses in it, such as a proxy's. */
export function withoutPasswords(text: string): string {
  return text.replaceAll(password, "$1PASSWORD@");
}

/** A server's URL without user and password. */
export function withoutUserinfo(url: string): string {
  if (!url.includes("@")) {
    return url;
  }
  const parsed = URL.parse(url);
  if (parsed === null || !["http:", "https:"].includes(parsed.protocol)) {
    // No request goes there; what can be told is what comes after the last user.
    return url.replace(/^(https?:\/\/)?.*@/s, "$1");
  }
  parsed.username = "";
  parsed.password = "";
  return parsed.href.replace(/\/$/, "");
}

/** Variables of a container whose values are nobody's secret, but for a password in an address. */
const known =
  /^((https?|all|no)_proxy|kubernetes_service_(host|port)|node_name|tz|go(debug|gc|maxprocs|memlimit|traceback))$/i;

/**
 * A value without passwords, and without what of a container's environment may be secret.
 *
 * @param key - where the value is found: `env` for such an environment
 */
export function withoutSecrets(value: unknown, key = ""): unknown {
  if (typeof value === "string") {
    return withoutPasswords(value);
  }
  if (Array.isArray(value)) {
    return value.map((item) => withoutSecrets(item, key));
  }
  if (!isRecord(value)) {
    return value;
  }
  const isKnown = typeof value["name"] === "string" && known.test(value["name"]);
  const hidden = key === "env" && typeof value["value"] === "string" && !isKnown;
  const entries = Object.entries(value).map(([name, entry]) => [name, withoutSecrets(entry, name)]);
  return { ...Object.fromEntries(entries), ...(hidden && { value: "VALUE" }) };
}
