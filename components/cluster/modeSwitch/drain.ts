import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { type Problem, ProblemsError } from "../../input/problems.ts";
import { type Drain, OnDeadline } from "../../plan/leaving.ts";
import { countingValue, helperLabel } from "../../plan/modes.ts";
import { forEachConcurrently } from "../concurrency.ts";
import { throwIfEnding } from "../ending.ts";
import { waitUntil } from "../wait.ts";
import { concurrency, createPod, deletePod, endOf, listHelpers, type Pod, messageOf } from "../workload.ts";
import { type Carried, describeCarried, isDrained, readCarried } from "./carried.ts";
import { countingPod } from "./pods.ts";

/** What {@link drain} goes by. */
export interface DrainOptions extends Drain {
  /** Longest wait for all nodes to be counted once, in milliseconds. */
  readonly countMs: number;
  /** An image with `ip`; undefined for kube-proxy's own. */
  readonly image: string | undefined;
  /** Where others have virtual servers, which stay when kube-proxy's are removed: the image has to have the means. */
  readonly others: readonly string[];
  /** What stays as it is when this ends at the deadline, as the end of a sentence. */
  readonly untouched: string;
  readonly log: (line: string) => void;
}

/** What the nodes of kube-proxies carry, or in one sentence why that is not known. */
type Counted = ReadonlyMap<Pod, Carried | string>;

/** Waits between two counts, in milliseconds: the first ones end soon, the last ones may take half an hour. */
const firstPauseMs = 3000;
const longestPauseMs = 30_000;

/**
 * Waits until ipvs carries no connection on the nodes of some kube-proxies, which a pod beside each counts.
 *
 * @param beside - the kube-proxies, each on a node that has ipvs
 * @throws ProblemsError at the deadline with `stop`, naming every node with what ipvs still carries there; for a node that
 *   cannot be counted, where it would be cut or stopped by that; where what is others' could not stay
 */
export async function drain(
  config: KubeConfig,
  beside: readonly Pod[],
  options: DrainOptions,
): Promise<void> {
  const { timeoutMs, onDeadline, log } = options;
  const deadline = Date.now() + timeoutMs;
  const byNode = beside.toSorted((a, b) => nodeOf(a).localeCompare(nodeOf(b)));
  let left: Counted = new Map();
  for (let pause = firstPauseMs; ; pause = Math.min(2 * pause, longestPauseMs)) {
    const isFirst = pause === firstPauseMs;
    const counted = await count(config, isFirst ? byNode : [...left.keys()], options);
    const problems = isFirst ? withoutMeans(counted, options) : [];
    if (problems.length > 0) throw new ProblemsError(`draining ipvs; ${options.untouched}`, problems);
    left = new Map([...counted].filter(([, carried]) => typeof carried === "string" || !isDrained(carried)));
    if (isFirst && left.size > 0) log(`ipvs still carries: ${describe(left)}`);
    const isHopeless = [...left.values()].every(staysAsItIs);
    // With none left there is nothing to wait for either.
    if (Date.now() + pause >= deadline || isHopeless) break;
    await sleep(pause);
    throwIfEnding();
  }
  if (left.size === 0) {
    log("Drained: ipvs carries no connection any more");
  } else if (onDeadline === OnDeadline.stop) {
    throw new ProblemsError(`draining ipvs; ${options.untouched}`, problemsOf(left, options));
  } else {
    log(`${onDeadline === OnDeadline.cut ? "Cut" : "Kept"}, as modeSwitch says: ${describe(left)}`);
  }
}

/** The problem of an image that could not leave what is others'. */
function withoutMeans(counted: Counted, { others, onDeadline, image }: DrainOptions): Problem[] {
  const cannot = [...counted.values()].some(
    (one) => typeof one === "object" && one.servers > 0 && !one.canChoose,
  );
  return cannot && others.length > 0 && onDeadline !== OnDeadline.keep
    ? [
        {
          path: "modeSwitch.image",
          value: image,
          accepted: `an image with sh, ip and ipvsadm: configuration.ipvs.excludeCIDRs says that others have virtual servers at ${others.join(", ")}`,
        },
      ]
    : [];
}

/** Whether a node carries what does not drain, and nothing else: whoever waits for that waits for ever. */
function staysAsItIs(carried: Carried | string): boolean {
  return typeof carried === "object" && carried.connections === 0 && !carried.ownDrains;
}

function problemsOf(left: Counted, { drain: time }: DrainOptions): Problem[] {
  const nodes = [...left].map(([pod, carried]): Problem => ({
    path: `ipvs on ${nodeOf(pod)}`,
    accepted:
      typeof carried === "object" ? `carries ${describeCarried(carried)}` : `is not counted: ${carried}`,
  }));
  const wantsImage = [...left.values()].some(
    (one) => typeof one === "object" && one.own > 0 && !one.ownDrains,
  );
  return [
    ...nodes,
    {
      path: "modeSwitch",
      accepted:
        `run pulumi up again to wait ${time} once more, or set modeSwitch.onDeadline to keep, which breaks none, or to cut` +
        (wantsImage
          ? "; connections of a node itself end only by modeSwitch.image, an image with sh and ip"
          : ""),
    },
  ];
}

function nodeOf({ spec }: Pod): string {
  return spec.nodeName ?? "";
}

function describe(left: Counted): string {
  return [...left]
    .map(
      ([pod, carried]) =>
        `${nodeOf(pod)} ${typeof carried === "object" ? describeCarried(carried) : `(not counted: ${carried})`}`,
    )
    .join("; ");
}

/**
 * Counts once what ipvs carries on nodes.
 *
 * @returns for each kube-proxy what its node has, or in one sentence why that is not known; none of those that are gone
 */
async function count(
  config: KubeConfig,
  beside: readonly Pod[],
  { image, countMs }: Pick<DrainOptions, "image" | "countMs">,
): Promise<Counted> {
  const found = new Map<Pod, Carried | string>();
  const names = new Map(beside.map((pod) => [countingPod(pod, image).metadata.name, pod]));
  const mine = async () =>
    (await listHelpers(config)).filter(({ metadata: { name, labels } }) => {
      return labels?.[helperLabel] === countingValue && names.has(name);
    });
  const remove = async (): Promise<string | undefined> => {
    const pods = await mine();
    await forEachConcurrently(pods, concurrency, async (pod) => {
      if (pod.metadata.deletionTimestamp === undefined) await deletePod(config, pod);
    });
    return pods.length === 0 ? undefined : "pods that count what ipvs carries, to be gone";
  };
  await waitUntil(countMs, remove);
  await forEachConcurrently(beside, concurrency, (pod) => createPod(config, countingPod(pod, image)));
  const check = async (): Promise<string | undefined> => {
    const pods = new Map((await mine()).map((pod) => [pod.metadata.name, pod]));
    const open = [...names].filter(([name, pod]) => {
      const counting = pods.get(name);
      if (counting === undefined) {
        // With its kube-proxy, or its node.
        found.delete(pod);
        return false;
      }
      const code = endOf(counting);
      if (code === undefined) {
        found.set(pod, "its pod does not end");
        return true;
      }
      const message = messageOf(counting);
      found.set(pod, readCarried(message) ?? (message.trim().split("\n").at(-1) || `it ended with ${code}`));
      return false;
    });
    return open.length === 0 ? undefined : "pods that count what ipvs carries";
  };
  await waitUntil(countMs, check).catch(() => undefined);
  await waitUntil(countMs, remove);
  return found;
}
