import { type Problem, unknownKey } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { gateProblems } from "./featureGates.ts";
import { type Field, fields, fieldsOf, formerFields } from "./fields.ts";
import { typeMeta } from "./render.ts";
import { brokenRules } from "./rules.ts";
import { kinds } from "./values.ts";

/**
 * Finds everything that a minor's kube-proxy would exit on, and what it would silently ignore: unknown fields and fields
 * of another minor.
 *
 * @param configuration - what a user gave, of any shape
 * @param minor - the Kubernetes minor, such as 37; undefined to accept the fields of any minor and judge no values
 * @param path - where it was given, for the problems' paths; "" for a document of its own
 */
export function checkConfiguration(
  configuration: unknown,
  minor: number | undefined,
  path: string,
): Problem[] {
  if (!isRecord(configuration)) {
    return [{ path, value: configuration, accepted: "a mapping of KubeProxyConfiguration fields" }];
  }
  const undecodable = checkMapping(configuration, "", minor);
  const told = new Set(undecodable.map((problem) => problem.path));
  const refused =
    minor === undefined
      ? []
      : // A value of a wrong type is told once, not again by each rule about it.
        [...gateProblems(configuration, minor), ...brokenRules(configuration, minor)].filter(
          (problem) => !told.has(problem.path.replace(/\[\d+\]$/, "")),
        );
  return [...undecodable, ...refused].map((problem) => ({ ...problem, path: join(path, problem.path) }));
}

function join(path: string, inner: string): string {
  return path === "" || inner === "" ? path + inner : `${path}.${inner}`;
}

function checkMapping(
  mapping: Record<string, unknown>,
  prefix: string,
  minor: number | undefined,
): Problem[] {
  return Object.entries(mapping).flatMap(([key, value]) => checkEntry(key, value, prefix, minor));
}

function checkEntry(key: string, value: unknown, prefix: string, minor: number | undefined): Problem[] {
  const path = prefix + key;
  if (value === undefined) {
    return [];
  }
  if (path === "apiVersion" || path === "kind") {
    return value === typeMeta[path] ? [] : [{ path, value, accepted: typeMeta[path] }];
  }
  const field = fieldsOf(minor).find((candidate) => candidate.path === path);
  if (field !== undefined) {
    return checkValue(field, value);
  }
  if (!isSection(path, minor)) {
    return [unknownField(key, prefix, minor)];
  }
  return isRecord(value)
    ? checkMapping(value, `${path}.`, minor)
    : value === null
      ? []
      : [{ path, value, accepted: "a mapping" }];
}

function isSection(path: string, minor: number | undefined): boolean {
  return fieldsOf(minor).some((candidate) => candidate.path.startsWith(`${path}.`));
}

function unknownField(key: string, prefix: string, minor: number | undefined): Problem {
  const path = prefix + key;
  return (
    formerField(path) ??
    otherMinor(path, minor) ?? { path, accepted: unknownKey(key, knownBelow(prefix, minor)) }
  );
}

/** A configuration without the fields that a minor does not know, and what is to be said of these. */
interface Pruned {
  readonly known: Record<string, unknown>;
  readonly unknown: readonly Problem[];
}

/**
 * Takes the fields out that a minor does not know, as Go does when it decodes, and tells them.
 *
 * @param configuration - as a user wrote it
 * @param minor - the Kubernetes minor; undefined for the fields of any minor
 * @param path - where it was given, for the problems' paths
 */
export function withoutUnknown(
  configuration: Record<string, unknown>,
  minor: number | undefined,
  path: string,
): Pruned {
  const { known, unknown } = prune(configuration, "", minor);
  return { known, unknown: unknown.map((problem) => ({ ...problem, path: join(path, problem.path) })) };
}

function prune(mapping: Record<string, unknown>, prefix: string, minor: number | undefined): Pruned {
  const known = new Map<string, unknown>();
  const unknown: Problem[][] = [];
  for (const [key, value] of Object.entries(mapping)) {
    const path = prefix + key;
    if (isSection(path, minor) && isRecord(value)) {
      const inner = prune(value, `${path}.`, minor);
      known.set(key, inner.known);
      unknown.push([...inner.unknown]);
    } else if (
      Object.hasOwn(typeMeta, path) ||
      isSection(path, minor) ||
      fieldsOf(minor).some((field) => field.path === path)
    ) {
      known.set(key, value);
    } else {
      unknown.push([unknownField(key, prefix, minor)]);
    }
  }
  return { known: Object.fromEntries(known), unknown: unknown.flat() };
}

function checkValue({ path, kind }: Field, value: unknown): Problem[] {
  const { read, accepted, refusesNull } = kinds[kind];
  if (value === null) {
    return refusesNull ? [{ path, value, accepted: `${accepted}; leave it out for the default` }] : [];
  }
  return read(value) === undefined ? [{ path, value, accepted }] : [];
}

function knownBelow(prefix: string, minor: number | undefined): string[] {
  const names = fieldsOf(minor)
    .filter(({ path }) => path.startsWith(prefix))
    .map(({ path }) => path.slice(prefix.length).split(".")[0] ?? "");
  return [...new Set(names)];
}

function formerField(path: string): Problem | undefined {
  const former = formerFields.find((field) => field.path === path);
  return former && { path, accepted: `was removed after Kubernetes 1.${former.until}; ${former.instead}` };
}

function otherMinor(path: string, minor: number | undefined): Problem | undefined {
  const field = fields.find((candidate) => candidate.path === path || candidate.path.startsWith(`${path}.`));
  if (field === undefined || minor === undefined) {
    return undefined;
  }
  const life =
    field.since > minor
      ? `exists since Kubernetes 1.${field.since}`
      : `was removed after Kubernetes 1.${field.until ?? ""}`;
  return { path, accepted: `${life}; kube-proxy of 1.${minor} would ignore it silently, so leave it out` };
}
