/** Pure: what it takes to own a kube-proxy that kubeadm has installed. */
import type { Problem } from "../input/problems.ts";
import { ownerAnnotation, reclaimCommand } from "../restart/restart.ts";
import { type Changes, changesOf } from "./changes.ts";
import { withoutOwnAnnotations } from "./daemonSet.ts";
import { annotationsOf, type LiveObject, liveName } from "./live.ts";
import { foreignOwner } from "./owners.ts";
import { type Edits, Reading, type Word } from "./reading.ts";

/** Who takes over, and as what. */
export interface TakeOverOptions extends Word {
  /** This stack's `ownerAnnotation`. */
  readonly owner: string | undefined;
}

/** What it takes to own live objects. */
export interface TakeOver extends Edits, Changes {
  /** The objects, for people. */
  readonly taken: readonly string[];
}

/**
 * Compares kube-proxy's live objects with what kubeadm made, and with what the program will make of them.
 *
 * Whatever somebody has changed since is kept by a setting; what no setting can keep is a problem. A setting that the
 * user has given is the user's word on what it decides.
 *
 * @param objects - kube-proxy's live objects, as far as they exist
 */
export function takeOverOf(objects: readonly LiveObject[], options: TakeOverOptions): TakeOver {
  const taken = objects.map(liveName);
  const owned = objects.flatMap((object): Problem[] => {
    const owner = foreignOwner(object, options.owner);
    const accepted =
      "an object of nobody's but kubeadm's; let its owner give it up first" +
      (ownerAnnotation in annotationsOf(object)
        ? `. If that is this stack under an older name, or its state was lost (docs/recover.md): ${reclaimCommand}`
        : "");
    return owner === undefined ? [] : [{ path: liveName(object), value: `belongs to ${owner}`, accepted }];
  });
  if (owned.length > 0) {
    return { taken, problems: owned, edits: {}, changes: [], keepsPods: false };
  }
  const edited = objects.map(withoutOwnAnnotations);
  return { taken, ...new Reading(edited, options).read(), ...changesOf(edited, options.settings) };
}
