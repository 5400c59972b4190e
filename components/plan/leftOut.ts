/** Rollouts that some nodes cannot join. */
import type { ClusterFacts, NodeFacts } from "../facts/facts.ts";
import type { UpdateStrategy } from "../kubeadm/settings.ts";
import { selects } from "../pools/placement.ts";
import type { Wave } from "../pools/waves.ts";
import { failuresAllowed } from "../pools/budget.ts";
import { unavailableNodes } from "../restart/timeouts.ts";
import { liveOf } from "./drift.ts";
import { isDone } from "./forecast.ts";

/**
 * Annotation by which Pulumi's Kubernetes provider waits for something else than for all nodes.
 *
 * Source: `provider/pkg/jsonpath` and `pkg/await/condition/jsonpath.go`, since 4.24 with the filters of RFC 9535.
 */
export const waitForAnnotation = "pulumi.com/waitFor";

/** A node whose kubelet does not answer: no pod on it ends or becomes Ready. */
export function isDead({ ready }: NodeFacts): boolean {
  return ready === "Unknown";
}

/**
 * A wave whose rollout ends without the nodes that are dead now, and without as many as may fail.
 *
 * - The provider is told to wait for the other nodes: otherwise it waits for all, as the DaemonSet's status counts them.
 * - Dead nodes are unavailable, whatever is done, and would use up `maxUnavailable`: it is that many more.
 *
 * Both stay as they are until the pods change the next time, or a node that comes back would be a change by itself. Where
 * no node is dead and none may fail nothing is different.
 *
 * @param maxFailed - how many nodes may fail; undefined for none
 */
export function withoutDead(wave: Wave, facts: ClusterFacts, maxFailed: number | string | undefined): Wave {
  const live = liveOf(wave, facts);
  if (live !== undefined && isDone(wave, facts)) {
    const waitFor = live.annotations[waitForAnnotation];
    const strategy = live.spec["updateStrategy"] as UpdateStrategy | undefined;
    return waitFor === undefined ? wave : changed(wave, waitFor, strategy?.rollingUpdate?.maxUnavailable);
  }
  const { spec } = wave.daemonSet.spec.template;
  const nodes = facts.nodes.filter(({ name, labels, taints }) =>
    selects(spec, { metadata: { name, labels }, spec: { taints } }),
  );
  const dead = nodes.filter(isDead).length;
  const alive = nodes.length - dead;
  const least = alive - failuresAllowed(maxFailed, alive);
  if (least <= 0 || least === nodes.length) return wave;
  const bound = wave.daemonSet.spec.updateStrategy.rollingUpdate?.maxUnavailable;
  // A percentage of none dead is as it was.
  const raised = dead === 0 ? bound : unavailableNodes(bound, nodes.length) + dead;
  return changed(wave, waitForNodes(least), raised);
}

function changed(wave: Wave, waitFor: string, maxUnavailable: number | string | undefined): Wave {
  const { metadata, spec } = wave.daemonSet;
  const { updateStrategy } = spec;
  return {
    ...wave,
    daemonSet: {
      ...wave.daemonSet,
      metadata: { ...metadata, annotations: { ...metadata.annotations, [waitForAnnotation]: waitFor } },
      spec: {
        ...spec,
        updateStrategy: {
          ...updateStrategy,
          ...(maxUnavailable !== undefined && {
            rollingUpdate: { ...updateStrategy.rollingUpdate, maxUnavailable },
          }),
        },
      },
    },
  };
}

/**
 * "At least so many nodes have a new pod that serves." With `>` alone: the provider takes any other `=` for a value. That
 * the controller has seen the newest change it looks at by itself.
 */
function waitForNodes(least: number): string {
  const more = (field: string) => `@.${field} > ${least - 1}`;
  return `jsonpath={$[?${more("updatedNumberScheduled")} && ${more("numberAvailable")}]}`;
}
