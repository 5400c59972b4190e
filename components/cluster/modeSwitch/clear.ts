import type { KubeConfig } from "@kubernetes/client-node";
import { type Problem, ProblemsError } from "../../input/problems.ts";
import { clearingValue, counterpart, helperLabel } from "../../plan/modes.ts";
import { forEachConcurrently } from "../concurrency.ts";
import type { Observation } from "../verify/observation.ts";
import { waitUntil } from "../wait.ts";
import {
  concurrency,
  createPod,
  deletePod,
  endOf,
  lastWords,
  listHelpers,
  listPods,
  type Pod,
} from "../workload.ts";
import { ask, readyNodes } from "./ask.ts";
import type { SwitchOptions } from "./options.ts";
import { clearingPod } from "./pods.ts";

/** Before this minor a cleanup fails where it does not see a tool; that its own part is done does not show. */
const tellsSince = 34;

/**
 * Ends a switch between modes: removes the helpers, then on each node the rules of all modes but that of its kube-proxy,
 * which does so itself when it starts, but tells nobody whether it could. Nodes without a running kube-proxy are left
 * alone, and so are those in mode ipvs.
 *
 * It can be run again at any time, and does no harm where there is nothing to remove.
 *
 * @param nodes - only on these, by name; default: on all that are Ready
 * @throws ProblemsError naming every node where rules may be left, with what the cleanup said; for what the API server
 *   refuses
 */
export async function clear(
  config: KubeConfig,
  options: SwitchOptions,
  nodes?: ReadonlySet<string>,
): Promise<void> {
  const clearing = new Clearing(config, nodes);
  await waitUntil(options.timeoutMs, () => clearing.removeHelpers());
  await clearing.begin();
  await waitUntil(options.timeoutMs, () => clearing.proceed());
  const { problems, done } = clearing;
  if (problems.length > 0) throw new ProblemsError("removing the rules of other modes", problems);
  if (done > 0) options.log(`Cleared: ${done} nodes have the rules of their kube-proxy's mode alone`);
}

class Clearing {
  readonly #config: KubeConfig;
  readonly #nodes: ReadonlySet<string> | undefined;
  /** The kube-proxies whose nodes are not done, and what they said, by UID. */
  readonly #left = new Map<string, { readonly pod: Pod; readonly said: Observation }>();
  readonly problems: Problem[] = [];
  done = 0;

  constructor(config: KubeConfig, nodes: ReadonlySet<string> | undefined) {
    this.#config = config;
    this.#nodes = nodes;
  }

  /** Nothing is cleared beside one that would make its rules again; and what an interrupted clearing has left goes, too. */
  async removeHelpers(): Promise<string | undefined> {
    const ready = await readyNodes(this.#config);
    const found = (await listHelpers(this.#config)).filter(({ spec }) => this.#isMeant(spec.nodeName));
    await this.#deleteAll(found.filter(({ metadata }) => metadata.deletionTimestamp === undefined));
    const staying = found.filter(({ spec }) => ready.has(spec.nodeName ?? ""));
    return staying.length === 0 ? undefined : `helpers that are not gone: ${namesOf(staying)}`;
  }

  async begin(): Promise<void> {
    const ready = await readyNodes(this.#config);
    const pods = (await listPods(this.#config)).filter(
      ({ metadata, spec }) =>
        metadata.deletionTimestamp === undefined &&
        ready.has(spec.nodeName ?? "") &&
        this.#isMeant(spec.nodeName),
    );
    const answers = await ask(this.#config, pods);
    for (const pod of pods) {
      const said = answers.get(pod.metadata.uid) ?? "it was not asked";
      if (typeof said === "string") {
        this.#complain(pod, `its kube-proxy does not say in which mode it runs: ${said}`);
      } else if (counterpart(said.mode) !== undefined) {
        this.#left.set(pod.metadata.uid, { pod, said });
      }
    }
    await forEachConcurrently([...this.#left.values()], concurrency, ({ pod, said }) =>
      createPod(this.#config, clearingPod(pod, said.mode)),
    );
  }

  async proceed(): Promise<string | undefined> {
    const pods = (await listHelpers(this.#config)).filter(
      ({ metadata }) => metadata.labels?.[helperLabel] === clearingValue,
    );
    const byName = new Map(pods.map((pod) => [pod.metadata.name, pod]));
    const ended: Pod[] = [];
    for (const [uid, { pod, said }] of this.#left) {
      const clearing = byName.get(clearingPod(pod, said.mode).metadata.name);
      const code = clearing && endOf(clearing);
      // With its kube-proxy, whose successor removes the rules of other modes itself.
      const isGone = clearing === undefined;
      if (code === undefined && !isGone) continue;
      this.#left.delete(uid);
      this.done += 1;
      if (clearing === undefined) continue;
      ended.push(clearing);
      if (code !== 0 && said.minor >= tellsSince) {
        this.#complain(pod, `kube-proxy --cleanup ended with ${code}: ${lastWords(clearing) ?? "no word"}`);
      }
    }
    await this.#deleteAll(ended);
    const names = [...this.#left.values()].map(({ pod }) => pod.spec.nodeName);
    return names.length === 0 ? undefined : `nodes that are not cleared: ${names.join(", ")}`;
  }

  #isMeant(node: string | undefined): boolean {
    return this.#nodes?.has(node ?? "") ?? true;
  }

  #complain({ spec }: Pod, accepted: string): void {
    this.problems.push({ path: `rules on ${spec.nodeName ?? ""}`, accepted });
  }

  async #deleteAll(pods: readonly Pod[]): Promise<void> {
    await forEachConcurrently(pods, concurrency, (pod) => deletePod(this.#config, pod));
  }
}

function namesOf(pods: readonly Pod[]): string {
  return pods.map(({ metadata }) => metadata.name).join(", ");
}
