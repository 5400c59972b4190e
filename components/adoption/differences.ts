/** Pure: where a live object is not as a wanted one. */
import { isDeepStrictEqual } from "node:util";
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

/**
 * What the API server fills in for what kubeadm's objects leave out, to the letter. Whatever else is there somebody has
 * written, also where it is `false`, `0`, `""`, `[]` or `{}`: what nobody has written, the API server does not show.
 *
 * Source: pkg/apis/{apps,core,rbac}/v1 `defaults.go`.
 */
const defaults: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(["livenessProbe", "readinessProbe", "startupProbe"].flatMap(ofProbe)),
  "spec.revisionHistoryLimit": 10,
  "spec.updateStrategy.rollingUpdate.maxSurge": 0,
  "spec.updateStrategy.rollingUpdate.maxUnavailable": 1,
  "spec.template.spec.dnsPolicy": "ClusterFirst",
  "spec.template.spec.restartPolicy": "Always",
  "spec.template.spec.schedulerName": "default-scheduler",
  "spec.template.spec.securityContext": {},
  "spec.template.spec.serviceAccount": "kube-proxy",
  "spec.template.spec.terminationGracePeriodSeconds": 30,
  "spec.template.spec.containers[].env[].valueFrom.fieldRef.apiVersion": "v1",
  "spec.template.spec.containers[].resources": {},
  "spec.template.spec.containers[].terminationMessagePath": "/dev/termination-log",
  "spec.template.spec.containers[].terminationMessagePolicy": "File",
  "spec.template.spec.volumes[].configMap.defaultMode": 420,
  "spec.template.spec.volumes[].hostPath.type": "",
  "spec.template.spec.volumes[].secret.defaultMode": 420,
  "subjects[].apiGroup": "rbac.authorization.k8s.io",
};

function ofProbe(name: string): [path: string, value: unknown][] {
  const probe = `spec.template.spec.containers[].${name}`;
  return [
    [`${probe}.failureThreshold`, 3],
    [`${probe}.httpGet.path`, "/"],
    [`${probe}.httpGet.scheme`, "HTTP"],
    [`${probe}.periodSeconds`, 10],
    [`${probe}.successThreshold`, 1],
    [`${probe}.timeoutSeconds`, 1],
  ];
}

/** The one mapping of which the API server fills in all; which fields it has depends on the release. */
const filledInWhole = "spec.updateStrategy.rollingUpdate";

/** Mappings whose keys are the users': an entry of them without a value is an entry. */
const mappings = /(^|\.)(labels|annotations|nodeSelector|matchLabels|data|limits|requests)$/;

/** Fields of which the API server shows a zero, too, where somebody has written one: in Go they are pointers. */
const pointers = /\.(tolerationSeconds|optional|defaultMode|mode)$/;

/**
 * Finds every place where a live object has something else than the wanted one, or something more. What the API server
 * fills in is nothing more, and what it leaves out for being empty is nothing less.
 *
 * @param path - where both are in their objects
 */
export function differencesOf(live: unknown, wanted: unknown, path: Path = []): Difference[] {
  const [has, wants] = [live ?? undefined, wanted ?? undefined];
  if (isRecord(has) && isRecord(wants)) {
    return fieldDifferences(has, wants, path);
  }
  if (isRecord(has) && wants === undefined && Object.keys(has).length > 0) {
    const found = fieldDifferences(has, {}, path);
    return found.length > 0 || formatPath(path) === filledInWhole ? found : [{ path, live, wanted }];
  }
  if (isRecord(wants) && has === undefined && Object.keys(wants).length > 0) {
    return fieldDifferences({}, wants, path);
  }
  if (Array.isArray(has) && Array.isArray(wants) && has.length === wants.length) {
    return has.flatMap((item, index) => differencesOf(item, wants[index], [...path, index]));
  }
  const isSame =
    has === wants ||
    (isEmptyObject(has) && isEmptyObject(wants)) ||
    (wants === undefined && isFilledIn(has, path)) ||
    (has === undefined && isLeftOut(wants, path));
  return isSame ? [] : [{ path, live, wanted }];
}

function fieldDifferences(
  live: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
  path: Path,
): Difference[] {
  const keys = new Set([...Object.keys(live), ...Object.keys(wanted)]);
  return [...keys].flatMap((key) => differencesOf(own(live, key), own(wanted, key), [...path, key]));
}

/** What a mapping has itself: a label may be named `constructor`. */
function own(record: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function isFilledIn(live: unknown, path: Path): boolean {
  const pattern = formatPath(path)
    .replaceAll(/\[\d+\]/g, "[]")
    .replace(/\binitContainers\b/, "containers");
  return isDeepStrictEqual(defaults[pattern], live);
}

/** Whether the API server does not show what is wanted, since in Go it is the field's zero value. */
function isLeftOut(wanted: unknown, path: Path): boolean {
  const isEntry = mappings.test(formatPath(path.slice(0, -1)));
  const isZero = wanted === "" || wanted === false || wanted === 0;
  return isEmptyObject(wanted) || (isZero && !isEntry && !pointers.test(formatPath(path)));
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
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
