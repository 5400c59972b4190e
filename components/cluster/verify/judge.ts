import { excuseOf } from "./baseline.ts";
import { differingFields } from "./configuration.ts";
import { processAge, syncDelay, syncReasons, type Observation } from "./observation.ts";
import type {
  Answered,
  Baseline,
  Expectation,
  Fleet,
  Node,
  NodeResult,
  Pod,
  Report,
  Verdict,
} from "./types.ts";

/** What {@link judgeNode} holds a node against: the expectation, completed from the cluster. */
export interface Standard {
  readonly revision: string | undefined;
  readonly token: string | undefined;
  readonly configHash: string | undefined;
  readonly mode: string | undefined;
  readonly configuration: Readonly<Record<string, unknown>> | undefined;
  readonly since: Date | undefined;
  readonly allowFailures?: boolean | undefined;
  /** How the nodes were before the change that is proved. */
  readonly baseline?: Baseline | undefined;
}

/** What a process itself is held against. */
export type LoadedStandard = Pick<Standard, "mode" | "configuration" | "since" | "allowFailures">;

/**
 * How much earlier than `since` a process may seem to have started, in seconds. Its age is measured on the node's own
 * clock, so that clocks need not agree; but the kernel gives a process' start in whole seconds of the boot time, and
 * the node its own time in whole seconds. A process from before the restart is older by more than that, or has been
 * told apart by its pod's revision already.
 */
const clockPrecision = 2;

/** Longest value of a configuration's field that a reason shows. */
const longestShown = 60;

/** Completes an expectation with what the cluster itself says. */
export function standardOf(
  expectation: Expectation,
  declared: Readonly<Record<string, unknown>> | undefined,
  fleet: Fleet,
): Standard {
  const configuration = declared ?? fleet.configuration;
  const { token, configHash, since, allowFailures, baseline } = expectation;
  const mode = expectation.mode ?? configuration?.["mode"];
  return {
    revision: fleet.revision,
    token,
    configHash,
    mode: typeof mode === "string" ? mode : configuration && "",
    configuration,
    since,
    allowFailures,
    baseline,
  };
}

/** The node's verdict from what the API server knows alone; undefined when its kube-proxy has to be asked. */
export function judgeFromCluster(node: Node, standard: Standard): NodeResult | undefined {
  if (node.notReady !== undefined) {
    const isNotReady = `the node is NotReady: ${node.notReady}`;
    if (standard.baseline === undefined) return result(node, "excluded", [isNotReady]);
    const excuse = excuseOf(node, standard.baseline);
    return excuse === undefined
      ? result(node, "failed", [`${isNotReady}; before the change it was Ready`])
      : result(node, "excluded", [`${isNotReady}; ${excuse}`]);
  }
  const reasons = podReasons(node.pods, standard);
  return reasons.length === 0 ? undefined : result(node, "failed", reasons);
}

/** The node's verdict from what it answered, for a node about which {@link judgeFromCluster} was silent. */
export function judgeAnswers(
  node: Node,
  { probed, service }: Answered,
  standard: LoadedStandard,
): NodeResult {
  const reasons = [
    ...(typeof probed === "string" ? [probed] : observationReasons(probed, standard)),
    ...(service?.verdict === "fails" ? [service.reason] : []),
  ];
  const verdict = reasons.length === 0 ? "verified" : "failed";
  return result(node, verdict, reasons, { probed, service });
}

/**
 * A node that has passed, until it has sent a sign of life after that.
 *
 * @param why - why nobody can tell; undefined where there was none
 */
export function unheard(passed: NodeResult, why: string | undefined): NodeResult {
  const reason = why === undefined ? "its kubelet has not renewed the node's Lease since" : why;
  return { ...passed, verdict: "failed", reasons: [`it has passed, but ${reason}`] };
}

function observationReasons(observation: Observation, standard: LoadedStandard): string[] {
  return [
    ...startReasons(observation, standard.since),
    ...syncReasons(observation),
    ...(standard.allowFailures === true ? [] : failureReasons(observation)),
    ...configurationReasons(observation, standard),
  ];
}

function podReasons(pods: readonly Pod[], standard: Standard): string[] {
  const [pod] = pods;
  if (pod === undefined) return ["no pod of the DaemonSet on this node"];
  if (pods.length > 1)
    return [`${pods.length} pods on this node: ${pods.map(({ name }) => name).join(", ")}`];
  if (standard.revision === undefined) {
    return ["the DaemonSet's controller has not seen the latest change of the DaemonSet"];
  }
  const differs = (what: string, found: string | undefined, expected: string | undefined): string[] =>
    expected === undefined || found === expected
      ? []
      : [`${what} is ${quote(found)}, not ${quote(expected)}`];
  return [
    ...differs("the pod's revision", pod.revision, standard.revision),
    ...differs("the pod's restart token", pod.token, standard.token),
    ...differs("the pod's configuration hash", pod.configHash, standard.configHash),
    ...(pod.notReady === undefined ? [] : [`the pod is not Ready: ${pod.notReady}`]),
  ];
}

function startReasons(observation: Observation, since: Date | undefined): string[] {
  if (since === undefined) return [];
  const started = observation.localTime - processAge(observation);
  const early = since.getTime() / 1000 - started;
  return early <= clockPrecision
    ? []
    : [`its process started ${early.toFixed(1)} s before the restart began`];
}

function failureReasons({ failures }: Observation): string[] {
  return [...failures].map(([name, count]) => `${name} is ${count}, not 0`);
}

function configurationReasons(observation: Observation, { mode, configuration }: LoadedStandard): string[] {
  const expected = mode === "" ? "iptables" : mode;
  const wrongMode = expected !== undefined && observation.mode !== expected;
  const fields = differingFields(configuration ?? {}, observation.configuration)
    // An explicit mode counts more than the declared one, and is checked above.
    .filter(({ path }) => path !== "mode")
    .map(({ path, declared, loaded }) => `it has loaded ${path} ${quote(loaded)}, not ${quote(declared)}`);
  return [...(wrongMode ? [`it runs in mode ${observation.mode}, not ${expected}`] : []), ...fields];
}

function result(node: Node, verdict: Verdict, reasons: readonly string[], answered?: Answered): NodeResult {
  const observation = typeof answered?.probed === "string" ? undefined : answered?.probed;
  return {
    node: node.name,
    pod: node.pods[0]?.name ?? null,
    ageSeconds: round(observation && processAge(observation)),
    syncDelaySeconds: round(observation && syncDelay(observation)),
    mode: observation?.mode ?? null,
    service: answered?.service ?? null,
    verdict,
    reasons,
  };
}

const severity: Readonly<Record<Verdict, number>> = { failed: 0, excluded: 1, verified: 2 };

/** Puts the results together, the worst first. */
export function reportOf(daemonSet: string, results: readonly NodeResult[], milliseconds: number): Report {
  const count = (wanted: Verdict): number => results.filter(({ verdict }) => verdict === wanted).length;
  const [verified, failed, excluded] = [count("verified"), count("failed"), count("excluded")];
  const nodes = results.toSorted(
    (a, b) =>
      severity[a.verdict] - severity[b.verdict] ||
      (b.syncDelaySeconds ?? 0) - (a.syncDelaySeconds ?? 0) ||
      a.node.localeCompare(b.node),
  );
  const ok = failed === 0 && verified > 0;
  return { daemonSet, ok, verified, failed, excluded, seconds: milliseconds / 1000, nodes };
}

function round(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1000) / 1000;
}

function quote(value: unknown): string {
  const text = value === undefined ? "unset" : JSON.stringify(value);
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}
