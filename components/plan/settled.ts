import type { ClusterFacts } from "../facts/facts.ts";
import { layoutAnnotation } from "../pools/waves.ts";
import { differing } from "./drift.ts";
import { inTheWay, isDone } from "./forecast.ts";
import type { Wish } from "./intent.ts";
import { objectsOf, type Plan } from "./plan.ts";

/**
 * Whether the cluster has all of kube-proxy as the program wants it, so that the coming `up` changes nothing of it: then there
 * is nothing to say either.
 *
 * Of a ClusterRole of its own the facts have nothing; who binds it they have.
 */
export function isSettled(
  { objects, waves, takeOver, reclaimed }: Plan,
  { held, running }: Pick<Wish, "held" | "running">,
  facts: ClusterFacts,
): boolean {
  const layouts = waves.map(({ daemonSet: { metadata } }) => {
    return [metadata.name, metadata.annotations?.[layoutAnnotation]] as const;
  });
  const runs = () =>
    waves.every((wave) => held.includes(wave.pool ?? "") || isDone(wave, facts)) &&
    inTheWay(new Map(layouts), facts).length === 0 &&
    facts.helpers.length === 0;
  const { clusterRole: _, daemonSet: __, ...others } = objects;
  const live = objectsOf(facts);
  const isThere = (wanted: { readonly kind: string }) =>
    differing(wanted, live.find(({ kind }) => kind === wanted.kind) ?? {}, "").length === 0;
  return (
    takeOver === undefined &&
    reclaimed.length === 0 &&
    (running ? runs() : facts.daemonSets.length === 0) &&
    Object.values(others).every(isThere)
  );
}
