import { formatPath, type Path } from "../../components/adoption/differences.ts";
import type { LiveObject } from "../../components/adoption/live.ts";
import { takeOverOf } from "../../components/adoption/takeOver.ts";
import type { Settings } from "../../components/kubeadm/settings.ts";

/** Where an edit is. */
interface Place {
  readonly kind: string;
  readonly path: Path;
}

/** Fields that a setting keeps in another place, so that the pods restart, as the preview then says. */
const moved = /\.containers\[0\]\.(command|args)\b/;

/**
 * How an edit is lost in a takeover; undefined where it is not: it is refused by its path, or kept by the settings that are
 * printed, with which nothing of it changes any more.
 *
 * @param objects - of which one has the edit
 * @param cluster - the settings that are the cluster's own word
 */
export function outcomeOf(
  objects: readonly LiveObject[],
  cluster: Settings,
  { kind, path }: Place,
): string | undefined {
  const owner = "organization/kube-proxy/test";
  const place = formatPath(path);
  const first = takeOverOf(objects, { settings: cluster, cluster, owner });
  if (first.problems.length > 0) {
    const isNamed = first.problems.some((problem) => namesOf(problem, kind, path));
    return isNamed
      ? undefined
      : `refused, but not by name: ${first.problems.map((one) => one.path).join("; ")}`;
  }
  if (Object.keys(first.edits).length === 0) {
    return `taken over with no word${first.keepsPods ? "" : ", and pods restart"}`;
  }
  const settings = { ...cluster, ...first.edits };
  const second = takeOverOf(objects, { settings, cluster, owner });
  if (second.problems.length > 0 || Object.keys(second.edits).length > 0) {
    return `not kept by ${JSON.stringify(first.edits)}: ${JSON.stringify(second.problems)} ${JSON.stringify(second.edits)}`;
  }
  const changed = second.changes.filter((change) => change.startsWith(`${kind}: `));
  const isMoved = moved.test(place) && changed.length > 0;
  return changed.length === 0 || isMoved ? undefined : `changed after all: ${changed.join("; ")}`;
}

/** Whether a problem names the object, and the field or what it is a part of, or one of its parts. */
function namesOf({ path: named }: { readonly path: string }, kind: string, path: Path): boolean {
  if (!named.startsWith(`${kind} `)) return false;
  const field = named.slice(named.indexOf(", ") + 2);
  // What a ConfigMap holds is named by its file.
  const place = formatPath(path).replace(/^data(\["((kube)?config\.conf)"\])?$/, "$2");
  return named.indexOf(", ") < 0 || place.startsWith(field) || field.startsWith(place);
}
