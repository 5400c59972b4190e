import { AsyncResource } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterAccess } from "../args.ts";
import type { KubeConfig } from "../cluster/kubernetes.ts";
import type { ApiObject } from "../cluster/objects.ts";
import { parseGoDuration } from "../configuration/goDuration.ts";
import type { ClusterFacts } from "../facts/facts.ts";
import { printable } from "../input/printable.ts";
import { switchOf } from "../plan/modeSwitch.ts";
import type { Wave } from "../pools/waves.ts";

/*
 * Hooks do not run in a preview; when one fails, so does the step that it comes before. What they need is loaded only
 * then: the Kubernetes client takes a third of a second, which no preview should pay for.
 */

/**
 * A hook that knows of the stack, and may log, wherever it is called from: a plugin's SDK keeps that for each component that
 * is made there, by the chain of asynchronous calls, and the engine's call of a hook is in none of them.
 *
 * @param work - what it does
 */
export function hookOf(name: string, work: pulumi.ResourceHookFunction): pulumi.ResourceHook {
  return new pulumi.ResourceHook(name, AsyncResource.bind(work));
}

/**
 * A hook that comes before an object is changed. It refuses to write to another cluster than the stack's, where that one's
 * UID is known, whatever has become of the kubeconfig meanwhile; and sees to it that what others have added to the object
 * stays theirs, and the spec the program's, see `divideFields`.
 *
 * @param name - the component's
 * @param cluster - that of the provider
 */
export function changingHook(name: string, cluster: ClusterAccess): pulumi.ResourceHook {
  return hookOf(`${name}-changing`, async ({ newInputs }) => {
    const config = await openPlain(cluster);
    const { divideFields } = await import("../cluster/ownership.ts");
    await divideFields(config, (await plain(newInputs)) as ApiObject);
  });
}

/**
 * A hook that clears the way for an object that is about to be created, be it anew or in the place of one that was just
 * deleted, see `clearWay`. It compares first, as {@link changingHook} does.
 *
 * @param name - the component's
 * @param cluster - that of the provider
 */
export function clearingHook(name: string, cluster: ClusterAccess): pulumi.ResourceHook {
  return hookOf(`${name}-clearing`, async ({ newInputs }) => {
    const config = await openPlain(cluster);
    const { clearWay } = await import("../cluster/clearing.ts");
    const removed = await clearWay(config, (await plain(newInputs)) as ApiObject);
    if (removed !== undefined) {
      await pulumi.log.info(
        `${printable(removed)} was there, left by a create that did not end: it was deleted`,
      );
    }
  });
}

/** What {@link preparingHook} prepares. */
export interface Preparing {
  readonly wave: pulumi.Output<Wave>;
  /** Of the cluster; without them the cluster is asked again whether this is a switch. */
  readonly facts: ClusterFacts | undefined;
  /** When to give up, as a Go duration. */
  readonly deadline: string;
}

/**
 * A hook that prepares a switch between modes before the first object of a wave is changed, see `prepare`. With another
 * change it does nothing.
 *
 * @param name - the component's, with the wave's
 * @param cluster - that of the provider
 */
export function preparingHook(
  name: string,
  cluster: ClusterAccess,
  { wave, facts, deadline }: Preparing,
): pulumi.ResourceHook {
  const prepareWave = async (): Promise<void> => {
    const wanted = await plain(wave);
    if (facts !== undefined && switchOf(wanted, facts) === undefined) return;
    const config = await openPlain(cluster);
    const { prepare } = await import("../cluster/modeSwitch/index.ts");
    await prepare(config, wanted, {
      timeoutMs: Number(parseGoDuration(deadline) ?? 0n) / 1e6,
      log: (line) => void pulumi.log.info(printable(line)),
    });
  };
  let prepared: Promise<void> | undefined;
  // Several objects of a wave have it; what was prepared for the first is for all.
  return hookOf(`${name}-preparing`, () => (prepared ??= prepareWave()));
}

/**
 * Names the pods that a restart of some nodes deletes; to be told by a preview.
 *
 * @param cluster - that of the provider
 * @param nodes - their names
 * @returns one line; undefined where there is no pod yet
 */
export async function podsOfNodes(
  cluster: ClusterAccess,
  nodes: readonly string[],
): Promise<string | undefined> {
  const config = await openPlain(cluster);
  const { listPods, nameOf } = await import("../cluster/workload.ts");
  const pods = await Promise.all(nodes.map((node) => listPods(config, node)));
  const named = pods.flat().map((pod) => `${nameOf(pod)} on ${pod.spec.nodeName ?? ""}`);
  return named.length === 0
    ? undefined
    : `restartNodes: pods that are deleted one after the other, each when the one before is made anew: ${named.join(", ")}.`;
}

/**
 * The cluster as it was compared: whoever read the kubeconfig a second time could write to another one.
 *
 * @throws ProblemsError for another cluster than the one whose UID is known
 */
export async function openPlain(cluster: ClusterAccess): Promise<KubeConfig> {
  const { openCluster } = await import("../cluster/identity.ts");
  const { kubeconfig, context, id } = await plain(cluster);
  const choice = {
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
  };
  return await openCluster(choice, id, process.env);
}

/** The values of outputs, wherever they are; secrets among them. */
export function plain<T>(value: T): Promise<pulumi.Unwrap<T>> {
  return new Promise((resolve) => {
    pulumi.output(value).apply(resolve);
  });
}
