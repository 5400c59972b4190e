import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../../input/record.ts";
import { type ApiObject, idOf } from "../objects.ts";
import { strip } from "./strip.ts";

/** What a restore does with one object. */
export const Action = {
  /** It is as in the snapshot. */
  leave: "unchanged",
  create: "created",
  replace: "replaced",
  /** Deleted and created, since a field that differs cannot be changed. */
  recreate: "deleted and created again",
} as const;
/** One of {@link Action}, in words for the output. */
export type Action = (typeof Action)[keyof typeof Action];

/** One object of a snapshot and what is to be done with it. */
export interface Step {
  readonly action: Action;
  readonly object: ApiObject;
}

/**
 * What has to be done so that each object of a snapshot is in the cluster as it was.
 *
 * @param wanted - the snapshot's objects
 * @param live - the cluster's objects
 */
export function plan(wanted: readonly ApiObject[], live: readonly ApiObject[]): Step[] {
  return wanted.map((object) => {
    const current = live.find((candidate) => isDeepStrictEqual(idOf(candidate), idOf(object)));
    return { object, action: actionFor(object, current) };
  });
}

function actionFor(wanted: ApiObject, live: ApiObject | undefined): Action {
  if (live === undefined) {
    return Action.create;
  }
  if (live.metadata["deletionTimestamp"] !== undefined || isImmutable(wanted, live)) {
    return Action.recreate;
  }
  return isDeepStrictEqual(strip(live), wanted) ? Action.leave : Action.replace;
}

/** Whether a field differs that the API server refuses to change. */
function isImmutable(wanted: ApiObject, live: ApiObject): boolean {
  const differs = (field: string) => !isDeepStrictEqual(wanted[field], live[field]);
  switch (wanted.kind) {
    case "ClusterRoleBinding":
    case "RoleBinding":
      return differs("roleRef");
    case "ConfigMap":
      return live["immutable"] === true && ["immutable", "data", "binaryData"].some(differs);
    case "DaemonSet":
      return !isDeepStrictEqual(selectorOf(wanted), selectorOf(live));
    default:
      return false;
  }
}

function selectorOf({ spec }: ApiObject): unknown {
  return isRecord(spec) ? spec["selector"] : undefined;
}

/** The labels by which a DaemonSet finds its pods. */
export function selectorLabelsOf(daemonSet: ApiObject): Readonly<Record<string, string>> {
  const selector = selectorOf(daemonSet);
  return isRecord(selector) && isRecord(selector["matchLabels"])
    ? (selector["matchLabels"] as Record<string, string>)
    : {};
}

/**
 * A DaemonSet to be created where pods of a deleted one may be left.
 *
 * The controller takes a pod for up to date when its `pod-template-generation` is the DaemonSet's, whatever it runs. A
 * new DaemonSet counts from 1 again, so that pods left by another template could pass for its own and would never be
 * replaced, while the rollout reports success. So it starts after every number that a pod carries.
 *
 * @param pods - the pods that its selector finds
 *
 * Source: Kubernetes' `pkg/controller/daemon/util`, `IsPodUpdated`; annotation
 * `deprecated.daemonset.template.generation`.
 */
export function withFreshGeneration(daemonSet: ApiObject, pods: readonly ApiObject[]): ApiObject {
  if (pods.length === 0) {
    return daemonSet;
  }
  const highest = pods.map(generationOf).reduce((a, b) => (a > b ? a : b));
  const annotations = {
    ...(daemonSet.metadata["annotations"] as Record<string, string> | undefined),
    "deprecated.daemonset.template.generation": String(highest + 1n),
  };
  return { ...daemonSet, metadata: { ...daemonSet.metadata, annotations } };
}

/** As a bigint: the number of a Rolling restart uses most of int64's bits. */
function generationOf({ metadata: { labels } }: ApiObject): bigint {
  const label = isRecord(labels) ? String(labels["pod-template-generation"]) : "";
  return /^\d+$/.test(label) ? BigInt(label) : 0n;
}
