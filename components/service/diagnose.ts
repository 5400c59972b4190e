import { clusterIPs, podAddresses } from "./addresses.ts";
import { type Case, caseOf, type Finder, isHeadless, type Part, usedEndpoints } from "./case.ts";
import { diagnoseCluster } from "./cluster.ts";
import { appProtocols, existence, type Missing, missing } from "./existence.ts";
import { balancers, externalAddresses, nodePorts } from "./exposure.ts";
import type { Service, ServiceFacts, ServicePort } from "./facts.ts";
import { families, familyPolicy } from "./families.ts";
import type { Finding } from "./finding.ts";
import { Lookup } from "./lookup.ts";
import { deadNodes, pods } from "./pods.ts";
import { policies } from "./policies.ts";
import { ports } from "./ports.ts";
import { selector } from "./selector.ts";
import { slicePorts } from "./slicePorts.ts";
import { slicesByHand, slicesOfPods, takenSlices } from "./slices.ts";
import { affinity, hints, localPolicies } from "./traffic.ts";
import {
  type EndpointReport,
  faultOfEndpoints,
  type NodeReport,
  silentAmong,
  type ToTry,
  type Trial,
  tryOf,
} from "./trial.ts";
import { untriedOf } from "./untried.ts";
import { type Verdict, verdictOf } from "./verdict.ts";
import { severities, Severity } from "./weights.ts";

/** What was found out of one Service; as it is in the JSON. */
export interface ServiceDiagnosis {
  readonly namespace: string;
  readonly name: string;
  /** `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`; null where there is no such Service. */
  readonly type: string | null;
  /** Its ClusterIPs; `None` alone for a headless one. */
  readonly addresses: readonly string[];
  readonly ports: readonly ServicePort[];
  /** Endpoints to which kube-proxy leads, and on how many nodes they are; null where they could not be read. */
  readonly endpoints: { readonly ready: number; readonly nodes: number } | null;
  /** Whether nothing was found that keeps it, or a part of it, from answering. */
  readonly ok: boolean;
  readonly verdict: Verdict;
  /** The worst first. */
  readonly findings: readonly Finding[];
  /** What is known of the nodes; null where none was asked. */
  readonly nodes: readonly NodeReport[] | null;
  /** What endpoints said when they were asked by themselves, ten at most; null where none was. */
  readonly tried: readonly EndpointReport[] | null;
  /** What no trial can tell, one sentence each; null where nothing was tried. */
  readonly untried: readonly string[] | null;
  /** What could not be read, by its name, and why. */
  readonly unread: Readonly<Record<string, string>>;
}

/** What was found out of all Services; as it is in the JSON. */
export interface AllDiagnosis {
  /** Whether nothing was found that keeps a Service, or a part of it, from answering. */
  readonly ok: boolean;
  /** How many Services there are. */
  readonly services: number;
  /** How many of them have findings, by the worst one. */
  readonly counts: Readonly<Record<Severity, number>>;
  /** What concerns all of them alike. */
  readonly cluster: readonly Finding[];
  /** Those with findings, the worst first. */
  readonly diagnoses: readonly ServiceDiagnosis[];
  readonly unread: Readonly<Record<string, string>>;
}

/**
 * From the cause to what comes of it: where one stage has found what stops a Service, the later ones would tell the same thing
 * otherwise.
 */
const stages: readonly (readonly Finder[])[] = [
  [existence],
  [selector, pods, slicesByHand],
  [families, ports],
  [slicesOfPods, takenSlices, slicePorts],
  [deadNodes, familyPolicy, appProtocols, localPolicies, hints, affinity],
  [balancers, externalAddresses, nodePorts, policies, clusterIPs, podAddresses],
];

/** Those that are of a Service in which kube-proxy has no part: an ExternalName, and a headless one. */
const stagesOfNames = 1;
const stagesOfHeadless = 2;

/** Without these nobody knows whether there is anything to lead to; without the pods they still tell that. */
const decisive: readonly Part[] = ["slices"];

/**
 * Finds out why a Service does not answer, by the cluster's objects alone.
 *
 * @param trial - what was tried; undefined where nothing was
 * @returns undefined where the facts have no such Service, see {@link diagnoseMissing}
 */
export function diagnose(
  facts: ServiceFacts,
  { namespace, name }: Pick<Service, "namespace" | "name">,
  trial?: Trial,
): ServiceDiagnosis | undefined {
  const service = serviceOf(facts, { namespace, name });
  if (service === undefined) return undefined;
  const about = diagnoseCluster(facts);
  return diagnosisOf(caseOf(service, new Lookup(facts)), about, trial);
}

function serviceOf(
  { services }: ServiceFacts,
  { namespace, name }: Pick<Service, "namespace" | "name">,
): Service | undefined {
  return services.find((one) => one.namespace === namespace && one.name === name);
}

/**
 * What to try of a Service.
 *
 * @param diagnosis - what {@link diagnose} says of it without a trial
 * @returns undefined where there is nothing to try: no such Service, or what was found stops it anyhow
 */
export function toTry(facts: ServiceFacts, diagnosis: ServiceDiagnosis): ToTry | undefined {
  const service = serviceOf(facts, diagnosis);
  const isStopped = diagnosis.findings.some(({ severity }) => severity === Severity.stops);
  if (service === undefined || !hasPart(service) || isStopped) return undefined;
  if (facts.slices === undefined) return { endpoints: [], nodePort: undefined, changedAt: undefined };
  return tryOf(caseOf(service, new Lookup(facts)));
}

