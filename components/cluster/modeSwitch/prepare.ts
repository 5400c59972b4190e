import type { KubeConfig } from "@kubernetes/client-node";
import { type Problem, ProblemsError } from "../../input/problems.ts";
import { configHash } from "../../kubeadm/manifests.ts";
import { drainOf, keepsIpvs, leavingOf, othersOfWave } from "../../plan/leaving.ts";
import { wantedMode } from "../../plan/modes.ts";
import { helpedFrom } from "../../plan/modeSwitch.ts";
import { selects } from "../../pools/placement.ts";
import type { Wave } from "../../pools/waves.ts";
import { configHashAnnotation } from "../../restart/restart.ts";
import { forEachConcurrently } from "../concurrency.ts";
import { readNodes } from "../facts.ts";
import { placeOf } from "../handover.ts";
import { judgeAnswers } from "../verify/judge.ts";
import { probe, probeConcurrency } from "../verify/probe.ts";
import type { Probed } from "../verify/types.ts";
import { waitUntil } from "../wait.ts";
import {
  createPod,
  deletePod,
  isReady,
  lastWords,
  listHelpers,
  listPods,
  type Pod,
  type PodSpec,
  whyNotReady,
} from "../workload.ts";
import { ask } from "./ask.ts";
import { clear } from "./clear.ts";
import { drain } from "./drain.ts";
import type { SwitchOptions } from "./options.ts";
import { helperConfiguration, helperPod, helperPorts, type NewPod } from "./pods.ts";

/** A helper that has ended as often as this will not do. */
const mostRestarts = 3;

/** A node that is not prepared. */
interface Open {
  readonly node: string;
  readonly why: string;
  readonly hopeless: boolean;
}

/**
 * Prepares a switch between modes: on each node of a wave, a helper makes the rules of the wanted mode beside those of
 * the kube-proxy that runs, and has synced them when this ends. Nodes whose kube-proxy runs in the wanted mode are left
 * alone, and so are all where no helper can do that. Where ipvs is to go with the kube-proxies, what it carries is drained.
 *
 * It can be run again at any time: helpers that are there stay.
 *
 * @throws ProblemsError naming every node whose helper does not make its rules, after all helpers of the wave and their
 *   rules were removed again; naming every node that is not drained, with the helpers in their place; no kube-proxy was
 *   touched. For what the API server refuses
 */
export async function prepare(config: KubeConfig, wave: Wave, options: SwitchOptions): Promise<void> {
  const mode = wantedMode(wave);
  if (helpedFrom(mode).length === 0) return;
  const leaving = leavingOf(wave.daemonSet.metadata.annotations);
  const drained = new Set<string>();
  for (let earlier = 0; ;) {
    const { nodes, carriers } = await makeHelpers(config, wave, options);
    if (nodes.size > earlier) {
      options.log(`Prepared: helpers have made the rules of mode ${mode} on ${nodes.size} nodes`);
    }
    earlier = Math.max(earlier, nodes.size);
    // In mode iptables a kube-proxy leaves ipvs alone: what it carries is drained before it is cleared, at the end.
    const left = mode === "iptables" ? [] : carriers.filter(({ metadata }) => !drained.has(metadata.uid));
    if (left.length === 0) return;
    await drain(config, left, {
      ...drainOf(leaving),
      image: leaving.image,
      others: othersOfWave(wave),
      countMs: options.timeoutMs,
      untouched: "no kube-proxy was touched, and the helpers stay",
      log: options.log,
    });
    // That may take hours, in which nodes join, restart, or lose a helper: each is looked at once more.
    for (const { metadata } of left) drained.add(metadata.uid);
  }
}

/** Has a verified helper beside each kube-proxy of a wave that is going to be replaced; for the errors, see {@link prepare}. */
async function makeHelpers(config: KubeConfig, wave: Wave, options: SwitchOptions): Promise<Preparation> {
  const preparation = new Preparation(config, wave, AbortSignal.timeout(options.timeoutMs));
  let open: readonly Open[] = [];
  const check = async (): Promise<string | undefined> => {
    open = await preparation.proceed();
    return open.length === 0 || open.some(({ hopeless }) => hopeless) ? undefined : "helpers";
  };
  await waitUntil(options.timeoutMs, check).catch((error: unknown) => {
    if (open.length === 0) throw error;
  });
  if (open.length === 0) return preparation;
  const problems = open.map(({ node, why }): Problem => ({ path: `helper on ${node}`, accepted: why }));
  throw new ProblemsError(`preparing the switch to mode ${wantedMode(wave)}; no kube-proxy was touched`, [
    ...problems,
    ...(await undo(config, preparation.nodes, options)),
  ]);
}

/** Removes helpers and their rules again; gives what went wrong with that. */
async function undo(
  config: KubeConfig,
  nodes: ReadonlySet<string>,
  options: SwitchOptions,
): Promise<readonly Problem[]> {
  try {
    await clear(config, options, [], nodes);
    return [];
  } catch (error) {
    if (error instanceof ProblemsError) return error.problems;
    throw error;
  }
}

