/** Asks the nodes' kube-proxies, and a Service's endpoints by themselves. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import type { EndpointReport, EndpointToTry, NodeReport } from "../../service/trial.ts";
import { ApiError } from "../api.ts";
import { all } from "../apiError.ts";
import { forEachConcurrently } from "../concurrency.ts";
import { deadlineIn } from "../deadline.ts";
import { askPod, failureIn, isOfNetwork, type PodPort } from "../podProxy.ts";
import { examine, type Finding, inEachFleet, makeTestService, withTestServices } from "../verify/index.ts";

/** What is asked, and how long. */
export interface TrialOptions {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What is known of a node, and its kube-proxy's pod, where it has one. */
export interface AskedNode {
  readonly report: NodeReport;
  readonly pod: string | null;
}

/**
 * Asks every node's kube-proxy for its metrics, and for a Service that is made for it and removed; see `examine`.
 *
 * @throws Error when there is no kube-proxy to ask, or no right to
 */
export async function askKubeProxies(config: KubeConfig, options: TrialOptions): Promise<AskedNode[]> {
  deadlineIn(options.deadlineMs, options.signal).throwIfAborted();
  const everywhere = { daemonSet: undefined, nodes: undefined, isPatient: false };
  const fleets = await inEachFleet(config, { ...everywhere, ...options }, (share) => examine(config, share));
  const nodes = fleets.flatMap((fleet) => fleet.nodes);
  const someAnswer = nodes.some(({ service }) => service !== null);
  return nodes.map((finding) => ({ report: reportOf(finding, someAnswer), pod: finding.pod }));
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
    ...{ node, lastSyncSeconds, newService, reached: null, reason: findings.join("; ") },
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

/**
 * Asks endpoints by themselves: the API server opens a connection to the pod (`pods/proxy`), past every kube-proxy, and asks
 * for `/`.
 *
 * @throws the signal's reason, or that the time is over
 */
export async function askEndpoints(
  config: KubeConfig,
  endpoints: readonly EndpointToTry[],
  { deadlineMs, signal }: TrialOptions,
): Promise<EndpointReport[]> {
  const deadline = deadlineIn(deadlineMs, signal);
  const reports = new Map<EndpointToTry, EndpointReport>();
  await forEachConcurrently(endpoints, concurrency, async (endpoint) => {
    reports.set(endpoint, { ...endpoint, ...(await ask(config, endpoint, deadline)) });
  });
  return endpoints.flatMap((endpoint) => reports.get(endpoint) ?? []);
}

/** How many questions are under way at a time, of all nodes and endpoints together. */
const manyAtOnce = 50;

/** Longest wait, in milliseconds, until a node's rules lead to an endpoint. It takes about a second. */
const patienceMs = 5000;

/** Pause between two questions, in milliseconds. */
const pauseMs = 200;

/**
 * Counts from each node which endpoints its rules lead to: for each endpoint a Service is made that leads there from every
 * node, and asked for at the nodes' addresses. Nothing of it stays.
 *
 * @param endpoints - those that take connections by themselves
 * @returns see {@link countAnswers}
 * @throws ApiError when a Service cannot be made; when the time is over
 */
export async function countReached(
  config: KubeConfig,
  nodes: readonly AskedNode[],
  endpoints: readonly EndpointToTry[],
  { deadlineMs, signal }: TrialOptions,
): Promise<Map<string, number>> {
  const deadline = deadlineIn(deadlineMs, signal);
  // A Service whose creation is given up has to be looked for afterwards.
  deadline.throwIfAborted();
  const id = randomUUID();
  const use = { id, mayHaveSome: () => endpoints.length > 0, isInHaste: () => deadline.aborted };
  return await withTestServices(config, use, async () => {
    const services = endpoints.map(({ node, address, port }) =>
      makeTestService(
        config,
        { id, nodes: [{ node, address }], targetPort: port, isShared: true, lifetimeMs: 2 * deadlineMs },
        deadline,
      ),
    );
    const ports = (await all("test Services", services)).map(({ nodePort }) => nodePort);
    return await countAnswers(config, nodes, ports, deadline);
  });
}

/**
 * Counts at each node which of some NodePorts answer, each by a connection of its own.
 *
 * @returns how many do, by node; nothing of nodes at which not even a new Service does
 */
export async function countAnswers(
  config: KubeConfig,
  nodes: readonly AskedNode[],
  ports: readonly number[],
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const asked = nodes.flatMap(({ report: { node, newService }, pod }) =>
    newService === "answers" && pod !== null ? [{ node, pod }] : [],
  );
  const counts = new Map(asked.map(({ node }) => [node, 0]));
  const pairs = asked.flatMap(({ node, pod }) => ports.map((port) => ({ node, pod, port })));
  await forEachConcurrently(pairs, manyAtOnce, async ({ node, pod, port }) => {
    const until = Date.now() + patienceMs;
    for (;;) {
      signal.throwIfAborted();
      const { outcome } = await ask(config, { namespace: "kube-system", pod, port, scheme: "https" }, signal);
      if (outcome === "answers") counts.set(node, (counts.get(node) ?? 0) + 1);
      if (outcome === "answers" || outcome === "denied" || Date.now() > until) return;
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  });
  return counts;
}

type Outcome = Pick<EndpointReport, "outcome" | "reason">;

/** @throws the signal's reason where that has come */
async function ask(config: KubeConfig, target: Omit<PodPort, "path">, signal: AbortSignal): Promise<Outcome> {
  const answer = await askPod(config, { ...target, path: "/" }, timeoutMs, signal);
  if (answer.kind === "answer") return { outcome: "answers", reason: "" };
  signal.throwIfAborted();
  return answer.kind === "none" ? { outcome: "silent", reason: answer.reason } : outcomeOf(answer.error);
}

/** What the API server says where it could not ask. Everything else is the endpoint's own word, whatever that is. */
export function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof ApiError)) return { outcome: "silent", reason: String(error) };
  const { status, said } = error;
  if ((status === 401 || status === 403) && /pods\/proxy|Unauthorized/.test(said)) {
    return { outcome: "denied", reason: said };
  }
  const failure = failureIn(said);
  if (failure === undefined) {
    const isTold = status !== undefined || said.startsWith("the answer is longer than");
    return isTold ? { outcome: "answers", reason: "" } : { outcome: "silent", reason: said };
  }
  if (/connection refused/i.test(failure)) return { outcome: "refuses", reason: failure };
  // One that speaks something else than HTTP, or ends the connection, has taken it; a proxy on the way may say anything.
  return /^proxy error/i.test(failure) || isOfNetwork(failure)
    ? { outcome: "silent", reason: failure }
    : { outcome: "answers", reason: "" };
}
