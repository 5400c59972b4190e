/** Users in whose name somebody asks who is allowed to. */
import type { Problem } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";

/** What a kubeconfig's user says of it, as it stands there. */
export interface Impersonation {
  readonly as?: unknown;
  readonly "as-uid"?: unknown;
  readonly "as-groups"?: unknown;
  readonly "as-user-extra"?: unknown;
}

/** Headers of a request; one that has several values is sent so often. */
export type Headers = Readonly<Record<string, readonly string[]>>;

/**
 * What would keep the API server from taking a request for that of another user than kubectl does: parts that are left out
 * could be the ones that take rights away.
 *
 * @param user - name of the kubeconfig's user
 *
 * Source: client-go's `tools/clientcmd/validation.go` and `tools/clientcmd/api/v1/types.go`.
 */
export function impersonationProblems(user: string, impersonation: Impersonation): Problem[] {
  const problem = (key: keyof Impersonation, accepted: string): Problem => {
    return { path: `${key} of the kubeconfig's user ${user}`, value: impersonation[key], accepted };
  };
  const wrong = (["as", "as-uid"] as const)
    .filter((key) => !isText(impersonation[key] ?? ""))
    .map((key) => problem(key, "a text of one line"));
  const groups = impersonation["as-groups"] ?? [];
  const extra = impersonation["as-user-extra"] ?? {};
  const others = (["as-uid", "as-groups", "as-user-extra"] as const).filter((key) =>
    isSet(impersonation[key]),
  );
  return [
    ...wrong,
    ...(isTexts(groups) ? [] : [problem("as-groups", "a list of texts of one line")]),
    ...(isRecord(extra) && Object.values(extra).every((values) => isTexts(values ?? []))
      ? []
      : [problem("as-user-extra", "lists of texts of one line, by their keys")]),
    ...(isSet(impersonation.as)
      ? []
      : others.map((key) => problem(key, "nothing unless `as` beside it names a user"))),
  ];
}

/**
 * The headers by which a user is impersonated. Nobody may have found a problem in it.
 *
 * Source: client-go's `transport/round_trippers.go`.
 */
export function impersonationHeaders(impersonation: Impersonation): Headers {
  if (!isSet(impersonation.as)) return {};
  const { as: user, "as-uid": uid, "as-groups": groups, "as-user-extra": extra } = impersonation;
  const headers = new Map<string, string[]>();
  const add = (name: string, values: readonly string[]): void => {
    // Two keys may be one to the API server.
    if (values.length > 0) headers.set(name, [...(headers.get(name) ?? []), ...values.map(inBytes)]);
  };
  add("impersonate-user", [user as string]);
  add("impersonate-uid", isSet(uid) ? [uid as string] : []);
  add("impersonate-group", (groups ?? []) as string[]);
  for (const [key, values] of Object.entries((extra ?? {}) as Record<string, string[] | null>)) {
    add(`impersonate-extra-${escapeKey(key)}`, values ?? []);
  }
  return Object.fromEntries(headers);
}

function isSet(value: unknown): boolean {
  return value != null && value !== "" && (typeof value !== "object" || Object.keys(value).length > 0);
}

function isText(value: unknown): boolean {
  // What no header can have, but for a tab.
  return typeof value === "string" && !/[\0-\x08\x0a-\x1f\x7f]/.test(value);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

/** A header's text as Go sends it: its UTF-8, of which Node.js takes a byte for a letter. */
function inBytes(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** A key as a part of a header's name, which the API server reads in lower case; what no name can have stands by its bytes. */
function escapeKey(key: string): string {
  return [...Buffer.from(key.toLowerCase())]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return /[-!#$&'*+.^_`|~a-z0-9]/.test(letter)
        ? letter
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}
