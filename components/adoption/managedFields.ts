/** Pure: who has written which fields of a live object, and whose they are to be before the provider applies it. */
import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../input/record.ts";
import { kubectlRestart } from "../restart/restart.ts";
import { isBelow, type Path, valueAt } from "./differences.ts";

/** Fields as the API server lists them: `f:NAME`, `k:{…}` and `v:…` for items of lists, `.` for the value itself. */
export interface Fields {
  readonly [key: string]: Fields;
}

/** An entry of `metadata.managedFields`. */
export interface ManagedFields {
  readonly manager: string;
  readonly operation?: string;
  /** When, in RFC 3339. */
  readonly time?: string;
  /** Set where these are fields of a subresource, such as the status. */
  readonly subresource?: string;
  readonly fieldsV1?: Fields;
  readonly [key: string]: unknown;
}

/** An object with its managers. */
export interface ManagedObject {
  readonly metadata: { readonly managedFields?: readonly ManagedFields[] };
}

/** Managers that the provider takes over when it applies, see {@link dividedFields}. */
const isTakenOver = /^(kubectl|before-first-apply)/;

/** The provider, and kubeadm: that adds nothing to what it has made, but writes it anew as a whole. */
const isMaker = /^(pulumi-|kubeadm$)/;

/** Who the provider is when it creates; what this one has written it takes over when it applies, by another name. */
export const creator = { manager: "pulumi-kubernetes", operation: "Update" };

const restartedAt: Path = ["spec", "template", "metadata", "annotations", kubectlRestart];

/** Whether a field is of the spec, which is the program's as a whole; but that somebody has restarted the pods is a fact. */
function isOfSpec(path: Path): boolean {
  return path[0] === "spec" && !isBelow(path, restartedAt);
}

/** Paths in a live object's spec that others than its makers have written; items of lists by their place there. */
export function writtenByOthers(live: ManagedObject): Path[] {
  const paths = new Set<Path>();
  for (const { fieldsV1 = {} } of othersOf(live)) {
    picked(fieldsV1, live, (path) => {
      if (isOfSpec(path)) paths.add(path);
      return false;
    });
  }
  return [...paths];
}

/**
 * Whose the fields of a live object are to be before the provider applies the wanted one.
 *
 * The provider takes over what managers have written whose names begin with `kubectl`, and drops of it what the program
 * does not say; what any other manager has added stays, whatever the program says. Neither is what a user means. What
 * somebody has added beside the spec, such as a label, is theirs; so is the trace of a `kubectl rollout restart`, whose loss
 * would restart every pod once more. The spec is the program's as a whole. So the one goes from kubectl to a manager that
 * the provider leaves alone, and the other from all managers to one that it takes over.
 *
 * Source: pulumi-kubernetes `provider/pkg/await/await.go`, `fixCSAFieldManagers`.
 *
 * @param wanted - the object as the provider is going to apply it
 * @returns undefined where nothing is to be handed over
 */
export function dividedFields(live: ManagedObject, wanted: object): ManagedFields[] | undefined {
  const others = othersOf(live);
  const divided = (live.metadata.managedFields ?? []).flatMap((entry): ManagedFields[] => {
    if (!others.includes(entry)) return [entry];
    const [isMoved, to] = isTakenOver.test(entry.manager)
      ? [(path: Path) => !isOfSpec(path) && isUnsaid(path, wanted), keeperOf(entry)]
      : [isOfSpec, creator];
    const fields = entry.fieldsV1 ?? {};
    const moved = picked(fields, live, isMoved);
    const rest = picked(fields, live, (path) => !isMoved(path));
    return moved === undefined
      ? [entry]
      : [...(rest === undefined ? [] : [{ ...entry, fieldsV1: rest }]), { ...entry, ...to, fieldsV1: moved }];
  });
  const isSame = isDeepStrictEqual(divided, live.metadata.managedFields ?? []);
  return isSame ? undefined : merged(divided);
}

/** Who keeps what is not the program's: it still tells by which of kubectl's commands it came. */
function keeperOf({ manager }: ManagedFields): Pick<ManagedFields, "manager" | "operation"> {
  // As long as the API server lets a name be.
  return { manager: `kept-${manager}`.slice(0, 128), operation: "Update" };
}

function othersOf({ metadata: { managedFields = [] } }: ManagedObject): ManagedFields[] {
  return managedFields.filter(
    ({ manager, subresource }) => subresource === undefined && !isMaker.test(manager),
  );
}

function isUnsaid(path: Path, wanted: unknown): boolean {
  return valueAt(wanted, path) === undefined;
}

/** Some of the fields of a value, by their paths; undefined where there are none. */
function picked(
  fields: Fields,
  value: unknown,
  isPicked: (path: Path) => boolean,
  path: Path = [],
): Fields | undefined {
  const { ".": itself, ...inner } = fields;
  const entries = Object.entries(inner);
  if (entries.length === 0) {
    return isPicked(path) ? fields : undefined;
  }
  const kept = entries.flatMap(([key, below]) => {
    const step = stepOf(key, value);
    const found = picked(below, valueAt(value, [step]), isPicked, [...path, step]);
    return found === undefined ? [] : [[key, found] as const];
  });
  return kept.length === 0
    ? undefined
    : { ...(itself !== undefined && { ".": itself }), ...Object.fromEntries(kept) };
}

/** The key or the index by which a field is reached; -1 for an item that is there no longer. */
function stepOf(key: string, value: unknown): string | number {
  const [kind, name] = [key.slice(0, 2), key.slice(2)];
  if (kind === "f:") return name;
  if (kind === "i:") return Number(name);
  const wanted: unknown = JSON.parse(name);
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  return items.findIndex((item) =>
    kind === "k:" && isRecord(wanted)
      ? Object.entries(wanted).every(([field, part]) => isDeepStrictEqual(valueAt(item, [field]), part))
      : isDeepStrictEqual(item, wanted),
  );
}

/** With one entry for each manager, operation and version, as the API server has them. */
function merged(entries: readonly ManagedFields[]): ManagedFields[] {
  const keyOf = ({ manager, operation, apiVersion, subresource }: ManagedFields) =>
    JSON.stringify([manager, operation, apiVersion, subresource]);
  return [...Map.groupBy(entries, keyOf).values()].flatMap(([first, ...others]) => {
    const fields = (entry: ManagedFields) => entry.fieldsV1 ?? {};
    return first === undefined
      ? []
      : [{ ...first, fieldsV1: others.map(fields).reduce(union, fields(first)) }];
  });
}

function union(a: Fields, b: Fields): Fields {
  const both = Object.entries(b).map(([key, below]) => [key, union(a[key] ?? {}, below)] as const);
  return { ...a, ...Object.fromEntries(both) };
}
