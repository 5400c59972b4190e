import type { ClusterFacts, DaemonSetFacts } from "../facts/facts.ts";
import type { OtherDaemonSetFacts, RequirementFacts } from "../facts/surroundings.ts";
import { listed } from "../input/problems.ts";
import { repositoryOf } from "../kubeadm/image.ts";
import { Action, type Intent, type WaveIntent } from "../plan/intent.ts";
import { restartAnnotation } from "../restart/restart.ts";
import { type Check, type Finding, Severity } from "./check.ts";
import { nodesNamed } from "./versions.ts";

/** Looks for whatever else does kube-proxy's work. */
export const otherProxyCheck: Check = {
  name: "other-proxy",
  needs: ["nodes", "otherDaemonSets", "staticPods", "dataPlanes"],
  severity: ({ waves }) =>
    waves.some(({ action }) => action === Action.create || action === Action.takeOver)
      ? Severity.error
      : Severity.warning,
  find: otherProxies,
};

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

function otherProxies(facts: ClusterFacts, { waves }: Intent): Finding[] {
  const strange = facts.daemonSets.filter((one) => isStrange(one, waves)).map(({ name }) => name);
  return waves.length === 0 ? [] : proxiesBeside(facts, strange);
}

/** What tells of another proxy. */
export type ProxySigns = Pick<ClusterFacts, "nodes" | "otherDaemonSets" | "staticPods" | "dataPlanes">;

/**
 * Whatever else does kube-proxy's work. Only signs that leave no doubt: two kube-proxies on a node write each other's rules
 * away.
 *
 * @param strange - names of DaemonSets in kube-system that are known to be one
 */
export function proxiesBeside(facts: ProxySigns, strange: readonly string[] = []): Finding[] {
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
      ...strange.map((name) => `kube-system/${name}`),
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

/** Architectures by which Kubernetes named its images before they had lists of them. */
const architecture = /-(amd64|arm|arm64|ppc64le|riscv64|s390x)$/;

/** By its image, or by what is run in one that has other programs as well, such as hyperkube. */
function isProxy({ namespace, name, containers, ...placement }: OtherDaemonSetFacts): boolean {
  // kubeadm's own one is told by who cannot make it twice.
  const isKubeadms = namespace === "kube-system" && name === "kube-proxy";
  return (
    !isKubeadms &&
    !isForWindows(placement) &&
    containers.some(({ image, command }) => {
      const repository = repositoryOf(image).replace(architecture, "");
      const [program = ""] = command;
      return (
        /(^|\/)kube-proxy$/.test(repository) ||
        /(^|\/)kube-proxy$/.test(program) ||
        (/(^|\/)hyperkube$/.test(repository) && command.some((word) => /^(kube-)?proxy$/.test(word))) ||
        (/(^|\/)kube-router$/.test(repository) && !command.includes("--run-service-proxy=false"))
      );
    })
  );
}

/** Whether its pods go to no node of Linux, however it says so. */
function isForWindows({
  nodeSelector,
  os,
  terms = [],
}: Pick<OtherDaemonSetFacts, "nodeSelector" | "os" | "terms">): boolean {
  const isWindows = ({ key, operator, values = [] }: RequirementFacts) =>
    (key.endsWith("/os") && operator === "In" && values.every((value) => value === "windows")) ||
    (key.endsWith("/os") && operator === "NotIn" && values.includes("linux")) ||
    (key === windowsBuild && ["In", "Exists", "Gt", "Lt"].includes(operator));
  const selected = Object.entries(nodeSelector).map(([key, value]) => ({
    key,
    operator: "In",
    values: [value],
  }));
  return (
    os === "windows" ||
    selected.some(isWindows) ||
    (terms.length > 0 && terms.every(({ matchExpressions = [] }) => matchExpressions.some(isWindows)))
  );
}

/** The kubelet's label of Windows nodes alone. */
const windowsBuild = "node.kubernetes.io/windows-build";
