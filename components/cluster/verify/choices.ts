import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { type Placement, selects } from "../../pools/placement.ts";
import { listAll } from "../api.ts";
import { deadlineIn } from "../deadline.ts";
import { Interrupted } from "../ending.ts";
import { type DaemonSet, isKubeProxy, nameOf, paths } from "../workload.ts";
import { isPassing } from "./errors.ts";
import type { FleetChoice } from "./fleet.ts";

/** Pause before an API server that is not there is asked again, in milliseconds. */
const pauseMs = 500;

/** What is meant, and how long to wait for the API server. */
export interface ChoiceOptions {
  /** Name of a DaemonSet. Default: all that make kube-proxy's pods. */
  readonly daemonSet: string | undefined;
  /** Names of nodes. Default: all. */
  readonly nodes: readonly string[] | undefined;
  /** Ends the wait for the API server. */
  readonly deadline: AbortSignal;
  /** Whether an API server that is away or busy is asked again until then. */
  readonly isPatient: boolean;
}

/**
 * The kube-proxies that are meant: of one DaemonSet, or without a name of all that make kube-proxy's pods, as pools do. Where
 * these may not be listed, or there is none, it is kube-proxy, by kubeadm's name: whoever reads it says what is wrong.
 */
export async function choicesOf(config: KubeConfig, options: ChoiceOptions): Promise<FleetChoice[]> {
  const { daemonSet, nodes, deadline } = options;
  if (daemonSet !== undefined) return [{ daemonSet, nodes }];
  const found = await listInTime(config, options);
  const [first, ...others] = found;
  if (first === undefined) return [{ daemonSet: "kube-proxy", nodes }];
  if (others.length === 0) return [{ daemonSet: nameOf(first), nodes }];
  return nodes === undefined
    ? found.map((one) => ({ daemonSet: nameOf(one), nodes }))
    : await byNodes(config, found, nodes, deadline);
}

type WithTemplate = DaemonSet & { readonly spec: { readonly template: { readonly spec?: Placement } } };

async function listInTime(
  config: KubeConfig,
  { deadline: signal, isPatient }: ChoiceOptions,
): Promise<WithTemplate[]> {
  for (;;) {
    try {
      const all = await listAll<WithTemplate>(config, paths.daemonSets, { signal });
      return all.filter(isKubeProxy);
    } catch (error) {
      if (error instanceof Interrupted) throw error;
      if (!isPatient || signal.aborted || !isPassing(error)) return [];
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

interface Place {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly taints?: readonly { readonly key: string; readonly effect: string }[] };
}

/** Each node with the DaemonSet that selects it. */
async function byNodes(
  config: KubeConfig,
  daemonSets: readonly WithTemplate[],
  names: readonly string[],
  signal: AbortSignal,
): Promise<FleetChoice[]> {
  const wanted = new Set(names);
  const keep = ({ metadata, spec }: Place) =>
    wanted.has(metadata.name)
      ? {
          metadata: { name: metadata.name, labels: metadata.labels ?? {} },
          spec: { taints: spec?.taints ?? [] },
        }
      : undefined;
  const places = await listAll(config, "/api/v1/nodes", { signal }, keep);
  const choices = daemonSets.map((one) => {
    const { spec } = one.spec.template;
    const own = places.filter((place) => spec !== undefined && selects(spec, place));
    return { daemonSet: nameOf(one), nodes: own.map(({ metadata }) => metadata.name) };
  });
  const chosen = new Set(choices.flatMap(({ nodes }) => nodes));
  const strange = names.filter((name) => !chosen.has(name));
  if (strange.length > 0) {
    throw new Error(`nodes: ${strange.join(", ")}: no such node, or no DaemonSet of kube-proxy selects it`);
  }
  return choices.filter(({ nodes }) => nodes.length > 0);
}

/** What {@link inEachFleet} goes by. */
export interface FleetsOptions extends Omit<ChoiceOptions, "deadline"> {
  /** Longest time for finding out which there are, and for the work, in milliseconds. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What the work on one of several DaemonSets goes by. */
export interface Share extends FleetChoice {
  /** What is left of the time, in milliseconds. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  /** Whether there are others. */
  readonly isOneOfSeveral: boolean;
}

/**
 * Does something with each DaemonSet that is meant, see {@link choicesOf}, side by side, and waits for all: each has to put
 * away what it has made.
 *
 * @throws what the first one failed with
 */
export async function inEachFleet<T>(
  config: KubeConfig,
  { deadlineMs, signal, ...options }: FleetsOptions,
  work: (share: Share) => Promise<T>,
): Promise<T[]> {
  const until = Date.now() + deadlineMs;
  const choices = await choicesOf(config, { ...options, deadline: deadlineIn(deadlineMs, signal) });
  const common = {
    ...{ deadlineMs: Math.max(0, until - Date.now()), signal },
    isOneOfSeveral: choices.length > 1,
  };
  const settled = await Promise.allSettled(choices.map((choice) => work({ ...choice, ...common })));
  return settled.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}
