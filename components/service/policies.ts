import type { SelectorFacts } from "../facts/surroundings.ts";
import { shellWord } from "../input/printable.ts";
import { listed } from "../input/problems.ts";
import { matches } from "../pools/placement.ts";
import { type Case, type Finder, kubectl, nameOf, portNamed } from "./case.ts";
import type { Pod, Policy, PolicyPort, ServicePort } from "./facts.ts";
import { type Finding, finding } from "./finding.ts";
import type { KindName } from "./kinds.ts";

/**
 * NetworkPolicies that select a Service's pods, and what they let in. A pod that one selects gets what any of them lets in.
 * Whether the network plugin keeps to them is known to nobody but the plugin.
 *
 * Source: the NetworkPolicy API (networking.k8s.io/v1): podSelector, policyTypes, ingress; pods on the host's network are not
 * subject to them.
 */
export const policies: Finder = {
  needs: ["pods", "policies"],
  find: (one) => {
    const selected = one.livePods
      .filter(({ hostNetwork, ready }) => !hostNetwork && ready)
      .map((pod) => ({ pod, by: one.policies.filter((policy) => restricts(policy, pod)) }));
    if (selected.every(({ by }) => by.length === 0)) return [];
    const found = one.service.ports.flatMap((port) => ofPort(one, port, selected));
    return found.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)).slice(0, 1);
  },
};

/** The worst first. */
const order: readonly KindName[] = ["policy-nothing", "policy-port", "policy-some", "policy-peers"];

interface Selected {
  readonly pod: Pod;
  readonly by: readonly Policy[];
}

function ofPort(one: Case, port: ServicePort, selected: readonly Selected[]): Finding[] {
  const let_ = selected.map((each) => ({ ...each, lets: letIn(each, port) }));
  const closed = let_.filter(({ lets }) => lets === "nothing" || lets === "other-ports");
  const some = let_.filter(({ lets }) => lets === "some");
  const told = closed.length > 0 ? closed : some;
  if (told.length === 0) return [];
  const names = [...new Set(told.flatMap(({ by }) => by.map(({ name }) => name)))];
  const which = `${names.length === 1 ? "NetworkPolicy" : "NetworkPolicies"} ${listed(names)}`;
  const kind: KindName =
    closed.length === 0
      ? "policy-peers"
      : closed.length < selected.length
        ? "policy-some"
        : closed.every(({ lets }) => lets === "nothing")
          ? "policy-nothing"
          : "policy-port";
  const what = {
    "policy-nothing": `${which} ${verb(names)} all of its pods and ${lets(names)} nobody in`,
    "policy-port": `${which} ${verb(names)} all of its pods and ${lets(names)} nobody in where its ${portNamed(port)} leads`,
    "policy-some": `${which} ${lets(names)} nobody in to ${closed.length} of its ${selected.length} pods where its ${portNamed(port)} leads, such as ${closed[0]?.pod.name ?? ""}`,
    "policy-peers": `${which} ${lets(names)} in some pods, namespaces or addresses where its ${portNamed(port)} leads, and nobody else`,
  }[kind as "policy-peers"];
  return [
    finding(kind, {
      object: nameOf(one.service),
      words: `${what}. Whether the network plugin keeps to that cannot be seen from here.`,
      next: {
        words: "See what is let in",
        command: kubectl(one.service, `describe networkpolicy ${names.slice(0, 3).map(shellWord).join(" ")}`),
      },
    }),
  ];
}

const verb = (names: readonly string[]) => (names.length === 1 ? "selects" : "select");
const lets = (names: readonly string[]) => (names.length === 1 ? "lets" : "let");

function restricts({ ingress, pods }: Policy, { labels }: Pod): boolean {
  return ingress !== undefined && isSelected(pods, labels);
}

const operators: readonly string[] = ["In", "NotIn", "Exists", "DoesNotExist"];

function isSelected(selector: SelectorFacts, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    // What is no operator of a label selector selects nothing.
    matchExpressions.every((one) => operators.includes(one.operator) && matches(labels, one))
  );
}

/** What is let in at a pod's port: `all`, `some`, only at `other-ports`, or `nothing`. */
function letIn({ pod, by }: Selected, port: ServicePort): "all" | "some" | "other-ports" | "nothing" {
  if (by.length === 0) return "all";
  const rules = by.flatMap(({ ingress = [] }) => ingress);
  if (rules.length === 0) return "nothing";
  const target = targetOf(pod, port);
  const fitting = rules.filter(
    ({ ports }) => ports.length === 0 || ports.some((one) => target === undefined || fits(one, pod, target)),
  );
  if (fitting.length === 0) return "other-ports";
  return fitting.some(({ fromAll }) => fromAll) ? "all" : "some";
}

interface Target {
  readonly port: number;
  readonly protocol: string;
}

/** Where a Service's port leads in a pod; undefined where the pod declares no such name. */
function targetOf(pod: Pod, { targetPort, protocol }: ServicePort): Target | undefined {
  if (typeof targetPort === "number") return { port: targetPort, protocol };
  const declared = pod.ports.find((one) => one.name === targetPort && one.protocol === protocol);
  return declared && { port: declared.port, protocol };
}

function fits({ protocol, port, endPort }: PolicyPort, pod: Pod, target: Target): boolean {
  if (protocol !== target.protocol) return false;
  if (port === undefined) return true;
  if (typeof port === "number") return target.port >= port && target.port <= (endPort ?? port);
  return pod.ports.some((one) => one.name === port && one.protocol === protocol && one.port === target.port);
}
