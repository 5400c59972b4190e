import { parseGoDuration } from "../../configuration/goDuration.ts";
import { isRecord } from "../../input/record.ts";
import { oneLine } from "./errors.ts";
import { processAge, syncReasons, type Observation } from "./observation.ts";
import type { Answered, Fleet, Node, ServiceAnswer } from "./types.ts";

/** What the doctor found on one node, as it is in the table and in the JSON. */
export interface Finding {
  readonly node: string;
  /** Name of its kube-proxy pod; null when there is none. */
  readonly pod: string | null;
  /** Seconds since the kube-proxy process started; null when it gave no answer. */
  readonly ageSeconds: number | null;
  /** Seconds since its latest sync; null when it gave no answer or has never synced. */
  readonly lastSyncSeconds: number | null;
  /** Seconds since a sync was asked for that is not done; null when none is pending or it gave no answer. */
  readonly pendingSeconds: number | null;
  readonly mode: string | null;
  /** Whether a new Service answers there; null when its kube-proxy gave no answer. */
  readonly service: ServiceAnswer | null;
  /** `outlier`: it differs from most others, or does not work. `excluded`: the node is NotReady, nobody was asked. */
  readonly verdict: "healthy" | "outlier" | "excluded";
  /** What is wrong, one sentence each. */
  readonly findings: readonly string[];
}

/** What all nodes should have in common. */
interface Traits {
  readonly revision: string;
  readonly mode: string;
  /** Its fields by path, as JSON. */
  readonly configuration: ReadonlyMap<string, string>;
}

/** A node that answered. */
interface Patient {
  readonly node: Node;
  readonly observation: Observation;
  readonly traits: Traits;
}

/** What the Ready nodes answered, by node; nothing of those that were not asked. */
export type Answers = ReadonlyMap<string, Answered>;

/** At most this many differing fields are named. */
const longestList = 3;

/**
 * Compares all nodes' kube-proxies with each other. What most of them have is taken for right: nothing is expected from
 * outside, so that a fleet that is wrong as a whole looks healthy here; that is what {@link verify} is for.
 *
 * @param answers - of the Ready nodes
 */
export function diagnose(fleet: Fleet, answers: Answers): Finding[] {
  const patients = fleet.nodes.flatMap((node) => {
    const observation = answers.get(node.name)?.probed;
    if (observation === undefined || typeof observation === "string") return [];
    return [{ node, observation, traits: traitsOf(node, observation) }];
  });
  const usual = usualTraits(patients);
  const byNode = new Map(patients.map((patient) => [patient.node.name, patient]));
  const findings = fleet.nodes.map((node) => {
    const patient = byNode.get(node.name);
    if (node.notReady !== undefined) {
      return findingOf(node, "excluded", [`the node is NotReady: ${node.notReady}`], undefined);
    }
    const answer = answers.get(node.name);
    const faults = [
      ...podFaults(node),
      ...(typeof answer?.probed === "string" ? [answer.probed] : []),
      ...(patient === undefined
        ? []
        : [...deviations(patient.traits, usual), ...ailments(patient.observation)]),
      ...(answer?.service?.verdict === "fails" ? [answer.service.reason] : []),
    ];
    return findingOf(node, faults.length === 0 ? "healthy" : "outlier", faults, answer);
  });
  const severity = { outlier: 0, excluded: 1, healthy: 2 };
  return findings.sort(
    (a, b) =>
      severity[a.verdict] - severity[b.verdict] ||
      b.findings.length - a.findings.length ||
      a.node.localeCompare(b.node),
  );
}

function podFaults({ pods }: Node): string[] {
  const [pod] = pods;
  if (pod === undefined) return ["no pod of the DaemonSet on this node"];
  if (pods.length > 1)
    return [`${pods.length} pods on this node: ${pods.map(({ name }) => name).join(", ")}`];
  return pod.notReady === undefined ? [] : [`the pod is not Ready: ${pod.notReady}`];
}

function traitsOf({ pods }: Node, { mode, configuration }: Observation): Traits {
  const common = leaves(configuration, "").filter(([path]) => path.toLowerCase() !== "hostnameoverride");
  return { revision: pods[0]?.revision ?? "none", mode, configuration: new Map(common) };
}

function leaves(value: unknown, path: string): [string, string][] {
  if (!isRecord(value)) return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([name, part]) =>
    leaves(part, path === "" ? name : `${path}.${name}`),
  );
}

