/** Pure: where a live object is not as a wanted one. */
import { isRecord } from "../input/record.ts";

/** Keys and indices that lead to a value in an object. */
export type Path = readonly (string | number)[];

/** A place where a live object is not as the wanted one. */
export interface Difference {
  readonly path: Path;
  /** Undefined where there is nothing. */
  readonly live: unknown;
  readonly wanted: unknown;
}

/** What the API server fills in for what a DaemonSet leaves out, beside zero values. */
const defaults: Readonly<Record<string, unknown>> = {
  "spec.revisionHistoryLimit": 10,
  "spec.updateStrategy.rollingUpdate.maxUnavailable": 1,
  "spec.template.spec.dnsPolicy": "ClusterFirst",
  "spec.template.spec.restartPolicy": "Always",
  "spec.template.spec.schedulerName": "default-scheduler",
  "spec.template.spec.serviceAccount": "kube-proxy",
  "spec.template.spec.terminationGracePeriodSeconds": 30,
  "spec.template.spec.containers[].env[].valueFrom.fieldRef.apiVersion": "v1",
  "spec.template.spec.containers[].terminationMessagePath": "/dev/termination-log",
  "spec.template.spec.containers[].terminationMessagePolicy": "File",
  "spec.template.spec.volumes[].configMap.defaultMode": 420,
};

/** What the API server fills in for what RBAC's subjects leave out. */
const defaultGroup = "subjects[].apiGroup";

/**
 * Finds every place where a live object has something else than the wanted one, or something more. What the API server
 * fills in is nothing more.
 *
 * @param path - where both are in their objects
 *
 * Source: pkg/apis/{apps,core,rbac}/v1 `defaults.go`.
 */
export function differencesOf(live: unknown, wanted: unknown, path: Path = []): Difference[] {
  if (isRecord(wanted) || (isRecord(live) && wanted === undefined)) {
    const [has, wants] = [isRecord(live) ? live : {}, wanted ?? {}];
    if (live !== undefined && !isRecord(live)) {
      return [{ path, live, wanted }];
    }
    const keys = new Set([...Object.keys(has), ...Object.keys(wants)]);
    return [...keys].flatMap((key) => differencesOf(has[key], wants[key], [...path, key]));
  }
  if (Array.isArray(live) && Array.isArray(wanted) && live.length === wanted.length) {
    return live.flatMap((item, index) => differencesOf(item, wanted[index], [...path, index]));
  }
  const isSame = live === wanted || (wanted === undefined && isFilledIn(live, path));
  return isSame || (isZero(live) && isZero(wanted)) ? [] : [{ path, live, wanted }];
}

function isFilledIn(live: unknown, path: Path): boolean {
  const pattern = formatPath(path).replaceAll(/\[\d+\]/g, "[]");
  return defaults[pattern] === live || pattern === defaultGroup;
}

function isZero(value: unknown): boolean {
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return value === undefined || value === null || value === "" || value === false || value === 0 || isEmpty;
}

/** A path for people, such as `spec.template.spec.containers[0].image`. */
export function formatPath(path: Path): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === "number"
        ? `${text}[${key}]`
        : /[./]/.test(key)
          ? `${text}["${key}"]`
          : `${text}${text && "."}${key}`,
    "",
  );
}

/** The value at a path, or undefined. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (node, key) =>
      typeof key === "number"
        ? Array.isArray(node)
          ? (node as unknown[])[key]
          : undefined
        : isRecord(node)
          ? node[key]
          : undefined,
    value,
  );
}

/** Whether a path is another one or leads below it. */
export function isBelow(path: Path, above: Path): boolean {
  return above.every((key, index) => path[index] === key);
}
