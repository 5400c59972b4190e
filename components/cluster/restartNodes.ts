import { randomUUID } from "node:crypto";
import type { KubeConfig } from "@kubernetes/client-node";
import type { NodeFacts } from "../facts/facts.ts";
import { nearest, type Problem, ProblemsError } from "../input/problems.ts";
import { Interrupted, isEnding } from "./ending.ts";
import { readNodes } from "./facts.ts";
import {
  type Baseline,
  prepareRestart,
  removeTestServices,
  type Report,
  takeBaseline,
  verify,
} from "./verify/index.ts";
import { waitUntil } from "./wait.ts";
import { controllerOf, deletePod, isReady, listPods, nameOf, type Pod, whyNotReady } from "./workload.ts";

/** Options of {@link restartNodes}. */
export interface RestartNodesOptions {
  /** Longest wait in milliseconds: for the new pod of each node, and for the verification. */
  readonly deadlineMs: number;
  /** Takes a line for each pod that was restarted. */
  readonly log: (line: string) => void;
}

/** A pod that is to be restarted. */
export interface Target {
  readonly node: string;
  readonly pod: Pod;
  /** Name of the DaemonSet that makes another one. */
  readonly daemonSet: string;
}

/**
 * Restarts kube-proxy on some nodes alone, one node after the other: its pod is deleted, and the next node follows when
 * the DaemonSet's new one is Ready. The DaemonSets stay as they are. Then every restarted kube-proxy is verified.
 *
 * @param config - the cluster, see `loadCluster`
 * @param names - of the nodes
 * @returns a report for each DaemonSet that has one of the nodes
 * @throws ProblemsError naming every node that cannot be restarted, before anything is deleted; for a pod that does not
 *   come back in time; for what the API server refuses. Error when the verification cannot read the cluster
 */
export async function restartNodes(
  config: KubeConfig,
  names: readonly string[],
  { deadlineMs, log }: RestartNodesOptions,
): Promise<Report[]> {
  const [nodes, pods] = await Promise.all([readNodes(config), listPods(config)]);
  const targets = targetsOf(names, nodes, pods);
  const since = new Date();
  const expectations = [...Map.groupBy(targets, (target) => target.daemonSet)].map(([daemonSet, group]) => {
    return { daemonSet, nodes: group.map(({ node }) => node), since, testServices: randomUUID() };
  });
  const reports: Report[] = [];
  const baselines = new Map<string, Baseline>();
  try {
    for (const { daemonSet, nodes, testServices: id } of expectations) {
      const lifetimeMs = deadlineMs * (targets.length + 2);
      baselines.set(daemonSet, await takeBaseline(config, daemonSet));
      log(await prepareRestart(config, { daemonSet, nodes, id, lifetimeMs }));
    }
    for (const [index, target] of targets.entries()) {
      const next = targets.slice(index + 1).map(({ node }) => node);
      log(await restartPod(config, target, next, deadlineMs));
    }
    for (const expectation of expectations) {
      const baseline = baselines.get(expectation.daemonSet);
      reports.push(await verify(config, { ...expectation, baseline }, { deadlineMs }));
    }
  } finally {
    await Promise.all(
      expectations.map(({ testServices }) => removeTestServices(config, testServices, isEnding())),
    );
  }
  return reports;
}

/**
 * The pods to restart.
 *
 * @param names - of the nodes; one that is named twice counts once
 * @throws ProblemsError naming every node that does not exist, is not Ready, or has no kube-proxy that comes back
 */
export function targetsOf(
  names: readonly string[],
  nodes: readonly NodeFacts[],
  pods: readonly Pod[],
): Target[] {
  const found = [...new Set(names)].map((name) => targetOf(name, nodes, pods));
  const problems = found.filter((one) => "accepted" in one);
  if (problems.length > 0) {
    throw new ProblemsError("the nodes to restart; nothing was restarted", problems);
  }
  return found.filter((one) => "pod" in one);
}

function targetOf(name: string, nodes: readonly NodeFacts[], pods: readonly Pod[]): Target | Problem {
  const refuse = (accepted: string): Problem => ({ path: "--nodes", value: name, accepted });
  const node = nodes.find((one) => one.name === name);
  if (node === undefined) {
    const known = nodes.map((one) => one.name);
    const near = nearest(name, known);
    const hint = near === undefined ? "see kubectl get nodes" : `did you mean ${near}?`;
    return refuse(`the name of a node of this cluster; ${hint}`);
  }
  if (node.ready !== "True") {
    return refuse(`a node that is Ready; while this one is not (${node.ready}) no new pod would start on it`);
  }
  const pod = pods.find(
    (one) =>
      one.spec.nodeName === name &&
      one.metadata.deletionTimestamp === undefined &&
      controllerOf(one)?.kind === "DaemonSet",
  );
  return pod === undefined
    ? refuse("a node with a pod of kube-proxy that a DaemonSet makes again; this one has none")
    : { node: name, pod, daemonSet: controllerOf(pod)?.name ?? "" };
}

/** Says of an interruption what it has interrupted. */
function interruptedWith(what: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof Interrupted ? new Interrupted(`${error.message}${what}`) : error;
  };
}

/** @returns what was done, in one line */
async function restartPod(
  config: KubeConfig,
  { node, pod }: Target,
  next: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const untouched = (names: readonly string[]) =>
    names.length === 0 ? "" : `; not restarted: ${names.join(", ")}`;
  await deletePod(config, pod).catch(interruptedWith(untouched([node, ...next])));
  let successor: Pod | undefined;
  const check = async (): Promise<string | undefined> => {
    const others = (await listPods(config, node)).filter(({ metadata }) => metadata.uid !== pod.metadata.uid);
    successor = others.find(isReady);
    if (successor !== undefined) {
      return undefined;
    }
    const why = others.map((other) => `${nameOf(other)} is ${whyNotReady(other)}`).join(", ");
    return `${node} has no Ready kube-proxy (${why || "no new pod yet"})${untouched(next)}`;
  };
  await waitUntil(timeoutMs, check, "--deadline").catch(
    interruptedWith(
      `; ${node}: ${nameOf(pod)} is deleted, its successor was not waited for${untouched(next)}`,
    ),
  );
  return `${node}: ${nameOf(pod)} is deleted, ${successor?.metadata.name ?? ""} is Ready`;
}
