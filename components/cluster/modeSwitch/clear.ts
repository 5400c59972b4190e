import type { KubeConfig } from "@kubernetes/client-node";
import { type Problem, ProblemsError } from "../../input/problems.ts";
import {
  drainOf,
  keepsIpvs,
  leavingAnnotation,
  type LeavingIpvs,
  leavingOf,
  OnDeadline,
} from "../../plan/leaving.ts";
import { clearingValue, helperLabel } from "../../plan/modes.ts";
import { leavesIpvsSince } from "../../plan/modeSwitch.ts";
import { othersOf } from "../../plan/others.ts";
import { forEachConcurrently } from "../concurrency.ts";
import type { Observation } from "../verify/observation.ts";
import { waitUntil } from "../wait.ts";
import {
  concurrency,
  createPod,
  deletePod,
  endOf,
  lastWords,
  listDaemonSets,
  listHelpers,
  listPods,
  type Pod,
} from "../workload.ts";
import { ask, readyNodes } from "./ask.ts";
import type { SwitchOptions } from "./options.ts";
import { drain } from "./drain.ts";
import { clearingPod, type NewPod } from "./pods.ts";

/** Before this minor a cleanup fails where it does not see a tool; that its own part is done does not show. */
const tellsSince = 34;

/**
 * Ends a switch between modes: removes the helpers, then on each node the rules of all modes but that of its kube-proxy,
 * which does so itself when it starts, but tells nobody whether it could. Nodes without a running kube-proxy are left
 * alone, and so is ipvs where it is kept, and where it was not among the modes that were left: its virtual servers may be
 * those of others. Where `ipvs.excludeCIDRs` says that others have some beside kube-proxy's, those stay. Beside mode iptables
 * ipvs still has connections, and is drained first.
 *
 * It can be run again at any time, and does no harm where there is nothing to remove.
 *
 * @param left - the modes that the nodes were in before
 * @param nodes - only on these, by name; default: on all that are Ready
 * @throws ProblemsError naming every node where rules may be left, with what the cleanup said; or, before anything of ipvs
 *   is removed, every node where it still carries connections. For what the API server refuses
 */
export async function clear(
  config: KubeConfig,
  options: SwitchOptions,
  left: readonly string[],
  nodes?: ReadonlySet<string>,
): Promise<void> {
  const clearing = new Clearing(config, options, { leavesIpvs: left.includes("ipvs"), nodes });
  await waitUntil(options.timeoutMs, () => clearing.removeHelpers());
  await clearing.ask();
  await clearing.readSetting();
  await clearing.drain();
  await clearing.begin();
  await waitUntil(options.timeoutMs, () => clearing.proceed());
  const { problems, done } = clearing;
  if (problems.length > 0) throw new ProblemsError("removing the rules of other modes", problems);
  if (done > 0) options.log(`Cleared: ${done} nodes have the rules of their kube-proxy's mode alone`);
}

/** What is cleared. */
interface Scope {
  readonly leavesIpvs: boolean;
  readonly nodes: ReadonlySet<string> | undefined;
}

class Clearing {
  readonly #config: KubeConfig;
  readonly #options: SwitchOptions;
  readonly #scope: Scope;
  /** How ipvs is left. */
  #leaving: LeavingIpvs = {};
  /** The kube-proxies whose nodes are not done, and what they said, by UID. */
  readonly #left = new Map<string, { readonly pod: Pod; readonly said: Observation }>();
  readonly problems: Problem[] = [];
  done = 0;

  constructor(config: KubeConfig, options: SwitchOptions, scope: Scope) {
    this.#config = config;
    this.#options = options;
    this.#scope = scope;
  }

  /** Nothing is cleared beside one that would make its rules again; and what an interrupted clearing has left goes, too. */
  async removeHelpers(): Promise<string | undefined> {
    const ready = await readyNodes(this.#config);
    const found = (await listHelpers(this.#config)).filter(({ spec }) => this.#isMeant(spec.nodeName));
    await this.#deleteAll(found.filter(({ metadata }) => metadata.deletionTimestamp === undefined));
    const staying = found.filter(({ spec }) => ready.has(spec.nodeName ?? ""));
    return staying.length === 0 ? undefined : `helpers that are not gone: ${namesOf(staying)}`;
  }

  /** Finds out which kube-proxies run in which mode. */
  async ask(): Promise<void> {
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
      } else if (!keepsIpvs(pod) && (said.mode !== "ipvs" || said.minor >= leavesIpvsSince)) {
        this.#left.set(pod.metadata.uid, { pod, said });
      }
    }
  }

  async readSetting(): Promise<void> {
    if (!this.#scope.leavesIpvs) return;
    const daemonSets = await listDaemonSets(this.#config);
    // All that this program has made say the same.
    const own = daemonSets.find(({ metadata }) => leavingAnnotation in (metadata.annotations ?? {}));
    this.#leaving = leavingOf(own?.metadata.annotations);
  }

  /** Waits for what ipvs carries beside mode iptables; where it is to be kept, those nodes are done. */
  async drain(): Promise<void> {
    const { timeoutMs: countMs, log } = this.#options;
    const beside = [...this.#left.values()].filter(
      ({ said }) => this.#scope.leavesIpvs && said.mode === "iptables",
    );
    if (beside.length === 0) return;
    const untouched = "every kube-proxy runs in its new mode, and ipvs stays";
    const others = [...new Set(beside.flatMap(({ said }) => othersOf(said.configuration)))];
    const options = {
      ...drainOf(this.#leaving),
      image: this.#leaving.image,
      others,
      countMs,
      untouched,
      log,
    };
    const pods = beside.map(({ pod }) => pod);
    await drain(this.#config, pods, options);
    if (options.onDeadline === OnDeadline.keep) {
      for (const { metadata } of pods) this.#left.delete(metadata.uid);
    }
  }

  async begin(): Promise<void> {
    await forEachConcurrently([...this.#left.values()], concurrency, ({ pod, said }) =>
      createPod(this.#config, this.#clearingPod(pod, said)),
    );
  }

  #clearingPod(pod: Pod, { mode, configuration }: Observation): NewPod {
    const leavesIpvs = this.#scope.leavesIpvs && mode !== "ipvs";
    const { image } = this.#leaving;
    return clearingPod(pod, mode, leavesIpvs ? { others: othersOf(configuration), image } : undefined);
  }

  async proceed(): Promise<string | undefined> {
    const pods = (await listHelpers(this.#config)).filter(
      ({ metadata }) => metadata.labels?.[helperLabel] === clearingValue,
    );
    const byName = new Map(pods.map((pod) => [pod.metadata.name, pod]));
    const ended: Pod[] = [];
    for (const [uid, { pod, said }] of this.#left) {
      const clearing = byName.get(this.#clearingPod(pod, said).metadata.name);
      const code = clearing && endOf(clearing);
      // With its kube-proxy, whose successor removes the rules of other modes itself.
      const isGone = clearing === undefined;
      if (code === undefined && !isGone) continue;
      this.#left.delete(uid);
      this.done += 1;
      if (clearing === undefined) continue;
      ended.push(clearing);
      if (code !== 0 && said.minor >= tellsSince) {
        this.#complain(pod, `the cleanup ended with ${code}: ${lastWords(clearing) ?? "no word"}`);
      }
    }
    await this.#deleteAll(ended);
    const names = [...this.#left.values()].map(({ pod }) => pod.spec.nodeName);
    return names.length === 0 ? undefined : `nodes that are not cleared: ${names.join(", ")}`;
  }

  #isMeant(node: string | undefined): boolean {
    return this.#scope.nodes?.has(node ?? "") ?? true;
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
