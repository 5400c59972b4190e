/** What a change of kube-proxy did, and how that is found in what was seen. Pure. */
import type { Mode } from "../../lab/index.ts";
import type { Attempt } from "../../tests/node/probe.ts";

/** The kinds of questions that Services were asked; `kept` ones all go over one connection, or from one socket. */
export const flows = ["new tcp", "kept tcp", "new udp", "kept udp"] as const;

/** One of {@link flows}. */
export type Flow = (typeof flows)[number];

/** From when to when; milliseconds after the change began. */
export type Span = readonly [from: number, to: number];

/** The time that one point of a picture stands for, in milliseconds. */
export const binMs = 100;

/** A time at which a node's kube-proxy had programmed all rules of one IP family; in milliseconds since 1970. */
export interface Sync {
  readonly family: string;
  readonly at: number;
}

/** The life of a kube-proxy pod, in milliseconds since 1970; what has not been seen is left out. */
export interface PodLife {
  readonly uid: string;
  readonly created?: number;
  readonly ready?: number;
  readonly gone?: number;
}

/** What was seen of the kube-proxies of a node. */
export interface ProxyView {
  readonly syncs: readonly Sync[];
  readonly pods: readonly PodLife[];
}

/** All that was seen of a node. */
export interface NodeView extends ProxyView {
  readonly name: string;
  /** From where on this node Services were asked; absent for everywhere. */
  readonly from?: Attempt["from"];
  /** Questions to port 10256, where a kube-proxy tells its health. */
  readonly health: readonly Pick<Attempt, "at" | "error">[];
  /** The helpers of a switch between modes, which stand beside the DaemonSet's kube-proxies. */
  readonly helpers: ProxyView;
}

/** All that was seen of a change. */
export interface View {
  /** Milliseconds since 1970. */
  readonly began: number;
  readonly ended: number;
  /** Attempts before this moment had to be in vain: there was no kube-proxy, or it had not heard of the Service. */
  readonly counted?: number;
  /** From when on an answer was waited for, where nobody could answer before. */
  readonly awaited?: number;
  readonly attempts: readonly Attempt[];
  readonly nodes: readonly NodeView[];
}

/** How a kind of questions fared. */
export interface Count {
  readonly attempts: number;
  readonly failed: number;
  /** For flows that keep one: how many connections, or sockets, ... */
  readonly kept?: number;
  /** ... of which so many failed at least once, ... */
  readonly broken?: number;
  /** ... and so many had answers from another pod, one after the other. */
  readonly moved?: number;
}

/** What a change did to one node's kube-proxy; milliseconds after the change began, where that happened. */
export interface NodeResult {
  readonly name: string;
  /** While nobody listened at port 10256. */
  readonly closed: readonly Span[];
  /** The latest moment at which a new pod became Ready. */
  readonly ready?: number;
  /** When the new kube-proxy had programmed the rules of every IP family. */
  readonly synced?: number;
}

/** What a change did, measured once. */
export interface Result {
  readonly mode: Mode;
  /** A line of Markdown, as the next one. */
  readonly what: string;
  /** What a user does. */
  readonly command: string;
  readonly tookMs: number;
  readonly flows: Readonly<Record<Flow, Count>>;
  /** From the moment an answer was waited for until the first one. */
  readonly firstAnswerMs?: number;
  readonly nodes: readonly NodeResult[];
}

/** The course of a change, for a picture; milliseconds after it began. */
export interface Timeline {
  readonly title: string;
  readonly mode: Mode;
  /** What the picture shows. */
  readonly shown: Span;
  readonly tookMs: number;
  readonly nodes: readonly NodeTimeline[];
}

/** The kube-proxies of a node in a {@link Timeline}. */
export interface ProxyTimeline {
  /** A pod's beginning, Ready and end; null for what was before or after all that is shown. */
  readonly pods: readonly { created: number | null; ready: number | null; gone: number | null }[];
  readonly syncs: readonly number[];
}

/** A node's part of a {@link Timeline}. */
export interface NodeTimeline extends ProxyTimeline {
  readonly name: string;
  readonly from?: Attempt["from"];
  readonly closed: readonly Span[];
  /** Absent where there were none. */
  readonly helpers?: ProxyTimeline;
  /** Attempts, and those of them that failed, in each {@link binMs}. */
  readonly lanes: readonly { flow: Flow; attempts: readonly number[]; failed: readonly number[] }[];
}

/** How long before and after a change is shown, in milliseconds. */
const marginMs = 1000;

/** The view without what was seen of the nodes long before and after it. */
export function cut({ nodes, ...view }: View): View {
  const [first, last] = [view.began - marginMs, view.ended + marginMs];
  const within = ({ at }: { at: number }) => at >= first && at <= last;
  const cutProxies = ({ syncs, pods }: ProxyView): ProxyView => ({
    syncs: syncs.filter(within),
    pods: pods.filter(({ created = first, gone = last }) => gone >= first && created <= last),
  });
  return {
    ...view,
    nodes: nodes.map((node) => ({
      ...node,
      ...cutProxies(node),
      health: node.health.filter(within),
      helpers: cutProxies(node.helpers),
    })),
  };
}

