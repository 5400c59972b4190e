import type { NodeFacts } from "../facts/facts.ts";
import { Action, isSelected, type WaveIntent } from "../plan/intent.ts";
import { isDead } from "../plan/leftOut.ts";
import { always, type Check, type Finding, never, Severity, whenPodsStart } from "./check.ts";
import { otherProxyCheck } from "./otherProxies.ts";
import { nodesNamed } from "./versions.ts";

/** Checks of what else runs: other kube-proxies, rollouts, and nodes that are not well. */
export const workloadChecks: readonly Check[] = [
  otherProxyCheck,
  {
    name: "rollout-running",
    needs: ["daemonSets"],
    severity: never,
    find: (_, { waves }) => waves.flatMap(runningRollout),
  },
  {
    name: "switched-off",
    needs: ["nodes", "daemonSets"],
    severity: never,
    find: (_, { waves }) => waves.flatMap(switchedOff),
  },
  {
    name: "node-unreachable",
    needs: ["nodes", "daemonSets"],
    severity: always,
    find: (_, { waves }) => waves.filter(replacesPods).flatMap(unreachableNodes),
  },
  {
    name: "node-not-ready",
    needs: ["nodes", "daemonSets"],
    severity: never,
    find: (_, { waves }) =>
      troubled(
        waves,
        ({ ready }) => ready === "False",
        "NotReady: its pod may not become ready either, and counts as unavailable meanwhile",
        "see why, with kubectl describe node",
      ),
  },
  {
    name: "node-cordoned",
    needs: ["nodes", "daemonSets"],
    severity: never,
    find: (_, { waves }) =>
      troubled(
        waves,
        ({ unschedulable = false }) => unschedulable,
        "cordoned: somebody may be at work there, and its kube-proxy is replaced all the same",
        "ask them, or wait until it is back",
      ),
  },
  {
    name: "empty-pool",
    needs: ["nodes"],
    severity: always,
    find: ({ nodes }, { waves }) =>
      nodes.length === 0 ? [] : waves.flatMap((wave) => emptyPool(wave, nodes)),
  },
  {
    name: "priority-class",
    needs: ["priorityClasses"],
    severity: whenPodsStart,
    find: ({ priorityClasses }, { waves }) =>
      [...new Set(waves.map(({ wave }) => wave.daemonSet.spec.template.spec.priorityClassName))]
        .filter((name) => priorityClasses !== undefined && !priorityClasses.includes(name))
        .map((name) => ({
          object: `PriorityClass ${name}`,
          wrong: "is missing: no pod of kube-proxy is admitted",
          remedy: name.startsWith("system-")
            ? "restart an API server, which makes it anew"
            : "create it, or set another priorityClassName",
        })),
  },
];

function runningRollout({ wave, action, live }: WaveIntent): Finding[] {
  if (live === undefined || action === Action.none) {
    return [];
  }
  const { desired, available, updated = desired, observed = true } = live;
  return observed && updated >= desired && available >= desired
    ? []
    : [
        {
          object: `DaemonSet ${wave.daemonSet.metadata.name}`,
          wrong: `is still rolling, or stuck: of ${desired} pods ${updated} are of the newest template, ${available} available`,
          remedy: "wait for it, unless this update is to mend it",
        },
      ];
}

/**
 * A DaemonSet that has been kept from every node, as whoever replaces kube-proxy by something else does: an update that makes
 * it anew brings all its pods up, beside whatever does their work now.
 */
function switchedOff({ wave, action, live, nodes }: WaveIntent): Finding[] {
  const starts = action !== Action.none && action !== Action.foreign && nodes.length > 0;
  return live?.desired === 0 && starts
    ? [
        {
          object: `DaemonSet ${wave.daemonSet.metadata.name}`,
          wrong: `has no pods, since it selects no node: somebody may have switched it off so, and this update starts one on ${nodesNamed(nodes)}`,
          remedy: "see why it is off; running: false, or a nodeSelector of yours, keeps it so",
        },
      ]
    : [];
}

function replacesPods({ action }: WaveIntent): boolean {
  return action !== Action.none && action !== Action.create;
}

/**
 * Nodes whose kubelet is gone. A rolling update leaves them out, see `withoutDead`. But a pod there never ends, so that a
 * deletion in the foreground waits for ever; and where all are dead there is nobody to wait for.
 */
function unreachableNodes({ wave, nodes, action, outlives }: WaveIntent): Finding[] {
  const dead = nodes.filter(isDead);
  if (dead.length === 0) {
    return [];
  }
  const object = `${nodesNamed(dead)}${wave.pool === undefined ? "" : ` of pool ${wave.pool}`}`;
  const deletesAll = action === Action.restart && !outlives;
  return deletesAll || dead.length === nodes.length
    ? [
        {
          object,
          wrong: deletesAll
            ? "the kubelet does not answer: its pod never ends, and the deletion of all pods waits for it in vain"
            : "the kubelets do not answer: there is no other node to replace a pod on",
          remedy: "repair it, or take it out of the cluster with kubectl delete node",
        },
      ]
    : [
        {
          object,
          wrong: "the kubelet does not answer: it is left out of the rollout and its proof",
          remedy: "it gets the new pod by itself when it is back",
          severity: Severity.warning,
        },
      ];
}

function troubled(
  waves: readonly WaveIntent[],
  is: (node: NodeFacts) => boolean,
  wrong: string,
  remedy: string,
): Finding[] {
  const found = waves.filter(replacesPods).flatMap(({ nodes }) => nodes.filter(is));
  return found.length === 0 ? [] : [{ object: nodesNamed(found), wrong, remedy }];
}

/** A pool without a node: the wave would prove nothing, and the next one follow at once. The last one may wait for nodes. */
function emptyPool({ wave, isLast }: WaveIntent, nodes: readonly NodeFacts[]): Finding[] {
  return isLast || nodes.some((node) => isSelected(wave, node))
    ? []
    : [
        {
          object: `pool ${wave.pool ?? ""}`,
          wrong: "has no node now: a wave without one proves nothing to the next",
          remedy: "choose labels that nodes have, or leave the pool out",
        },
      ];
}
