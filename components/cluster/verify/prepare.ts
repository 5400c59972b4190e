import type { KubeConfig } from "@kubernetes/client-node";
import { ApiError } from "../api.ts";
import { forEachConcurrently } from "../concurrency.ts";
import { hasRun, listPods } from "../workload.ts";
import { baselineOf } from "./baseline.ts";
import { readFleetInTime, readNodes } from "./fleet.ts";
import { probeConcurrency } from "./probe.ts";
import { readyPods, ServiceCheck } from "./serviceCheck.ts";
import { removeTestServices } from "./testServiceRemoval.ts";
import type { Baseline, ServiceAnswer } from "./types.ts";

/** Longest wait in milliseconds for everything here: a restart must not wait for what is restarted for being broken. */
const timeoutMs = 30_000;

/** What {@link prepareRestart} is told. */
export interface PrepareOptions {
  /** Name of the DaemonSet in `kube-system` that is about to be restarted. */
  readonly daemonSet: string;
  /** Only these of its nodes. Default: all. */
  readonly nodes?: readonly string[] | undefined;
  /** Names the Service for `verify` (`Expectation.testServices`). */
  readonly id: string;
  /** Milliseconds after which anybody may remove it. */
  readonly lifetimeMs: number;
}

/**
 * Makes a Service before a restart, which `verify` asks for after it, and waits until it answers. Some faults break
 * what was there when kube-proxy started and nothing that comes later.
 *
 * @returns what came of it, in one sentence: where it cannot be made, the restart goes on all the same
 * @throws Error when the API server does not answer
 */
export async function prepareRestart(
  config: KubeConfig,
  { daemonSet, nodes, id, lifetimeMs }: PrepareOptions,
): Promise<string> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const none = (reason: string) => `No Service from before the restart will be asked for: ${reason}.`;
  await removeTestServices(config, id);
  let fleet;
  try {
    fleet = await readFleetInTime(config, { daemonSet, nodes }, deadline);
  } catch (error) {
    if (isMissing(error)) return none(`there is no ${daemonSet} yet`);
    throw error;
  }
  const options = { configuration: fleet.configuration, id, lifetimeMs };
  const pods = readyPods(fleet);
  if (pods.length === 0) return none("no kube-proxy is Ready");
  const answers: ServiceAnswer[] = [];
  try {
    const check = new ServiceCheck(config, options);
    await check.include(pods, deadline);
    await forEachConcurrently(pods, probeConcurrency, async (pod) => {
      answers.push(await check.ask(pod, deadline));
    });
  } catch (error) {
    // Nobody will ask for it then.
    await removeTestServices(config, id, true);
    throw error;
  }
  const count = answers.filter(({ verdict }) => verdict === "answers").length;
  const [first] = answers;
  return count === 0 && first?.verdict === "unasked"
    ? none(first.reason)
    : `A test Service answers on ${count} of ${answers.length} nodes, and has to after the restart.`;
}

/**
 * Remembers how the nodes are before a DaemonSet is changed, for the proof after it.
 *
 * @param daemonSet - its name; it need not be there yet
 * @throws Error when the API server refuses or does not answer
 */
export async function takeBaseline(config: KubeConfig, daemonSet: string): Promise<Baseline> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const fleet = await readFleetInTime(config, { daemonSet, nodes: undefined }, deadline).catch(
    (error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    },
  );
  const nodes = fleet?.nodes ?? (await readNodes(config, deadline));
  const serves = nodes.some(({ pods }) => pods.some(({ notReady }) => notReady === undefined));
  // One whose first image could not be pulled is still the first one.
  const first = !serves && !(await listPods(config)).some(hasRun);
  return baselineOf(daemonSet, nodes, { there: fleet !== undefined, first });
}

/** Whether a DaemonSet could not be read because there is none. */
export function isMissing(error: unknown): boolean {
  const { cause } = error as Error;
  return cause instanceof ApiError && cause.status === 404;
}
