import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { ApiError } from "../api.ts";
import { ending, Interrupted, throwIfEnding } from "../ending.ts";
import { askNodes } from "./askNodes.ts";
import { parseConfiguration, readFleetInTime } from "./fleet.ts";
import { isPassing, reasonOf } from "./errors.ts";
import { judgeAnswers, judgeFromCluster, reportOf, standardOf, unheard } from "./judge.ts";
import { metricsPortOf } from "./probe.ts";
import { ServiceCheck } from "./serviceCheck.ts";
import { SignsOfLife } from "./signsOfLife.ts";
import { formatProgress } from "./progress.ts";
import { withTestServices } from "./testServiceRemoval.ts";
import type { Answered, Expectation, Fleet, NodeResult, Pod, Report } from "./types.ts";

/** Pause between two rounds, in milliseconds. */
const pauseMs = 1000;

/** Time between two lines of progress, in milliseconds. */
const progressMs = 5000;

/** How much longer than the deadline a test Service may be needed, in milliseconds. */
const graceMs = 60_000;

/** How long {@link verify} tries. */
export interface VerifyOptions {
  /** Milliseconds after which what has not passed has failed. */
  readonly deadlineMs: number;
  /** Ends it early: the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Takes a line every 5 s that says how far it is. */
  readonly onProgress?: ((line: string) => void) | undefined;
}

/**
 * Proves that kube-proxy runs on every node as it is meant to: the pod's revision and restart token, the start of its
 * process, its first sync of rules, no failures, its mode and the configuration it has loaded; and that a Service
 * answers there, see {@link ServiceCheck}.
 *
 * It asks again and again until every node has passed or the deadline has; a node that has passed is not asked again.
 * NotReady nodes are listed and left out: nobody can answer there. With a baseline only those are, that were NotReady
 * before the change or have joined since; and who has passed has to send a sign of life, see {@link SignsOfLife}.
 *
 * @param config - the cluster, see `loadCluster`
 * @throws Error when the first look at the cluster fails (no such DaemonSet, no rights), when there is no answer until
 *   the deadline, or when `expectation.configuration` is no YAML object
 */
export async function verify(
  config: KubeConfig,
  expectation: Expectation,
  { deadlineMs, signal, onProgress = () => undefined }: VerifyOptions,
): Promise<Report> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const verification = new Verification(config, expectation, {
    deadline,
    stop: AbortSignal.any([deadline, ...(signal === undefined ? [] : [signal]), ...ending()]),
    lifetimeMs: deadlineMs + graceMs,
  });
  const use = {
    id: verification.id,
    mayHaveSome: () => verification.mayHaveServices,
    isInHaste: () => deadline.aborted,
  };
  const progress = setInterval(() => {
    onProgress(verification.progress());
  }, progressMs);
  try {
    return await withTestServices(config, use, () => verification.run(signal));
  } finally {
    clearInterval(progress);
  }
}

interface Bounds {
  readonly deadline: AbortSignal;
  /** The deadline, or the end before it. */
  readonly stop: AbortSignal;
  readonly lifetimeMs: number;
}

/** What {@link verify} remembers from round to round. */
class Verification {
  /** Whose the test Services are. */
  readonly id: string;
  /** Whether there can be some. */
  mayHaveServices: boolean;
  readonly #config: KubeConfig;
  readonly #expectation: Expectation;
  readonly #bounds: Bounds;
  readonly #declared: Readonly<Record<string, unknown>> | undefined;
  readonly #began = Date.now();
  /** The nodes of the latest round. */
  #nodes: readonly string[] = [];
  readonly #latest = new Map<string, NodeResult>();
  readonly #life: SignsOfLife;
  #services: ServiceCheck | undefined;

  constructor(config: KubeConfig, expectation: Expectation, bounds: Bounds) {
    this.#config = config;
    this.#expectation = expectation;
    this.#bounds = bounds;
    this.#life = new SignsOfLife(config);
    this.id = expectation.testServices ?? randomUUID();
    this.mayHaveServices = expectation.testServices !== undefined;
    this.#declared =
      expectation.configuration === undefined
        ? undefined
        : parseConfiguration(expectation.configuration, "the declared configuration");
  }

