/** Pure: a DaemonSet of the user's as kubeadm's own patch of the one that it makes. */
import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../input/record.ts";
import type { DaemonSet } from "./objects.ts";

/** One step of a JSON patch. */
export type Operation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string };

/**
 * The file of kubeadm's patch folder that holds the patch: target and type are in its name.
 *
 * A JSON patch says to the letter what comes out. A strategic merge patch cannot: it decides the order of lists that it
 * merges, and pods whose variables or volumes stand in another order are other pods.
 *
 * Source: kubeadm's `util/patches/patches.go`.
 */
export const patchFile = "kubeproxydaemonset+json.yaml";

/**
 * The JSON patch (RFC 6902) that makes one DaemonSet of another. Of lists with the same first entries only what differs or
 * comes after them is named; another list is replaced as a whole.
 *
 * @param made - as kubeadm makes it
 * @param wanted - as it is to be
 */
export function patchOf(made: DaemonSet, wanted: DaemonSet): Operation[] {
  return operations(plain(made), plain(wanted), "");
}

/** As JSON has it: without fields that are undefined. */
function plain(value: DaemonSet): unknown {
  return JSON.parse(JSON.stringify(value));
}

function operations(made: unknown, wanted: unknown, path: string): Operation[] {
  if (isDeepStrictEqual(made, wanted)) {
    return [];
  }
  if (isRecord(made) && isRecord(wanted)) {
    const keys = Object.keys({ ...made, ...wanted });
    return keys.flatMap((key) => entry(made, wanted, key, `${path}/${escaped(key)}`));
  }
  if (Array.isArray(made) && Array.isArray(wanted) && beginsAlike(made, wanted)) {
    return wanted.flatMap((item: unknown, index) =>
      index < made.length
        ? operations(made[index], item, `${path}/${index}`)
        : [{ op: "add", path: `${path}/-`, value: item }],
    );
  }
  return [{ op: "replace", path, value: wanted }];
}

type Mapping = Readonly<Record<string, unknown>>;

function entry(made: Mapping, wanted: Mapping, key: string, path: string): Operation[] {
  const [before, after] = [made, wanted].map((mapping) => present(mapping[key]));
  if (before === undefined) {
    return after === undefined ? [] : [{ op: "add", path, value: after }];
  }
  return after === undefined ? [{ op: "remove", path }] : operations(before, after, path);
}

/** kubeadm patches the text of its template, where an empty mapping of the object, such as `resources`, is not written. */
function present(value: unknown): unknown {
  return isRecord(value) && Object.keys(value).length === 0 ? undefined : value;
}

/** Whether a list has another one's entries first: those that are equal, or go by the same name. */
function beginsAlike(made: readonly unknown[], wanted: readonly unknown[]): boolean {
  return made.every((item, index) => {
    const other = wanted[index];
    const isNamesake = isRecord(item) && isRecord(other) && "name" in item && item["name"] === other["name"];
    return isNamesake || isDeepStrictEqual(item, other);
  });
}

/** A key as a part of a JSON pointer (RFC 6901). */
function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
