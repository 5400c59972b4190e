import { isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { testNamespace } from "../../plan/testNamespace.ts";
import { ApiError } from "../api.ts";
import { oneLine } from "./errors.ts";
import { healthzPortOf, servesNodePorts } from "./nodePorts.ts";
import { reach, type Reached } from "./reach.ts";
import { addEndpoints, findTestServices, makeTestService, type TestService } from "./testService.ts";
import { removeExpired } from "./testServiceRemoval.ts";
import type { Fleet, Pod, ServiceAnswer } from "./types.ts";

/** So many nodes tell whether the API server reaches nodes at all. */
const sampleSize = 5;

/** So many nodes may have a Service that is theirs alone; each takes a NodePort. Control planes have up to seven. */
const mostAlone = 16;

/** Longest wait, in milliseconds, for a kube-proxy of the sample to listen: it may be Ready a second earlier. */
const startMs = 10_000;

/** Longest wait, in milliseconds, until a Service answers on a node. It takes about a second. */
const patienceMs = 5000;

/** Pause between two questions, in milliseconds. */
const pauseMs = 200;

/** What a {@link ServiceCheck} needs to know. */
export interface ServiceCheckOptions {
  /** Configuration of the kube-proxies: where they tell their health, and which addresses have NodePorts. */
  readonly configuration: Readonly<Record<string, unknown>> | undefined;
  /** Whose Services they are. What somebody of this name has made before has to answer as well. */
  readonly id: string;
  /** Milliseconds after which anybody may remove the Services that are made. */
  readonly lifetimeMs: number;
}

/**
 * Whether Services answer on every node. A Service of type NodePort is made that leads at each node to the health port of
 * this node's own kube-proxy, and the API server asks for it at every node's address. An answer has come all the way: the
 * node's kube-proxy has heard of the Service from the API server and put it into the kernel, whose rules lead to the
 * endpoint. Other nodes, and the network between them, have no part in it.
 *
 * A node with an API server has a Service of its own: what comes from a node itself is led to all endpoints of a Service.
 *
 * Where there is no answer, other ports of the same address tell a kube-proxy that does not work from a network that
 * lets nobody through. Whoever includes nodes calls `removeTestServices` afterwards.
 */
export class ServiceCheck {
  readonly #config: KubeConfig;
  readonly #options: ServiceCheckOptions;
  /** Where kube-proxies tell others their health. */
  readonly #port: number | undefined;
  /** Those that were made, by who shares them: a family of addresses, or one node. */
  readonly #made = new Map<string, TestService>();
  /** Those from before. */
  #older: readonly TestService[] = [];
  /** Why no Service is asked for; undefined as long as it is. */
  #unasked: string | undefined;
  /** Why none leads to a node; it is of no matter where one does. */
  #lacking = "no test Service leads there";
  /** On how many nodes they have answered, and how many could not be reached. */
  readonly #nodes = { answered: 0, unreached: 0 };

  constructor(config: KubeConfig, options: ServiceCheckOptions) {
    this.#config = config;
    this.#options = options;
    this.#port = healthzPortOf(options.configuration);
  }

  /**
   * Has test Services lead to these nodes. Where that is in vain or not allowed, the check says so of each of them.
   *
   * @param pods - Ready kube-proxies, see {@link readyPods}; for those that came before there is nothing to do
   */
  async include(pods: readonly Pod[], signal: AbortSignal): Promise<void> {
    if (this.#unasked !== undefined) return;
    const isFirst = this.#made.size === 0;
    const missing = pods.filter((pod) => this.#isServed(pod) && !this.#leadingTo(pod).some(isNew));
    const why =
      (isFirst ? await this.#whyNone(missing, signal) : undefined) ?? (await this.#lead(missing, signal));
    if (isFirst) this.#unasked = why;
    else this.#lacking = why ?? this.#lacking;
  }

  /** Why no Service needs to be made; undefined when one does. */
  async #whyNone(pods: readonly Pod[], signal: AbortSignal): Promise<string | undefined> {
    if (this.#port === undefined)
      return "healthzBindAddress is on the loopback interface, so that nobody could answer";
    if (pods.length === 0) return "nodePortAddresses leaves out all nodes' primary addresses";
    return await whyUnreached(this.#config, pods, this.#port, signal);
  }

  /** @returns why that is not possible; undefined when it is done */
  async #lead(pods: readonly Pod[], signal: AbortSignal): Promise<string | undefined> {
    const { id, lifetimeMs } = this.#options;
    const targetPort = this.#port ?? 0;
    const alone = new Set(pods.filter(({ besideApiServer }) => besideApiServer).slice(0, mostAlone));
    const whose = (pod: Pod) => (alone.has(pod) ? pod.node : isIPv6(pod.address) ? "IPv6" : "IPv4");
    try {
      if (this.#made.size === 0) {
        await removeExpired(this.#config, { signal });
        const older = await findTestServices(this.#config, id, { signal });
        // Where the health port has moved, those from before have lost their endpoints.
        this.#older = older.filter((one) => one.targetPort === targetPort);
      }
      for (const [key, nodes] of Map.groupBy(pods, whose)) {
        const service = this.#made.get(key);
        const wanted = { id, nodes, targetPort, lifetimeMs };
        const made =
          service === undefined
            ? makeTestService(this.#config, wanted, signal)
            : addEndpoints(this.#config, service, wanted, signal);
        this.#made.set(key, await made);
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const isWithout = error.status === 404 && error.said.startsWith("namespaces ");
      const remedy = isWithout ? `; kubectl create namespace ${testNamespace} makes it` : "";
      return `no test Service can be made: ${oneLine(error.said)}${remedy}`;
    }
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
    if (!this.#isServed(pod)) {
      return { verdict: "unasked", reason: `nodePortAddresses leaves out ${pod.address}` };
    }
    const services = this.#leadingTo(pod);
    if (!services.some(isNew)) return { verdict: "unasked", reason: this.#lacking };
    let seconds = 0;
    for (const service of services) {
      const reached = await this.#askPatiently(pod, service.nodePort, signal);
      if (reached.outcome !== "answered") return await this.#explain(pod, service, reached, signal);
      if (service.made !== undefined) seconds = (Date.now() - service.made) / 1000;
    }
    this.#nodes.answered += 1;
    return { verdict: "answers", seconds };
  }

  #isServed({ address }: Pod): boolean {
    return servesNodePorts(this.#options.configuration, address);
  }

  /**
   * The Services that lead to a node, the new one first. One from before leads to no node that has joined since, or has
   * another address now: there its NodePort drops every connection.
   */
  #leadingTo({ node, address }: Pod): Leading[] {
    return [...this.#made.values(), ...this.#older].flatMap(({ endpoints, nodePort, targetPort }) => {
      const endpoint = endpoints.get(node);
      return endpoint?.address === address ? [{ nodePort, targetPort, made: endpoint.made }] : [];
    });
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
    { made, nodePort, targetPort }: Leading,
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

/** A Service as it is at one node. */
interface Leading {
  readonly nodePort: number;
  readonly targetPort: number;
  /** When it was made to lead there, in milliseconds since 1970; undefined for one from before. */
  readonly made: number | undefined;
}

function isNew({ made }: Leading): boolean {
  return made !== undefined;
}

/** The kube-proxies that can be asked: on a Ready node, Ready, and alone there. */
export function readyPods({ nodes }: Fleet): Pod[] {
  return nodes.flatMap(({ notReady, pods: [pod, ...more] }) =>
    notReady === undefined && pod?.notReady === undefined && pod?.address && more.length === 0 ? [pod] : [],
  );
}

/** @returns why none of some kube-proxies tells the API server its health; undefined when one does */
async function whyUnreached(
  config: KubeConfig,
  pods: readonly Pod[],
  port: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  // Every so many, since neighbours are likely to share what is wrong.
  const step = Math.ceil(pods.length / sampleSize);
  const sample = pods.filter((_, index) => index % step === 0);
  const until = Date.now() + startMs;
  for (let silences = 0; ;) {
    const answers = await Promise.all(sample.map((pod) => reach(config, pod.name, port, signal)));
    if (answers.some(({ outcome }) => outcome === "answered")) return undefined;
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
