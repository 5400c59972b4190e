import { isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { ApiError } from "../api.ts";
import { oneLine } from "./errors.ts";
import { healthzPortOf, servesNodePorts } from "./nodePorts.ts";
import { reach, type Reached } from "./reach.ts";
import { findTestServices, makeTestService, removeExpired, type TestService } from "./testService.ts";
import type { Fleet, Pod, ServiceAnswer } from "./types.ts";

/** So many nodes tell whether the API server reaches nodes at all. They also are the endpoints. */
const sampleSize = 5;

/** Longest wait, in milliseconds, for a kube-proxy of the sample to listen: it may be Ready a second earlier. */
const startMs = 10_000;

/** Longest wait, in milliseconds, until a Service answers on a node. It takes about a second. */
const patienceMs = 5000;

/** Pause between two questions, in milliseconds. */
const pauseMs = 200;

/** What {@link ServiceCheck.open} needs to know. */
export interface ServiceCheckOptions {
  /** Configuration of the kube-proxies: where they tell their health, and which addresses have NodePorts. */
  readonly configuration: Readonly<Record<string, unknown>> | undefined;
  /** Whose Services they are. What somebody of this name has made before has to answer as well. */
  readonly id: string;
  /** Milliseconds after which anybody may remove the Service that is made. */
  readonly lifetimeMs: number;
}

/**
 * Whether Services answer on every node. A Service of type NodePort is made, whose endpoints are the health ports of
 * some kube-proxies, and the API server asks for it at every node's address. An answer has come all the way: the node's
 * kube-proxy has heard of the Service from the API server and put it into the kernel, whose rules lead to an endpoint.
 *
 * Where there is no answer, other ports of the same address tell a kube-proxy that does not work from a network that
 * lets nobody through. Whoever opens a check calls `removeTestServices` afterwards.
 */
export class ServiceCheck {
  readonly #config: KubeConfig;
  readonly #options: ServiceCheckOptions;
  readonly #services: readonly TestService[];
  /** Why no Service is asked for; undefined as long as it is. */
  #unasked: string | undefined;
  /** On how many nodes they have answered, and how many could not be reached. */
  readonly #nodes = { answered: 0, unreached: 0 };

  private constructor(
    config: KubeConfig,
    options: ServiceCheckOptions,
    found: readonly TestService[] | string,
  ) {
    this.#config = config;
    this.#options = options;
    this.#services = typeof found === "string" ? [] : found;
    this.#unasked = typeof found === "string" ? found : undefined;
  }

  /**
   * Makes the Service. Where that is in vain or not allowed, the check says so of each node.
   *
   * @param pods - Ready kube-proxies, see {@link readyPods}
   */
  static async open(
    config: KubeConfig,
    pods: readonly Pod[],
    options: ServiceCheckOptions,
    signal: AbortSignal,
  ): Promise<ServiceCheck> {
    return new ServiceCheck(config, options, await makeServices(config, pods, options, signal));
  }

  /** Asks for the Services at a node's address, until they answer or some seconds have passed. */
  async ask(pod: Pod, signal: AbortSignal): Promise<ServiceAnswer> {
    const answer = await this.#ask(pod, signal);
    // Whatever the reason would have been: what has not passed by then has failed.
    return signal.aborted && answer.verdict !== "answers"
      ? { verdict: "fails", reason: "no Service has answered before the deadline" }
      : answer;
  }

  async #ask(pod: Pod, signal: AbortSignal): Promise<ServiceAnswer> {
    if (this.#unasked !== undefined) return { verdict: "unasked", reason: this.#unasked };
    if (!servesNodePorts(this.#options.configuration, pod.address)) {
      return { verdict: "unasked", reason: `nodePortAddresses leaves out ${pod.address}` };
    }
    let seconds = 0;
    for (const service of this.#services) {
      const reached = await this.#askPatiently(pod, service.nodePort, signal);
      if (reached.outcome !== "answered") return await this.#explain(pod, service, reached, signal);
      if (service.made !== undefined) seconds = (Date.now() - service.made) / 1000;
    }
    this.#nodes.answered += 1;
    return { verdict: "answers", seconds };
  }

  async #askPatiently(pod: Pod, port: number, signal: AbortSignal): Promise<Reached> {
    const until = Date.now() + patienceMs;
    for (;;) {
      const reached = await reach(this.#config, pod.name, port, signal);
      if (["answered", "denied"].includes(reached.outcome) || Date.now() > until || signal.aborted)
        return reached;
      await pause(signal);
    }
  }

  /** Finds out whose fault it is that a Service does not answer. */
  async #explain(
    pod: Pod,
    { made, nodePort, targetPort }: TestService,
    { outcome, reason }: Reached,
    signal: AbortSignal,
  ): Promise<ServiceAnswer> {
    const ask = async (port: number) => (await reach(this.#config, pod.name, port, signal)).outcome;
    const nodes = this.#nodes;
    const where = hostPort(pod, nodePort);
    // Where nobody has answered, a firewall may be silent about all NodePorts, also about one that no Service has.
    const isFiltered = async () =>
      nodes.answered === 0 && outcome === "silent" && (await ask(nodePort ^ 1)) === "silent";
    const direct = await ask(targetPort);
    // A refusal may come from a proxy on the way, unless that leads to other nodes.
    const isReached = direct === "answered" || (direct === "refused" && nodes.answered > 0);
    if (isReached && !(await isFiltered())) {
      const which = made === undefined ? "a Service from before the restart" : "a new Service";
      const other =
        direct === "answered" ? `whereas port ${targetPort} there does` : `nor does port ${targetPort}`;
      return { verdict: "fails", reason: `${which} does not answer at ${where} (${reason}), ${other}` };
    }
    const unasked = `the API server does not reach ${where}: ${reason}`;
    nodes.unreached += 1;
    // Nor will it reach the others: waiting for a thousand of them would take minutes.
    if (nodes.answered === 0 && nodes.unreached >= sampleSize) this.#unasked = unasked;
    return { verdict: "unasked", reason: unasked };
  }
}

/** The kube-proxies that can be asked: on a Ready node, Ready, and alone there. */
export function readyPods({ nodes }: Fleet): Pod[] {
  return nodes.flatMap(({ notReady, pods: [pod, ...more] }) =>
    notReady === undefined && pod?.notReady === undefined && pod?.address && more.length === 0 ? [pod] : [],
  );
}

/** @returns the new Service and those of the same name from before, or why there is none */
async function makeServices(
  config: KubeConfig,
  pods: readonly Pod[],
  { configuration, id, lifetimeMs }: ServiceCheckOptions,
  signal: AbortSignal,
): Promise<readonly TestService[] | string> {
  const targetPort = healthzPortOf(configuration);
  if (targetPort === undefined)
    return "healthzBindAddress is on the loopback interface, so that nobody could answer";
  if (pods.length === 0) return "no kube-proxy is Ready";
  const served = pods.filter(({ address }) => servesNodePorts(configuration, address));
  if (served.length === 0) return "nodePortAddresses leaves out all nodes' primary addresses";
  const addresses = await findEndpoints(config, served, targetPort, signal);
  if (typeof addresses === "string") return addresses;
  try {
    await removeExpired(config, { signal });
    const older = await findTestServices(config, id, { signal });
    const service = await makeTestService(config, { id, addresses, targetPort, lifetimeMs }, signal);
    // Where the health port has moved, those from before have lost their endpoints.
    return [service, ...older.filter((one) => one.targetPort === targetPort)];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return `no test Service can be made: ${oneLine(error.said)}`;
  }
}

/** @returns addresses of kube-proxies that tell the API server their health, or why there are none */
async function findEndpoints(
  config: KubeConfig,
  pods: readonly Pod[],
  port: number,
  signal: AbortSignal,
): Promise<string[] | string> {
  // Every so many, since neighbours are likely to share what is wrong.
  const step = Math.ceil(pods.length / sampleSize);
  const sample = pods.filter((_, index) => index % step === 0);
  const until = Date.now() + startMs;
  for (let silences = 0; ;) {
    const answers = await Promise.all(sample.map((pod) => reach(config, pod.name, port, signal)));
    const found = sample.filter((_, index) => answers[index]?.outcome === "answered");
    const [first] = found;
    if (first !== undefined) {
      // A Service has one family here.
      const family = isIPv6(first.address);
      return found.map(({ address }) => address).filter((address) => isIPv6(address) === family);
    }
    const denied = answers.find(({ outcome }) => outcome === "denied");
    if (denied !== undefined) return `not allowed: ${denied.reason}`;
    if (!answers.some(({ outcome }) => outcome === "refused")) silences += 1;
    if (silences > 1 || Date.now() > until || signal.aborted) {
      const reasons = new Set(answers.map(({ reason }) => reason));
      return `the API server does not reach port ${port} of any node: ${[...reasons].join("; ")}`;
    }
    await pause(signal);
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
}

function hostPort({ address }: Pod, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}