interface Usual<T> {
  /** Undefined when not even half of the nodes agree. */
  readonly value: T | undefined;
  /** Such as "9 of 10 nodes". */
  readonly who: string;
}

interface UsualTraits {
  readonly revision: Usual<string>;
  readonly mode: Usual<string>;
  readonly configuration: Usual<ReadonlyMap<string, string>>;
}

function usualTraits(patients: readonly Patient[]): UsualTraits {
  const most = <T>(pick: (traits: Traits) => T, key: (value: T) => string): Usual<T> => {
    const groups = Map.groupBy(
      patients.map(({ traits }) => pick(traits)),
      key,
    );
    const largest = [...groups.values()].toSorted((a, b) => b.length - a.length)[0] ?? [];
    const agree = 2 * largest.length > patients.length;
    return { value: agree ? largest[0] : undefined, who: `${largest.length} of ${patients.length} nodes` };
  };
  return {
    revision: most(({ revision }) => revision, String),
    mode: most(({ mode }) => mode, String),
    configuration: most(
      ({ configuration }) => configuration,
      (fields) => JSON.stringify([...fields].toSorted()),
    ),
  };
}

function deviations(traits: Traits, usual: UsualTraits): string[] {
  const found: string[] = [];
  for (const name of ["revision", "mode"] as const) {
    const { value, who } = usual[name];
    if (value === undefined) found.push(`${name} ${traits[name]}: the nodes disagree, none has a majority`);
    else if (traits[name] !== value) found.push(`${name} ${traits[name]}, whereas ${who} have ${value}`);
  }
  const { value: fields, who } = usual.configuration;
  if (fields === undefined) {
    return [...found, "the loaded configuration: the nodes disagree, none has a majority"];
  }
  const paths = new Set([...traits.configuration.keys(), ...fields.keys()]);
  const differing = [...paths].filter((path) => traits.configuration.get(path) !== fields.get(path));
  if (differing.length > 0) {
    const more = differing.length > longestList ? ` and ${differing.length - longestList} more` : "";
    const shown = differing.slice(0, longestList).map(oneLine).join(", ");
    found.push(`the loaded configuration is not that of ${who}: ${shown}${more}`);
  }
  return found;
}

function ailments(observation: Observation): string[] {
  const waits = pendingSeconds(observation);
  const longestWait = 2 * syncPeriodSeconds(observation);
  return [
    ...syncReasons(observation),
    ...[...observation.failures].map(([name, count]) => `${name} is ${count}`),
    ...(waits !== undefined && waits > longestWait
      ? [`a sync has been waiting for ${waits.toFixed(0)} s, longer than two sync periods (${longestWait} s)`]
      : []),
  ];
}

function pendingSeconds({ nodeTime, lastSync, lastQueued }: Observation): number | undefined {
  const waits = [...lastQueued]
    .filter(([family, queued]) => queued > (lastSync.get(family) ?? 0))
    .map(([, queued]) => Math.max(0, nodeTime - queued));
  return waits.length === 0 ? undefined : Math.max(...waits);
}

/** kube-proxy itself calls a sync that waits for two of them unhealthy. Default 30 s, also where it is not shown. */
function syncPeriodSeconds({ mode, configuration }: Observation): number {
  const section = configuration[mode];
  const text = isRecord(section) ? section["syncPeriod"] : undefined;
  const period = typeof text === "string" ? parseGoDuration(text) : undefined;
  return period === undefined || period <= 0n ? 30 : Number(period / 1_000_000n) / 1000;
}

function findingOf(
  node: Node,
  verdict: Finding["verdict"],
  findings: readonly string[],
  answered: Answered | undefined,
): Finding {
  const observation = typeof answered?.probed === "string" ? undefined : answered?.probed;
  const lastSync = Math.max(...(observation?.lastSync.values() ?? []));
  const rounded = (value: number | undefined): number | null =>
    value === undefined ? null : Math.round(value);
  return {
    node: node.name,
    pod: node.pods[0]?.name ?? null,
    ageSeconds: rounded(observation && processAge(observation)),
    lastSyncSeconds: rounded(
      observation && Number.isFinite(lastSync) ? Math.max(0, observation.nodeTime - lastSync) : undefined,
    ),
    pendingSeconds: rounded(observation && pendingSeconds(observation)),
    mode: observation?.mode ?? null,
    service: answered?.service ?? null,
    verdict,
    findings,
  };
}
