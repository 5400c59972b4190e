/** What others must not read, and so is not printed: what is printed ends in a log. */
import { isRecord } from "./record.ts";

/**
 * A text without the passwords of the addresses in it, such as a proxy's. A password may have a slash in it; an image may
 * have an `@` before its digest.
 */
export function withoutPasswords(text: string): string {
  return text.replaceAll(/\S+/g, (word) => {
    const start = word.indexOf("://") + "://".length;
    const query = word.slice(start).search(word.includes("@sha256:") ? /[/?#]/ : /[?#]/);
    const place = query < 0 ? word : word.slice(0, start + query);
    const end = place.lastIndexOf("@");
    if (start < "://".length || end < start) return word;
    const colon = place.indexOf(":", start);
    const user = colon < 0 || colon > end ? "" : place.slice(start, colon + 1);
    return `${word.slice(0, start)}${user}PASSWORD${word.slice(end)}`;
  });
}

/**
 * What to say of passwords that an environment has as plain values; undefined where it has none.
 *
 * @param env - variables as `{name, value}`
 */
export function plainPasswords(
  env: readonly { readonly name: string; readonly value: string }[],
): string | undefined {
  const found = env.flatMap(({ name, value }, index) =>
    withoutPasswords(value) === value ? [] : [{ name, command: secretCommand(index) }],
  );
  const [first] = found;
  return first === undefined
    ? undefined
    : `env: ${found.map(({ name }) => name).join(", ")}: a password that is no secret: previews with --diff and the state show it; set it by ${first.command}`;
}

/** The command that sets the value of a variable as a secret. */
export function secretCommand(index: number): string {
  return `pulumi config set --secret --path 'env[${index}].value'`;
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

/** Variables of a container whose values are nobody's secret, but for who is named in an address, or a token there. */
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
  const { name, value: text } = value;
  const isKnown = (of: string) => typeof name === "string" && known.test(name) && !of.includes("@");
  const hidden = key === "env" && typeof text === "string" && !isKnown(text);
  const entries = Object.entries(value).map(([field, entry]) => [field, withoutSecrets(entry, field)]);
  return { ...Object.fromEntries(entries), ...(hidden && { value: "VALUE" }) };
}
