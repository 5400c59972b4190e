import type { KubeConfig } from "@kubernetes/client-node";
import type { NodeFacts } from "../../facts/facts.ts";
import { type Problem, ProblemsError } from "../../input/problems.ts";
import { isRecord } from "../../input/record.ts";
import { selects } from "../../pools/placement.ts";
import { layoutAnnotation, poolLabel } from "../../pools/waves.ts";
import { readNodes } from "../facts.ts";
import { Fate, obstaclesAmong, orphanOf, placeOf, type WantedDaemonSet } from "../handover.ts";
import type { ApiObject } from "../objects.ts";
import { controllerOf, type DaemonSet, isOurs, listDaemonSets, listPods, type Pod } from "../workload.ts";
import { selectorLabelsOf } from "./plan.ts";

/**
 * Finds out before anything is changed whether each node will have one kube-proxy.
 *
 * @param restored - the snapshot's DaemonSets
 * @returns all DaemonSets that are to be there after the restore
 * @throws ProblemsError for nodes that two of them select, for nodes whose kube-proxy would end with none to follow it,
 *   and for DaemonSets in the way that somebody else made
 */
export async function checkRoom(
  config: KubeConfig,
  restored: readonly ApiObject[],
): Promise<WantedDaemonSet[]> {
  const [nodes, live, pods] = await Promise.all([
    readNodes(config),
    listDaemonSets(config),
    listPods(config),
  ]);
  const wanted = wantedDaemonSets(restored, live);
  const problems = nodeProblems(nodes, wanted, releasedPods(pods, obstaclesAmong(live, wanted)));
  if (problems.length > 0) {
    throw new ProblemsError("the snapshot's DaemonSets; nothing was changed", problems);
  }
  return wanted;
}

/**
 * The DaemonSets that are to be there after a restore: those of the snapshot; of the live ones those of the same layout,
 * which a snapshot does not have that was taken while they were being made; and those that somebody else made.
 */
function wantedDaemonSets(restored: readonly ApiObject[], live: readonly DaemonSet[]): WantedDaemonSet[] {
  const wanted = restored.map(wantedOf);
  const names = new Set(wanted.map(({ daemonSet }) => daemonSet));
  const layouts = new Set(wanted.flatMap(({ layout }) => layout ?? []));
  const isLeft = (one: DaemonSet) =>
    !isOurs(one) || layouts.has(one.metadata.annotations?.[layoutAnnotation] ?? "");
  const left = live.filter((one) => !names.has(one.metadata.name) && isLeft(one));
  return [...wanted, ...left.map((one) => wantedOf(one as unknown as ApiObject))];
}

/** A DaemonSet as the layout takes it. */
export function wantedOf(daemonSet: ApiObject): WantedDaemonSet {
  const { spec, metadata } = daemonSet;
  const template = isRecord(spec) && isRecord(spec["template"]) ? spec["template"] : {};
  const pool = selectorLabelsOf(daemonSet)[poolLabel];
  const layout = isRecord(metadata["annotations"]) ? metadata["annotations"][layoutAnnotation] : undefined;
  return {
    daemonSet: metadata.name,
    ...(pool !== undefined && { pool }),
    ...(typeof layout === "string" && { layout }),
    placement: template["spec"] ?? {},
  };
}

/** The pods that belong to no DaemonSet, or to one that has to make room. */
function releasedPods(pods: readonly Pod[], obstacles: readonly DaemonSet[]): Pod[] {
  return pods.filter((pod) => {
    const owner = controllerOf(pod);
    return owner === undefined || obstacles.some(({ metadata }) => metadata.uid === owner.uid);
  });
}

/**
 * See {@link checkRoom}.
 *
 * @param released - pods whose DaemonSet is gone, or goes
 */
function nodeProblems(
  nodes: readonly NodeFacts[],
  wanted: readonly WantedDaemonSet[],
  released: readonly Pod[],
): Problem[] {
  const selecting = nodes.map((node) => ({
    name: node.name,
    by: wanted.filter(({ placement }) => selects(placement, placeOf(node))).map(({ daemonSet }) => daemonSet),
  }));
  const twice = selecting.filter(({ by }) => by.length > 1);
  const both = [...new Set(twice.flatMap(({ by }) => by))].join(" and ");
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const without = released.flatMap((pod) => {
    const node = byName.get(pod.spec.nodeName ?? "");
    return node !== undefined && orphanOf(pod, node, wanted).fate === Fate.deleted ? node : [];
  });
  return [
    ...problem(twice, `nodes that one DaemonSet selects; ${both} select these`),
    ...problem(without, "nodes that one DaemonSet selects; none selects these, whose kube-proxy would end"),
  ];
}

function problem(nodes: readonly { readonly name: string }[], accepted: string): Problem[] {
  const mend = "use another snapshot, or edit the DaemonSets' nodeSelector and affinity in this one";
  const value = nodes.map(({ name }) => name);
  return nodes.length === 0 ? [] : [{ path: "SNAPSHOT", value, accepted: `${accepted}: ${mend}` }];
}
