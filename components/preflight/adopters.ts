import type { DaemonSetFacts } from "../facts/facts.ts";
import type { ControllerFacts } from "../facts/surroundings.ts";
import { isKubeadms } from "../kubeadm/overwriting.ts";
import { Action, type Intent } from "../plan/intent.ts";
import { restartAnnotation } from "../restart/restart.ts";
import { isSelectedBy } from "./admission.ts";
import { always, type Check } from "./check.ts";

type Labels = Readonly<Record<string, string>>;

/** Labels that the DaemonSet controller gives pods beside those of the template; their values are of no interest. */
const added = { "controller-revision-hash": "any", "pod-template-generation": "1" };

/**
 * Controllers that would adopt pods with these labels as soon as they belong to nobody: the controller manager gives an
 * orphan to whoever selects it, and who does not want it where it is deletes it.
 *
 * @param controllers - of the pods' namespace
 * @param pods - the labels of their templates
 * @param isOwn - whether a DaemonSet of this name may have them
 */
export function adoptersOf(
  controllers: readonly ControllerFacts[],
  pods: readonly Labels[],
  isOwn: (daemonSet: string) => boolean,
): ControllerFacts[] {
  return controllers.filter(({ kind, name, selector }) => {
    const { matchLabels = {}, matchExpressions = [] } = selector;
    const isEmpty = Object.keys(matchLabels).length + matchExpressions.length === 0;
    const isOther = kind !== "DaemonSet" || !isOwn(name);
    return isOther && !isEmpty && pods.some((labels) => isSelectedBy(selector, { ...labels, ...added }));
  });
}

/** What is told of a controller that would adopt kube-proxy's pods. */
export const adopterTold = {
  wrong:
    "selects kube-proxy's pods: it adopts those that the deleted DaemonSet leaves behind, and deletes them where it " +
    "wants none",
  remedy: "give it a selector of its own, or delete it",
} as const;

/** Whether pods are left to whoever takes them. */
export const adopterCheck: Check = {
  name: "pod-adopter",
  needs: ["daemonSets", "controllers"],
  severity: always,
  find: ({ daemonSets, controllers = [] }, { waves }) => {
    const isLeft = waves.some(
      ({ action, outlives }) => action === Action.takeOver || (action === Action.restart && outlives),
    );
    const isOwn = ownAmong(daemonSets, waves);
    return isLeft
      ? adoptersOf(controllers, daemonSets.map(labelsOf), isOwn).map(({ kind, name }) => ({
          object: `${kind} kube-system/${name}`,
          ...adopterTold,
        }))
      : [];
  },
};

/** This program's DaemonSets, those that it is about to make, and kubeadm's. */
function ownAmong(daemonSets: readonly DaemonSetFacts[], waves: Intent["waves"]): (name: string) => boolean {
  const own = daemonSets.filter(
    ({ name, annotations, managers }) => restartAnnotation in annotations || isKubeadms(name, managers),
  );
  const names = new Set([
    ...own.map(({ name }) => name),
    ...waves.map(({ wave }) => wave.daemonSet.metadata.name),
  ]);
  return (name) => names.has(name);
}

function labelsOf({ spec }: DaemonSetFacts): Labels {
  const { template } = spec as { template?: { metadata?: { labels?: Labels } } };
  return template?.metadata?.labels ?? {};
}