/**
 * Sums up what was seen of a change.
 *
 * @param view - See {@link cut}.
 */
export function resultOf(about: Pick<Result, "mode" | "what" | "command">, view: View): Result {
  const { began, ended, counted = 0, awaited, attempts } = view;
  const answers = attempts.filter(({ error }) => error === undefined).map(({ at, took }) => at + took);
  const first = Math.min(...answers.filter((at) => at > (awaited ?? 0)));
  return {
    ...about,
    tookMs: ended - began,
    flows: countFlows(attempts.filter(({ at }) => at >= counted)),
    ...(awaited !== undefined && { firstAnswerMs: Math.round(first - awaited) }),
    nodes: view.nodes.map((node) => nodeResult(node, view)),
  };
}

/** How each kind of questions fared. */
export function countFlows(attempts: readonly Attempt[]): Record<Flow, Count> {
  const count = (flow: Flow): Count => {
    const own = attempts.filter((attempt) => flowOf(attempt) === flow);
    const total = { attempts: own.length, failed: failuresIn(own).length };
    if (flow.startsWith("new")) return total;
    const connections = [...Map.groupBy(own, ({ from, target }) => `${from} ${target}`).values()];
    const servers = (all: Attempt[]) => new Set(all.flatMap(({ server }) => server ?? []));
    return {
      ...total,
      kept: connections.length,
      broken: connections.filter((all) => failuresIn(all).length > 0).length,
      moved: connections.filter((all) => servers(all).size > 1).length,
    };
  };
  return Object.fromEntries(flows.map((flow) => [flow, count(flow)])) as Record<Flow, Count>;
}

function failuresIn(attempts: readonly Attempt[]): Attempt[] {
  return attempts.filter(({ error }) => error !== undefined);
}

/** The targets' names hold the protocol. */
function flowOf({ flow, target }: Attempt): Flow {
  return `${flow} ${target.includes("udp") ? "udp" : "tcp"}`;
}

function nodeResult(node: NodeView, { began, ended }: View): NodeResult {
  const closed = closedSpans(node.health, began);
  const [stopped] = closed[0] ?? [];
  const ready = Math.max(...node.pods.map((pod) => (pod.ready ?? 0) - began).filter((at) => at > 0));
  const after = node.syncs.filter(({ at }) => stopped !== undefined && at - began > stopped);
  // An IP family has its first sync a little after another one.
  const firsts = [...Map.groupBy(after, ({ family }) => family).values()].map((syncs) =>
    Math.min(...syncs.map(({ at }) => at)),
  );
  return {
    name: node.name,
    closed,
    ...(Number.isFinite(ready) && ready <= ended - began && { ready }),
    ...(firsts.length > 0 && { synced: Math.round(Math.max(...firsts) - began) }),
  };
}

/** From the first question that nobody answered to the first answer, again and again. */
export function closedSpans(health: NodeView["health"], began: number): Span[] {
  const spans: [number, number][] = [];
  let open = true;
  for (const { at, error } of [...health].sort((a, b) => a.at - b.at)) {
    const moment = at - began;
    if (open && error !== undefined) spans.push([moment, moment]);
    const last = spans.at(-1);
    if (last !== undefined && !open) last[1] = moment;
    open = error === undefined;
  }
  return spans;
}

/**
 * The course of a change, with a little of what was before and after.
 *
 * @param view - See {@link cut}.
 */
export function timelineOf(title: string, mode: Mode, { began, ended, attempts, nodes }: View): Timeline {
  const shown: Span = [-marginMs, ended - began + marginMs];
  const bins = Math.ceil((shown[1] - shown[0]) / binMs);
  const lane = (own: readonly Attempt[]): number[] => {
    const counts = new Array<number>(bins).fill(0);
    for (const { at } of own) {
      const bin = Math.floor((at - began - shown[0]) / binMs);
      if (bin >= 0 && bin < bins) counts[bin] = (counts[bin] ?? 0) + 1;
    }
    return counts;
  };
  const relative = (at: number | undefined): number | null => {
    const moment = Math.round((at ?? -Infinity) - began);
    return moment >= shown[0] && moment <= shown[1] ? moment : null;
  };
  const course = ({ pods, syncs }: ProxyView): ProxyTimeline => ({
    pods: pods.map(({ created, ready, gone }) => ({
      created: relative(created),
      ready: relative(ready),
      gone: relative(gone),
    })),
    syncs: syncs.map(({ at }) => Math.round(at - began)),
  });
  return {
    title,
    mode,
    shown,
    tookMs: ended - began,
    nodes: nodes.map(({ name, from, health, helpers, ...proxies }) => ({
      name,
      ...(from !== undefined && { from }),
      ...course(proxies),
      closed: closedSpans(health, began),
      ...(helpers.pods.length > 0 && { helpers: course(helpers) }),
      lanes: flows.map((flow) => {
        const own = attempts.filter(
          (attempt) => [attempt.from, undefined].includes(from) && flowOf(attempt) === flow,
        );
        return { flow, attempts: lane(own), failed: lane(failuresIn(own)) };
      }),
    })),
  };
}