class Preparation {
  readonly #config: KubeConfig;
  readonly #wave: Wave;
  readonly #mode: string;
  readonly #stop: AbortSignal;
  /** What the running kube-proxies said, by UID. They do not change. */
  readonly #answers = new Map<string, Probed>();
  /** The kube-proxies that are going to be replaced, as they were seen last. */
  #replaced: readonly Pod[] = [];
  /** UIDs of helpers. */
  readonly #verified = new Set<string>();
  /** Names of nodes that have a helper. */
  readonly nodes = new Set<string>();

  constructor(config: KubeConfig, wave: Wave, stop: AbortSignal) {
    this.#config = config;
    this.#stop = stop;
    this.#wave = wave;
    this.#mode = wantedMode(wave);
  }

  /** Does what can be done now; gives the nodes that are not prepared. */
  async proceed(): Promise<Open[]> {
    const targets = await this.#targets();
    const helpers = new Map((await listHelpers(this.#config)).map((pod) => [pod.metadata.name, pod]));
    const open: Open[] = [];
    await forEachConcurrently(targets, probeConcurrency, async (target) => {
      const node = target.spec.nodeName ?? "";
      this.nodes.add(node);
      const why = await this.#help(target, helpers);
      if (why !== undefined) open.push({ node, ...why });
    });
    return open;
  }

  /** The kube-proxies of the wave beside which ipvs goes on with what it has. */
  get carriers(): Pod[] {
    return this.#replaced.filter((pod) => keepsIpvs(pod) || this.#modeOf(pod.metadata.uid) === "ipvs");
  }

  /** The kube-proxies of the wave that run in a mode beside which a helper can stand. */
  async #targets(): Promise<Pod[]> {
    const modes = helpedFrom(this.#mode);
    this.#replaced = await this.#findReplaced();
    return this.#replaced.filter(({ metadata }) => {
      // Whoever does not answer runs in the old mode, if at all.
      const mode = this.#modeOf(metadata.uid);
      return mode === undefined || modes.includes(mode);
    });
  }

  #modeOf(uid: string): string | undefined {
    const answer = this.#answers.get(uid);
    return typeof answer === "object" ? answer.mode : undefined;
  }

  /** The kube-proxies of the wave that do not have the wanted configuration, or keep ipvs, asked what they are. */
  async #findReplaced(): Promise<Pod[]> {
    const [nodes, pods] = await Promise.all([readNodes(this.#config), listPods(this.#config)]);
    const { configMap, daemonSet } = this.#wave;
    const placement = daemonSet.spec.template.spec;
    const selected = new Set(
      nodes
        .filter((node) => node.ready === "True" && selects(placement, placeOf(node)))
        .map(({ name }) => name),
    );
    const hash = configHash(configMap.data);
    const others = pods.filter(
      (pod) =>
        selected.has(pod.spec.nodeName ?? "") &&
        pod.metadata.deletionTimestamp === undefined &&
        (pod.metadata.annotations?.[configHashAnnotation] !== hash || keepsIpvs(pod)),
    );
    const unknown = others.filter(({ metadata }) => !this.#answers.has(metadata.uid));
    for (const [uid, answer] of await ask(this.#config, unknown)) this.#answers.set(uid, answer);
    return others;
  }

  /** Sees to the helper beside a kube-proxy; says why it is not done. */
  async #help(beside: Pod, helpers: ReadonlyMap<string, Pod>): Promise<Omit<Open, "node"> | undefined> {
    const from = this.#modeOf(beside.metadata.uid) ?? helpedFrom(this.#mode)[0] ?? "";
    const wanted = helperPod(this.#wave, beside, from);
    const found = helpers.get(wanted.metadata.name);
    const wait = (why: string, hopeless = false) => ({ why, hopeless });
    if (found === undefined) {
      await createPod(this.#config, wanted);
      return wait("it has not started yet");
    }
    if (found.metadata.deletionTimestamp !== undefined) return wait("an earlier one has not ended yet");
    if (!isSame(found, wanted)) {
      await deletePod(this.#config, found);
      return wait("an earlier one has not ended yet");
    }
    if (this.#verified.has(found.metadata.uid)) return undefined;
    const restarts = found.status.containerStatuses?.[0]?.restartCount ?? 0;
    if (!isReady(found)) {
      const words = lastWords(found);
      const why =
        words === undefined ? `it is not Ready: ${whyNotReady(found)}` : `it does not stay: ${words}`;
      return wait(why, restarts >= mostRestarts);
    }
    const target = { pod: found.metadata.name, port: helperPorts.metrics };
    const probed = await probe(this.#config, target, this.#stop);
    const node = { name: beside.spec.nodeName ?? "", created: "", notReady: undefined, pods: [] };
    const configuration = helperConfiguration(this.#wave);
    const standard = { mode: this.#mode, configuration, since: undefined };
    const { verdict, reasons } = judgeAnswers(node, { probed, service: null }, standard);
    if (verdict !== "verified") return wait(reasons.join("; "));
    this.#verified.add(found.metadata.uid);
    return undefined;
  }
}

/** Whether a helper is as it is wanted: with this configuration and image. */
function isSame(found: Pod, { metadata, spec }: NewPod): boolean {
  const image = ({ containers }: PodSpec) => containers[0]?.image;
  return (
    image(found.spec) === image(spec) &&
    Object.entries(metadata.annotations ?? {}).every(
      ([key, value]) => found.metadata.annotations?.[key] === value,
    )
  );
}
