/** Asks the nodes' kube-proxies, and a Service's endpoints by themselves. */
import type { KubeConfig } from "@kubernetes/client-node";
import type { EndpointReport, EndpointToTry, NodeReport } from "../../service/trial.ts";
import { ApiError, request } from "../api.ts";
import { forEachConcurrently } from "../concurrency.ts";
import { Interrupted } from "../ending.ts";
import { HttpMethod } from "../kubernetes.ts";
import { choicesOf, examine, type Finding, forEachChoice } from "../verify/index.ts";

/** What is asked, and how long. */
export interface TrialOptions {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks every node's kube-proxy for its metrics, and for a Service that is made for it and removed; see `examine`.
 *
 * @throws Error when there is no kube-proxy to ask, or no right to
 */
export async function askKubeProxies(config: KubeConfig, options: TrialOptions): Promise<NodeReport[]> {
  const { deadlineMs, signal } = options;
  const timeout = AbortSignal.timeout(deadlineMs);
  const deadline = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  const all = { daemonSet: undefined, nodes: undefined };
  const choices = await choicesOf(config, { ...all, deadline, isPatient: false });
  const fleets = await forEachChoice(choices, (choice) => examine(config, { ...choice, ...options }));
  const nodes = fleets.flatMap((fleet) => fleet.nodes);
  const someAnswer = nodes.some(({ service }) => service !== null);
  return nodes.map((finding) => reportOf(finding, someAnswer));
}

/**
 * What a node's answers say of its Services. That it differs from others, in its mode say, is none of a fault where a new
 * Service answers.
 *
 * @param someAnswer - whether any kube-proxy has; where none has, the way to all of them may be the reason
 */
export function reportOf(
  { node, verdict, lastSyncSeconds, pendingSeconds, service, findings }: Finding,
  someAnswer: boolean,
): NodeReport {
  const newService = service?.verdict ?? "unasked";
  const common = {
    ...{ node, lastSyncSeconds, newService, reason: findings.join("; ") },
    seconds: service?.verdict === "answers" ? service.seconds : null,
  };
  if (newService === "answers" || verdict === "healthy") return { ...common, verdict: "fine" };
  const isBehind = service !== null && (lastSyncSeconds === null || pendingSeconds !== null);
  const isDumb = service === null && someAnswer;
  const isFaulty = verdict === "outlier" && (newService === "fails" || isBehind || isDumb);
  return { ...common, verdict: isFaulty ? "faulty" : "unknown" };
}

/** How many endpoints are asked at a time. */
const concurrency = 5;

/** Longest wait for an endpoint, in milliseconds. */
const timeoutMs = 3000;

/** More of an answer than this is not read, in bytes: that there is one is all. */
const largest = 64 * 1024;

/**
 * Asks endpoints by themselves: the API server opens a connection to the pod (`pods/proxy`), past every kube-proxy, and asks
 * for `/`.
 */
export async function askEndpoints(
  config: KubeConfig,
  endpoints: readonly EndpointToTry[],
  { signal }: Pick<TrialOptions, "signal">,
): Promise<EndpointReport[]> {
  const reports = new Map<EndpointToTry, EndpointReport>();
  await forEachConcurrently(endpoints, concurrency, async (endpoint) => {
    reports.set(endpoint, { ...endpoint, ...(await ask(config, endpoint, signal)) });
  });
  return endpoints.flatMap((endpoint) => reports.get(endpoint) ?? []);
}

type Outcome = Pick<EndpointReport, "outcome" | "reason">;

async function ask(
  config: KubeConfig,
  { namespace, pod, port }: EndpointToTry,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const bounded = AbortSignal.any([
    AbortSignal.timeout(timeoutMs),
    ...(signal === undefined ? [] : [signal]),
  ]);
  const place = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}:${port}/proxy/`;
  try {
    await request(config, HttpMethod.GET, place, { signal: bounded, largest });
    return { outcome: "answers", reason: "" };
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    signal?.throwIfAborted();
    if (bounded.aborted) return { outcome: "silent", reason: `no answer within ${timeoutMs / 1000} s` };
    return outcomeOf(error);
  }
}

/** What the API server says where it could not ask. Everything else is the endpoint's own word, whatever that is. */
export function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof ApiError)) return { outcome: "silent", reason: String(error) };
  const { status, said } = error;
  if ((status === 401 || status === 403) && /pods\/proxy|Unauthorized/.test(said)) {
    return { outcome: "denied", reason: said };
  }
  const [, failure] = /error trying to reach service: '?(.*?)'?$/im.exec(said) ?? [];
  if (failure === undefined) {
    const isTold = status !== undefined || said.startsWith("the answer is longer than");
    return isTold ? { outcome: "answers", reason: "" } : { outcome: "silent", reason: said };
  }
  if (/connection refused/i.test(failure)) return { outcome: "refuses", reason: failure };
  // One that speaks something else than HTTP, or ends the connection, has taken it; a proxy on the way may say anything.
  return /^proxy error|time?d?[- ]?out|no route|unreachable|deadline exceeded/i.test(failure)
    ? { outcome: "silent", reason: failure }
    : { outcome: "answers", reason: "" };
}
