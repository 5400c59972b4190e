/** Property values: secrets, Pulumi's property paths, and differences. Pure. */
import { isDeepStrictEqual } from "node:util";

/** Properties of a resource: JSON, with secrets in Pulumi's envelope. */
export type Props = Record<string, unknown>;
/** `metadata.annotations["a.b"]`, taken apart; `*` stands for every key. */
export type Path = readonly (string | number)[];

/** One difference. A key that is new or gone is one change at that key, not one for each leaf. */
export interface Change {
  path: Path;
  kind: "add" | "delete" | "update";
  before?: unknown;
  after?: unknown;
}

/** What a preview sends for a value that only the update will know. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** Key and value that mark a secret's envelope. */
export const signature = "4dabf18193072939515e22adb298388d";
export const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

export function isObject(value: unknown): value is Props {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isSecret(value: unknown): value is Props {
  return isObject(value) && value[signature] === secretSignature;
}

export function secret(value: unknown): unknown {
  return isSecret(value) ? value : { [signature]: secretSignature, value };
}

/** Copies a value; `onSecret` says what stands in the place of a secret. */
export function mapSecrets(value: unknown, onSecret: (secret: Props) => unknown): unknown {
  if (isSecret(value)) return onSecret(value);
  if (Array.isArray(value)) return value.map((item) => mapSecrets(item, onSecret));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, mapSecrets(v, onSecret)]));
}

/** The value without envelopes. */
export function plain(value: Props): Props {
  return mapSecrets(value, ({ value: inner }) => mapSecrets(inner, plain)) as Props;
}

/** Whether a secret, or a value that only the update will know, is anywhere in it. */
export function has(what: "secret" | "unknown", value: unknown): boolean {
  if (what === "secret" ? isSecret(value) : value === unknownValue) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some((item) => has(what, item));
}

export function parsePath(text: string): Path {
  const parts = text.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\[(\*)\]|([^.[\]]+)/g);
  return [...parts].map(([, quoted, index, star, bare]) =>
    index === undefined ? (quoted?.replaceAll('\\"', '"') ?? star ?? bare ?? "") : Number(index),
  );
}

export function formatPath(path: Path): string {
  const parts = path.map((key) => {
    if (typeof key === "number") return `[${String(key)}]`;
    return /[."[\]]/.test(key) ? `["${key.replaceAll('"', '\\"')}"]` : `.${key}`;
  });
  return parts.join("").replace(/^\./, "");
}

/** Whether `path` is what `pattern` names or lies below it; a path above it is not contained. */
export function contains(pattern: Path, path: Path): boolean {
  return pattern.every((key, i) => i < path.length && (key === "*" || key === path[i]));
}

export function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((node, key) => (node as Props | null | undefined)?.[key], value);
}

/** Copies `value` with another value at `path`, and the mappings that lead there; undefined takes the key out. */
export function replaceAt(value: unknown, path: Path, item: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return item;
  if (value === undefined && item !== undefined) return { [key]: replaceAt(undefined, rest, item) };
  if (typeof value !== "object" || value === null) return value;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Props;
  const inner = replaceAt(copy[key], rest, item);
  return inner === undefined
    ? Object.fromEntries(Object.entries(copy).filter(([k]) => k !== String(key)))
    : Object.assign(copy, { [key]: inner });
}

/** What changes `before` into `after`. */
export function diff(before: unknown, after: unknown, path: Path = []): Change[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (before === undefined) return [{ path, kind: "add", after }];
  if (after === undefined) return [{ path, kind: "delete", before }];
  const lists = Array.isArray(before) && Array.isArray(after);
  if (!lists && !(isObject(before) && isObject(after))) {
    return [{ path, kind: "update", before, after }];
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => {
    const step = lists ? Number(key) : key;
    return diff((before as Props)[key], (after as Props)[key], [...path, step]);
  });
}

/** For {@link prune}: nothing was recorded, so every live value counts. */
const nothing = Symbol("nothing");

/**
 * The old inputs as the cluster has them now. A field that is still what the last operation left
 * there keeps its spelling of the inputs, so that what the API server normalises is no difference.
 */
export function prune(inputs: unknown, live: unknown, recorded: unknown = nothing): unknown {
  if (isDeepStrictEqual(live, recorded)) return inputs;
  const below = (key: string): unknown =>
    recorded === nothing ? nothing : (recorded as Props | undefined)?.[key];
  if (Array.isArray(inputs) && Array.isArray(live) && inputs.length === live.length) {
    return inputs.map((item, i): unknown => prune(item, live[i], below(String(i))));
  }
  if (!isObject(inputs) || !isObject(live)) return live;
  const entries = Object.entries(inputs).map(([k, v]) => [k, prune(v, live[k], below(k))] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
