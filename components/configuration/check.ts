import { type Problem, unknownKey } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { gateProblems } from "./featureGates.ts";
import { type Field, fields, fieldsOf } from "./fields.ts";
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
  const refused =
    minor === undefined
      ? []
      : // A value of a wrong type is told once, not again by each rule about it.
        [...gateProblems(configuration, minor), ...brokenRules(configuration, minor)].filter((problem) =>
          undecodable.every(({ path: bad }) => problem.path !== bad && !problem.path.startsWith(`${bad}[`)),
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
  const available = fieldsOf(minor);
  const field = available.find((candidate) => candidate.path === path);
  if (field !== undefined) {
    return checkValue(field, value);
  }
  if (available.some((candidate) => candidate.path.startsWith(`${path}.`))) {
    return isRecord(value)
      ? checkMapping(value, `${path}.`, minor)
      : value === null
        ? []
        : [{ path, value, accepted: "a mapping" }];
  }
  return [otherMinor(path, minor) ?? { path, accepted: unknownKey(key, knownBelow(prefix, minor)) }];
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
