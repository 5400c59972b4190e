import { type Problem, unknownKey } from "../problems.ts";
import { fields, fieldsOf } from "./fields.ts";
import { typeMeta } from "./render.ts";
import { isRecord, rules } from "./values.ts";

/**
 * Finds what a minor's kube-proxy would not decode or would silently ignore: unknown fields, fields of another minor,
 * values of a wrong type.
 *
 * @param configuration - what a user gave, of any shape
 * @param minor - the Kubernetes minor, such as 37; undefined to accept the fields of any minor
 * @param path - where it was given, for the problems' paths
 */
export function checkConfiguration(
  configuration: unknown,
  minor: number | undefined,
  path: string,
): Problem[] {
  if (!isRecord(configuration)) {
    return [{ path, value: configuration, accepted: "a mapping of KubeProxyConfiguration fields" }];
  }
  return checkMapping(configuration, "", minor, path);
}

function checkMapping(
  mapping: Record<string, unknown>,
  prefix: string,
  minor: number | undefined,
  root: string,
): Problem[] {
  const available = fieldsOf(minor);
  return Object.entries(mapping).flatMap(([key, value]): Problem[] => {
    const inner = prefix + key;
    const path = `${root}.${inner}`;
    if (value === null || value === undefined) {
      return isKnown(inner) ? [] : [{ path, accepted: unknownKey(key, knownBelow(prefix, minor)) }];
    }
    if (prefix === "" && (key === "apiVersion" || key === "kind")) {
      return value === typeMeta[key] ? [] : [{ path, value, accepted: typeMeta[key] }];
    }
    const field = available.find((candidate) => candidate.path === inner);
    if (field !== undefined) {
      const { read, accepted } = rules[field.kind];
      return read(value) === undefined ? [{ path, value, accepted }] : [];
    }
    if (available.some((candidate) => candidate.path.startsWith(`${inner}.`))) {
      return isRecord(value)
        ? checkMapping(value, `${inner}.`, minor, root)
        : [{ path, value, accepted: "a mapping" }];
    }
    return [otherMinor(inner, path, minor) ?? { path, accepted: unknownKey(key, knownBelow(prefix, minor)) }];
  });
}

function isKnown(path: string): boolean {
  return fields.some((field) => field.path === path || field.path.startsWith(`${path}.`));
}

function knownBelow(prefix: string, minor: number | undefined): string[] {
  const names = fieldsOf(minor)
    .filter(({ path }) => path.startsWith(prefix))
    .map(({ path }) => path.slice(prefix.length).split(".")[0] ?? "");
  return [...new Set(names)];
}

function otherMinor(inner: string, path: string, minor: number | undefined): Problem | undefined {
  const field = fields.find(
    (candidate) => candidate.path === inner || candidate.path.startsWith(`${inner}.`),
  );
  if (field === undefined || minor === undefined) {
    return undefined;
  }
  const life =
    field.since > minor
      ? `exists since Kubernetes 1.${field.since}`
      : `was removed after Kubernetes 1.${field.until ?? ""}`;
  return { path, accepted: `${life}; kube-proxy of 1.${minor} would ignore it silently, so leave it out` };
}
