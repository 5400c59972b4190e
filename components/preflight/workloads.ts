import { repositoryOf } from "../kubeadm/image.ts";
import type { ClusterFacts, DaemonSetFacts, NodeFacts } from "../facts/facts.ts";
import type { OtherDaemonSetFacts } from "../facts/surroundings.ts";
import { listed } from "../input/problems.ts";
import { Action, type Intent, isSelected, type WaveIntent } from "../plan/intent.ts";
import { isDead } from "../plan/leftOut.ts";
import { restartAnnotation } from "../restart/restart.ts";
import { always, type Check, type Finding, never, Severity, whenPodsStart } from "./check.ts";
import { nodesNamed } from "./versions.ts";

/** Checks of what else runs: other kube-proxies, rollouts, and nodes that are not well. */
export const workloadChecks: readonly Check[] = [
  {
    name: "other-proxy",
    needs: ["nodes", "otherDaemonSets", "staticPods", "dataPlanes"],
    severity: ({ waves }) =>
      waves.some(({ action }) => action === Action.create || action === Action.takeOver)
        ? Severity.error
        : Severity.warning,
    find: otherProxies,
  },
  {
    name: "rollout-running",
    needs: ["daemonSets"],
    severity: never,
    find: (_, { waves }) => waves.flatMap(runningRollout),
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
          remedy: "restart an API server, which makes it anew",
        })),
  },
];

/** Distributions whose nodes have a kube-proxy of their own, by what their kubelet calls itself. */
const distributions = [
  { name: "k3s", version: /\+k3s/, remedy: "k3s has kube-proxy in its own process: --disable-kube-proxy" },
  { name: "RKE2", version: /\+rke2/, remedy: "RKE2 runs it as a static pod: disable-kube-proxy: true" },
  {
    name: "k0s",
    version: /\+k0s/,
    remedy: "k0s manages a DaemonSet of its own: spec.network.kubeProxy.disabled",
  },
] as const;

const openShiftLabel = "node.openshift.io/os_id";

/** Only signs that leave no doubt: two kube-proxies on a node write each other's rules away. */
function otherProxies(facts: ClusterFacts, { waves }: Intent): Finding[] {
  if (waves.length === 0) {
    return [];
  }
  const { nodes, otherDaemonSets = [], staticPods = [], dataPlanes = [] } = facts;
  const enabled = ["true", "strict", "enabled", "1"];
  return [
    ...distributions.flatMap(({ name, version, remedy }) => {
      const found = nodes.filter(({ system }) => version.test(system?.kubelet ?? ""));
      return found.length === 0
        ? []
        : [{ object: nodesNamed(found), wrong: `${name}, which has a kube-proxy of its own`, remedy }];
    }),
    ...[nodes.filter(({ labels }) => openShiftLabel in labels)]
      .filter((found) => found.length > 0)
      .map((found) => ({
        object: nodesNamed(found),
        wrong: "OpenShift, whose network operator does kube-proxy's work",
        remedy: "leave kube-proxy to it",
      })),
    ...[
      ...otherDaemonSets.filter(isProxy).map(({ namespace, name }) => `${namespace}/${name}`),
      ...facts.daemonSets.filter((one) => isStrange(one, waves)).map(({ name }) => `kube-system/${name}`),
    ].map((name) => ({
      object: `DaemonSet ${name}`,
      wrong: "does kube-proxy's work, too",
      remedy: "delete it, or switch its service proxy off, before this one comes",
    })),
    ...(staticPods.length === 0
      ? []
      : [
          {
            object: `static pods ${listed(staticPods.map(({ namespace, name }) => `${namespace}/${name}`))}`,
            wrong: "kube-proxy, too, which the kubelet runs from a file",
            remedy: "take the file out of the nodes' staticPodPath",
          },
        ]),
    ...dataPlanes
      .filter(({ value }) => enabled.includes(value.toLowerCase()))
      .map(({ plugin, setting, value }) => ({
        object: plugin,
        wrong: `does kube-proxy's work itself: ${setting} is ${value}`,
        remedy: "switch that off, or leave kube-proxy out",
      })),
  ];
}

/** Neither this program's nor kubeadm's. */
function isStrange({ name, annotations }: DaemonSetFacts, waves: readonly WaveIntent[]): boolean {
  const isWanted = waves.some(({ wave }) => wave.daemonSet.metadata.name === name);
  return !(restartAnnotation in annotations) && !isWanted && name !== "kube-proxy";
}

function isProxy({ namespace, name, nodeSelector, containers }: OtherDaemonSetFacts): boolean {
  const isWindows = Object.entries(nodeSelector).some(([key, os]) => key.endsWith("/os") && os === "windows");
  // kubeadm's own one is told by who cannot make it twice.
  const isKubeadms = namespace === "kube-system" && name === "kube-proxy";
  return (
    !isWindows &&
    !isKubeadms &&
    containers.some(({ image, command }) => {
      const repository = repositoryOf(image);
      return (
        /(^|\/)kube-proxy$/.test(repository) ||
        (/(^|\/)kube-router$/.test(repository) && !command.includes("--run-service-proxy=false"))
      );
    })
  );
}

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
