import type { Problem } from "../input/problems.ts";
import { type ClusterFacts, isDecisive } from "./facts.ts";

/** What each fact is called in a sentence, where its own name does not say it. */
const factNames: Partial<Record<keyof ClusterFacts, string>> = {
  daemonSets: "the DaemonSets of kube-system",
  configMaps: "the ConfigMaps of kube-system",
  helpers: "the pods of kube-system",
  objects: "kube-proxy's own objects",
  clusterConfiguration: "ConfigMap kubeadm-config",
  serverVersion: "the API server's version",
  namespace: "Namespace kube-system",
  webhooks: "the webhooks",
  quotas: "the ResourceQuotas of kube-system",
  clusterRoles: "ClusterRole system:node-proxier",
  priorityClasses: "the PriorityClasses",
  serviceCIDRs: "the ServiceCIDRs",
  apiServers: "the EndpointSlices of Service kubernetes",
  otherDaemonSets: "the DaemonSets of all namespaces",
  controllers: "what makes pods in kube-system",
  staticPods: "the pods of kube-system",
  dataPlanes: "the network plugin's settings",
  denied: "your rights",
};

/** What a fact is called in a sentence. */
export function nameOfFact(fact: string): string {
  return factNames[fact as keyof ClusterFacts] ?? `the ${fact}`;
}

/** What {@link unreadProblems} are in, for their heading: no setting, so that nobody looks for the mistake there. */
export const readingCluster = "reading the cluster; nothing was changed";

/**
 * What decides what an `up` does and could not be read, why, and what to do. None of it is a mistake in the settings.
 *
 * @param needing - gives the settings that cannot do without a fact; only those facts are told. Default: nothing can
 */
export function unreadProblems(
  { unread = {} }: ClusterFacts,
  needing?: (fact: string) => readonly string[],
): Problem[] {
  return Object.entries(unread)
    .filter(([fact]) => isDecisive(fact) && needing?.(fact).length !== 0)
    .map(([fact, why]) => {
      const who = needing === undefined ? "" : `, which ${needing(fact).join(" and ")} cannot do without`;
      return { path: nameOfFact(fact), accepted: `cannot be read${who}: ${why}; ${remedyOf(why)}` };
    });
}

/** What could not be read begins with the API server's status, where it has answered at all. */
function remedyOf(why: string): string {
  return /^40[13]\b/.test(why)
    ? "use a user with the rights in docs/rbac.md"
    : "run it again once the API server answers that";
}
