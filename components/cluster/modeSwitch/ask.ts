import type { KubeConfig } from "@kubernetes/client-node";
import { recordOf } from "../../plan/modes.ts";
import { find } from "../api.ts";
import { forEachConcurrently } from "../concurrency.ts";
import { readNodes } from "../facts.ts";
import { metricsPortOf, probe, probeConcurrency } from "../verify/probe.ts";
import type { Probed } from "../verify/types.ts";
import type { Pod } from "../workload.ts";

/** Longest time for all kube-proxies to answer, in milliseconds. */
const timeoutMs = 60_000;

/** The names of the nodes that are Ready: on others nobody does anything. */
export async function readyNodes(config: KubeConfig): Promise<Set<string>> {
  const nodes = await readNodes(config);
  return new Set(nodes.filter(({ ready }) => ready === "True").map(({ name }) => name));
}

/**
 * Asks running kube-proxies what they are.
 *
 * @returns the answers by the pod's UID, or in one sentence why there is none
 */
export async function ask(config: KubeConfig, pods: readonly Pod[]): Promise<Map<string, Probed>> {
  const answers = new Map<string, Probed>();
  const ports = new Map<string, Promise<number>>();
  const stop = AbortSignal.timeout(timeoutMs);
  await forEachConcurrently(pods, probeConcurrency, async (pod) => {
    const name = configMapOf(pod);
    const port = ports.get(name) ?? readPort(config, name);
    ports.set(name, port);
    const { uid, name: podName } = pod.metadata;
    answers.set(uid, await probe(config, { pod: podName, port: await port }, stop));
  });
  return answers;
}

function configMapOf({ spec }: Pod): string {
  return spec.volumes?.find(({ configMap }) => configMap !== undefined)?.configMap?.name ?? "kube-proxy";
}

async function readPort(config: KubeConfig, configMap: string): Promise<number> {
  const found = await find(config, `/api/v1/namespaces/kube-system/configmaps/${configMap}`);
  const { "config.conf": text = "" } = (found?.["data"] ?? {}) as Record<string, string>;
  return metricsPortOf(recordOf(text));
}
