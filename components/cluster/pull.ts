/** Brings the image onto the nodes before a kube-proxy of theirs is replaced. */
import { createHash } from "node:crypto";
import type { KubeConfig } from "@kubernetes/client-node";
import { type Problem, ProblemsError } from "../input/problems.ts";
import type { PodSpec } from "../kubeadm/objects.ts";
import { selects } from "../pools/placement.ts";
import { forEachConcurrently } from "./concurrency.ts";
import { readNodes } from "./facts.ts";
import { placeOf } from "./handover.ts";
import { waitUntil } from "./wait.ts";
import {
  concurrency,
  createPod,
  deletePod,
  endOf,
  lastWords,
  listPulls,
  type Pod,
  pullLabel,
  whyNotReady,
} from "./workload.ts";

/** At most so many nodes pull at a time: a registry serves all of them at once. */
const mostAtOnce = 50;

/** Whose image is pulled. */
export interface Pull {
  /** Name of the DaemonSet. */
  readonly daemonSet: string;
  /** Its pods': where the image comes from, and where it goes. */
  readonly spec: PodSpec;
}

/** How {@link pull} is done. */
export interface PullOptions {
  /** Longest wait, in milliseconds, for the image on one more node. */
  readonly patienceMs: number;
  /** Takes a line when it is done. */
  readonly log: (line: string) => void;
}

/**
 * Has every Ready node of a DaemonSet pull its image, and run it once, by a pod of its own that is removed again. No
 * kube-proxy is touched.
 *
 * @throws ProblemsError naming every node that has not got it, or on which it does not run; for what the API server refuses
 */
export async function pull(
  config: KubeConfig,
  wanted: Pull,
  { patienceMs, log }: PullOptions,
): Promise<void> {
  const pulling = new Pulling(config, wanted);
  try {
    await pulling.proceed();
    while (pulling.open.size > 0) {
      const { done } = pulling;
      await waitUntil(patienceMs, async () => {
        await pulling.proceed();
        return pulling.done > done || pulling.isHopeless ? undefined : "nodes";
      }).catch((error: unknown) => {
        throw error instanceof ProblemsError ? pulling.failure : error;
      });
      if (pulling.isHopeless) throw pulling.failure;
    }
  } catch (error) {
    // Why it failed matters more.
    await removePulls(config).catch(() => undefined);
    throw error;
  }
  await removePulls(config);
  log(`Pulled: ${imageOf(wanted)} is on the ${pulling.done} nodes of ${wanted.daemonSet}`);
}

/** Removes what {@link pull} has made, also where it was interrupted. */
export async function removePulls(config: KubeConfig): Promise<void> {
  await forEachConcurrently(await listPulls(config), concurrency, (pod) => deletePod(config, pod));
}

class Pulling {
  readonly #config: KubeConfig;
  readonly #wanted: Pull;
  /** Names of nodes that have it. */
  readonly #done = new Set<string>();
  /** Names of nodes that have not, and why. */
  open: ReadonlyMap<string, string> = new Map();
  /** Whether waiting changes nothing. */
  isHopeless = false;

  constructor(config: KubeConfig, wanted: Pull) {
    this.#config = config;
    this.#wanted = wanted;
  }

  get done(): number {
    return this.#done.size;
  }

  get failure(): ProblemsError {
    const problems = [...this.open].map(([node, why]): Problem => ({
      path: `image on ${node}`,
      accepted: why,
    }));
    return new ProblemsError(
      `pulling ${imageOf(this.#wanted)} onto the nodes of ${this.#wanted.daemonSet}; no kube-proxy was touched`,
      problems,
    );
  }

  /** Does what can be done now. */
  async proceed(): Promise<void> {
    const [nodes, pods] = await Promise.all([readNodes(this.#config), listPulls(this.#config)]);
    const byName = new Map(pods.map((pod) => [pod.metadata.name, pod]));
    const left = nodes
      .filter((node) => !this.#done.has(node.name))
      .filter((node) => node.ready === "True" && selects(this.#wanted.spec, placeOf(node)))
      .map(({ name }) => ({ node: name, wanted: pullingPod(this.#wanted, name) }));
    const open = new Map<string, string>();
    let atOnce = left.filter(({ wanted }) => byName.has(wanted.metadata.name)).length;
    await forEachConcurrently(left, concurrency, async ({ node, wanted }) => {
      const pod = byName.get(wanted.metadata.name);
      if (pod === undefined) {
        open.set(node, "its turn has not come");
        if (atOnce >= mostAtOnce) return;
        atOnce += 1;
        await createPod(this.#config, wanted);
        return;
      }
      const isEnding = pod.metadata.deletionTimestamp !== undefined;
      const isOther = pod.spec.containers[0]?.image !== imageOf(this.#wanted);
      const code = isEnding || isOther ? undefined : endOf(pod);
      if (code === 0) this.#done.add(node);
      else open.set(node, isEnding || isOther ? "an earlier attempt has not ended yet" : whyNot(pod, code));
      if (code !== undefined && code !== 0) this.isHopeless = true;
      if (!isEnding && (isOther || code === 0)) await deletePod(this.#config, pod);
    });
    this.open = open;
  }
}

function whyNot(pod: Pod, code: number | undefined): string {
  if (code !== undefined) return `it does not run there, exit code ${code}: ${lastWords(pod) ?? "no word"}`;
  const waiting = pod.status.containerStatuses?.[0]?.state?.waiting?.message;
  return [whyNotReady(pod), ...(waiting === undefined ? [] : [waiting])].join(": ");
}

function imageOf({ spec }: Pull): string {
  return spec.containers[0].image;
}

/** The pod that has a node pull an image. It has none of kube-proxy's rights, and ends at once. */
function pullingPod({ daemonSet, spec }: Pull, node: string) {
  const { serviceAccountName, priorityClassName, tolerations, imagePullSecrets } = spec;
  const [{ image, imagePullPolicy, resources }] = spec.containers;
  return {
    metadata: {
      name: `kube-proxy-pull-${createHash("sha256").update(node).digest("hex").slice(0, 16)}`,
      labels: { [pullLabel]: daemonSet },
    },
    spec: {
      nodeName: node,
      // As kube-proxy's own: there may be no network for pods yet, and its ServiceAccount may have the registry's Secrets.
      ...{ hostNetwork: true, serviceAccountName, automountServiceAccountToken: false },
      ...{ priorityClassName, tolerations, imagePullSecrets },
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          // A quota of kube-system may want some resources named.
          ...{ name: "pull", image, imagePullPolicy, resources },
          command: ["/usr/local/bin/kube-proxy", "--version"],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          terminationMessagePolicy: "FallbackToLogsOnError",
        },
      ],
    },
  };
}
