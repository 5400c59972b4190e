import * as pulumi from "@pulumi/pulumi";
import type { ClusterAccess } from "../args.ts";
import type { ApiObject } from "../cluster/objects.ts";
import { parseGoDuration } from "../configuration/goDuration.ts";
import type { ClusterChoice } from "../facts/ask.ts";
import type { ClusterFacts } from "../facts/facts.ts";
import { printable } from "../input/printable.ts";
import { switchOf } from "../plan/modes.ts";
import type { Wave } from "../pools/waves.ts";

/*
 * Hooks do not run in a preview; when one fails, so does the step that it comes before. What they need is loaded only
 * then: the Kubernetes client takes a third of a second, which no preview should pay for.
 */

/**
 * A hook that refuses to write to another cluster than the stack's, whatever has become of the kubeconfig meanwhile. Where
 * the cluster's UID is not known it does nothing.
 *
 * @param name - the component's
 * @param cluster - that of the provider
 */
export function comparingHook(name: string, cluster: ClusterAccess): pulumi.ResourceHook {
  return new pulumi.ResourceHook(`${name}-comparing`, () => compare(cluster));
}

/**
 * A hook that clears the way for an object that is about to be created, be it anew or in the place of one that was just
 * deleted, see `clearWay`. It compares first, as {@link comparingHook} does.
 *
 * @param name - the component's
 * @param cluster - that of the provider
 */
export function clearingHook(name: string, cluster: ClusterAccess): pulumi.ResourceHook {
  return new pulumi.ResourceHook(`${name}-clearing`, async ({ newInputs }) => {
    await compare(cluster);
    const { clearWay } = await import("../cluster/clearing.ts");
    const removed = await clearWay(await choiceOf(cluster), (await plain(newInputs)) as ApiObject);
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
    await compare(cluster);
    const { prepareSwitch } = await import("../cluster/modeSwitch/index.ts");
    await prepareSwitch(await choiceOf(cluster), wanted, {
      timeoutMs: Number(parseGoDuration(deadline) ?? 0n) / 1e6,
      log: (line) => void pulumi.log.info(printable(line)),
    });
  };
  let prepared: Promise<void> | undefined;
  // Several objects of a wave have it; what was prepared for the first is for all.
  return new pulumi.ResourceHook(`${name}-preparing`, () => (prepared ??= prepareWave()));
}

/** @throws ProblemsError for another cluster than the one whose UID is known */
async function compare(cluster: ClusterAccess): Promise<void> {
  if (cluster.id === undefined) return;
  const { openCluster } = await import("../cluster/identity.ts");
  await openCluster(await choiceOf(cluster), cluster.id, process.env);
}

async function choiceOf(cluster: ClusterAccess): Promise<ClusterChoice> {
  const { kubeconfig, context } = await plain(cluster);
  return { ...(kubeconfig !== undefined && { kubeconfig }), ...(context !== undefined && { context }) };
}

/** The values of outputs, wherever they are; secrets among them. */
function plain<T>(value: T): Promise<pulumi.Unwrap<T>> {
  return new Promise((resolve) => {
    pulumi.output(value).apply(resolve);
  });
}