/** Says of a Service that is not there what there is. */
export function diagnoseMissing(looked: Missing, unread: ServiceFacts["unread"] = {}): ServiceDiagnosis {
  const { namespace, name } = looked;
  const findings = [missing(looked)];
  return {
    ...{ namespace, name, type: null, addresses: [], ports: [], endpoints: null, ok: false },
    ...{ verdict: verdictOf({ findings, unread: [] }), findings },
    ...{ nodes: null, tried: null, untried: null, unread },
  };
}

/** Finds out of all Services what may keep them from answering. */
export function diagnoseAll(facts: ServiceFacts): AllDiagnosis {
  const lookup = new Lookup(facts);
  const cluster = inOrder(diagnoseCluster(facts));
  const diagnoses = facts.services
    .map((service) => diagnosisOf(caseOf(service, lookup), []))
    .filter(({ findings }) => findings.length > 0)
    .sort(
      (a, b) =>
        weightOf(a) - weightOf(b) ||
        b.findings.length - a.findings.length ||
        `${a.namespace}/${a.name}`.localeCompare(`${b.namespace}/${b.name}`),
    );
  const counts = Object.fromEntries(
    severities.map((severity) => [
      severity,
      diagnoses.filter(({ findings: [worst] }) => worst?.severity === severity).length,
    ]),
  ) as Record<Severity, number>;
  const ok = diagnoses.every((one) => one.ok) && !cluster.some(stopsAny) && isWhole(facts);
  return { ok, services: facts.services.length, counts, cluster, diagnoses, unread: facts.unread };
}

function weightOf({ findings: [worst] }: ServiceDiagnosis): number {
  return worst === undefined ? severities.length : severities.indexOf(worst.severity);
}

function diagnosisOf(one: Case, cluster: readonly Finding[], trial: Trial = {}): ServiceDiagnosis {
  const { service, lookup } = one;
  const findings = inOrder([...findingsOf(one), ...(hasPart(service) ? cluster : [])]);
  const { facts } = lookup;
  const unread = hasPart(service) ? decisive.filter((part) => facts[part] === undefined) : [];
  const used = facts.slices === undefined ? undefined : usedEndpoints(one);
  const { nodes, endpoints, untried = {} } = trial;
  const isBad =
    (nodes?.some(({ verdict }) => verdict === "faulty" || verdict === "elsewhere") ?? false) ||
    faultOfEndpoints(endpoints ?? []) !== undefined ||
    silentAmong(endpoints ?? []).length > 0;
  return {
    namespace: service.namespace,
    name: service.name,
    type: service.type,
    addresses: service.clusterIPs,
    ports: service.ports,
    endpoints: used === undefined ? null : { ready: used.length, nodes: countNodes(used) },
    ok: !findings.some(stopsAny) && unread.length === 0 && !isBad,
    verdict: verdictOf({ findings, unread: unread.map(nameOfPart), trial }),
    findings,
    nodes: nodes ?? null,
    tried: endpoints ?? null,
    untried: nodes === undefined && endpoints === undefined ? null : untriedOf(one),
    unread: { ...facts.unread, ...untried },
  };
}

function countNodes(used: readonly { readonly node: string }[]): number {
  return new Set(used.map(({ node }) => node).filter((node) => node !== "")).size;
}

function isWhole(facts: ServiceFacts): boolean {
  return decisive.every((part) => facts[part] !== undefined);
}

function stopsAny({ severity }: Finding): boolean {
  return severity === Severity.stops || severity === Severity.some;
}

/** Whether a Service is one for kube-proxy at all. */
function hasPart(service: Service): boolean {
  return service.type !== "ExternalName" && !isHeadless(service);
}

function findingsOf(one: Case): Finding[] {
  const { service, lookup } = one;
  const reached =
    service.type === "ExternalName" ? stagesOfNames : isHeadless(service) ? stagesOfHeadless : stages.length;
  const found: Finding[] = [];
  for (const stage of stages.slice(0, reached)) {
    for (const { needs, find } of stage) {
      if (needs.every((part) => lookup.facts[part] !== undefined)) found.push(...find(one));
    }
    if (found.some(({ severity }) => severity === Severity.stops)) break;
  }
  return found;
}

/** The worst first; those that weigh the same stay in their order. */
function inOrder(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

const partNames: Readonly<Record<string, string>> = {
  slices: "the EndpointSlices",
  endpoints: "the Endpoints",
  pods: "the pods",
  policies: "the NetworkPolicies",
  nodes: "the nodes",
  serviceCIDRs: "the ServiceCIDRs",
  kubeadm: "ConfigMap kubeadm-config",
  proxies: "the DaemonSets of kube-system",
  configMaps: "kube-proxy's ConfigMaps",
  otherDaemonSets: "the DaemonSets of all namespaces",
  staticPods: "the pods of kube-system",
  dataPlanes: "the network plugin's settings",
  namespaces: "the namespaces",
  kubeProxies: "the nodes' kube-proxies",
  endpointsAlone: "the endpoints by themselves",
  endpointsFromNodes: "the endpoints from each node",
  nodePort: "the Service's own NodePort",
  services: "the Services",
};

/** What a part of the facts is called in a sentence. */
export function nameOfPart(part: string): string {
  return partNames[part] ?? part;
}
