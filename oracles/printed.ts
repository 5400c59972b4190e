import { parseAllDocuments } from "yaml";

/** The objects that kubeadm printed with `--print-manifest` or `--dry-run`. */
export function printedObjects(printed: string): object[] {
  return printed
    .replace(/^\[addons\].*$/gm, "")
    .replace(/^\[dryrun\] Would.*$/gm, "---")
    .replace(/^\[dryrun\] Attached.*$/gm, "")
    .split(/^---$/m)
    .map((text) => parseAllDocuments(text.replace(/^\t/gm, ""))[0]?.toJS() as object | null | undefined)
    .filter((document) => document !== null && document !== undefined);
}

/** An object without what Go's encoder adds: empty times, the zero status, and `false` that the wire leaves out. */
export function asSent(object: object): object {
  return JSON.parse(
    JSON.stringify(object, (key, value: unknown) =>
      (key === "creationTimestamp" && value === null) ||
      key === "status" ||
      (key === "readOnly" && value === false)
        ? undefined
        : value,
    ),
    // The template prints no empty resources; the request has them.
    (_key, value: unknown) =>
      isContainer(value) && value["resources"] === undefined ? { ...value, resources: {} } : value,
  ) as object;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && "volumeMounts" in value;
}

/** Objects by their kinds, as each kubeadm prints them in an order of its own. */
export function byKind(objects: readonly object[]): Record<string, object> {
  return Object.fromEntries(objects.map((object) => [(object as { kind: string }).kind, object]));
}