  /** How far it is, in a line. */
  progress(): string {
    const results = this.#nodes.map((name) => this.#latest.get(name));
    const isOpen = (result: NodeResult | undefined): boolean =>
      result?.verdict !== "excluded" && (result?.verdict !== "verified" || !this.#isAlive(result));
    const open = this.#nodes.filter((_, index) => isOpen(results[index]));
    return formatProgress(open, this.#nodes.length, (Date.now() - this.#began) / 1000);
  }

  async run(signal: AbortSignal | undefined): Promise<Report> {
    const { deadline, stop } = this.#bounds;
    const { daemonSet = "kube-proxy", nodes } = this.#expectation;
    let revision: string | undefined;
    let report: Report | undefined;
    for (;;) {
      const fleet = await readFleetInTime(this.#config, { daemonSet, nodes }, stop)
        // A short absence of the API server must not undo what was proved, nor fail what was just rolled out; that there
        // is no such DaemonSet, or no right to read it, shows at once.
        .catch((error: unknown) => {
          const isFinal = deadline.aborted || !isPassing(error);
          if (error instanceof Interrupted || (report === undefined && isFinal)) throw error;
        });
      throwIfEnding();
      signal?.throwIfAborted();
      if (fleet !== undefined) {
        // Somebody has changed the DaemonSet meanwhile: what was proved is of the past.
        if (fleet.revision !== revision) this.#latest.clear();
        revision = fleet.revision;
        report = reportOf(daemonSet, await this.#askAll(fleet), Date.now() - this.#began);
      }
      if (report?.failed === 0) return report;
      await sleep(pauseMs, undefined, { signal: stop }).catch(() => undefined);
      signal?.throwIfAborted();
      if (deadline.aborted && report) return { ...report, seconds: (Date.now() - this.#began) / 1000 };
    }
  }

  /** One round. */
  async #askAll(fleet: Fleet): Promise<NodeResult[]> {
    const { stop, lifetimeMs } = this.#bounds;
    const standard = standardOf(this.#expectation, this.#declared, fleet);
    const { configuration } = standard;
    const toAsk: Pod[] = [];
    this.#nodes = fleet.nodes.map(({ name }) => name);
    const nodes = new Map(fleet.nodes.map((node) => [node.name, node]));
    for (const node of fleet.nodes) {
      const known = judgeFromCluster(node, standard);
      const before = this.#latest.get(node.name);
      const [pod] = node.pods;
      if (known !== undefined) {
        this.#latest.set(node.name, known);
      } else if (pod !== undefined && (before?.verdict !== "verified" || before.pod !== pod.name)) {
        toAsk.push(pod);
      }
    }
    const options = { configuration, id: this.id, lifetimeMs };
    const openServices = async (pods: readonly Pod[]): Promise<ServiceCheck> => {
      this.mayHaveServices = true;
      this.#services ??= new ServiceCheck(this.#config, options);
      await this.#services.include(pods, stop);
      return this.#services;
    };
    const onAnswer = (pod: Pod, answered: Answered): void => {
      const node = nodes.get(pod.node);
      // An answer that the deadline has cut off says less than the one before.
      if (node !== undefined && (!stop.aborted || !this.#latest.has(node.name))) {
        this.#latest.set(node.name, judgeAnswers(node, answered, standard));
      }
    };
    const port = metricsPortOf(configuration);
    await askNodes(this.#config, toAsk, { port, openServices, onAnswer }, stop);
    const results = fleet.nodes.flatMap(({ name }) => this.#latest.get(name) ?? []);
    return this.#expectation.baseline === undefined ? results : await this.#alive(results);
  }

  /** Without a sign of life after it has passed no node is verified. */
  async #alive(results: readonly NodeResult[]): Promise<NodeResult[]> {
    let why: string | undefined;
    try {
      await this.#life.look(
        results.filter(({ verdict }) => verdict === "verified"),
        this.#bounds.stop,
      );
    } catch (error) {
      if (!this.#bounds.stop.aborted)
        why = `the Leases of the nodes cannot be read: ${error instanceof ApiError ? error.said : reasonOf(error)}`;
    }
    return results.map((result) =>
      result.verdict !== "verified" || this.#isAlive(result) ? result : unheard(result, why),
    );
  }

  #isAlive(result: NodeResult): boolean {
    return this.#expectation.baseline === undefined || this.#life.has(result);
  }
}
