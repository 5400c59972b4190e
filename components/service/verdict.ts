import { shellWord } from "../input/printable.ts";
import { listed } from "../input/problems.ts";
import { count } from "./case.ts";
import type { Finding, Next } from "./finding.ts";
import { type Kind, kinds } from "./kinds.ts";
import { type EndpointReport, faultOfEndpoints, type NodeReport, silentAmong, type Trial } from "./trial.ts";
import { Blame, Severity } from "./weights.ts";

/** What comes of the findings. */
export interface Verdict {
  /**
   * `not-kube-proxy`: something was found that kube-proxy is not the reason of. `kube-proxy`: it is, everywhere or on some
   * nodes. `unknown`: it cannot be told from here. `answers`: nothing was found that keeps the Service from answering.
   */
  readonly kind: "not-kube-proxy" | "kube-proxy" | "unknown" | "answers";
  /** One sentence. */
  readonly sentence: string;
  /** The one thing to look at next; null where the findings say it, or nothing is to be done. */
  readonly next: Next | null;
}

/** What a verdict is made of. */
export interface Evidence {
  /** The worst first. */
  readonly findings: readonly Finding[];
  /** What could not be read and would have been needed, in words. */
  readonly unread: readonly string[];
  /** What was tried; undefined where nothing was. */
  readonly trial?: Trial | undefined;
}

/** Asks the nodes themselves. */
const askNodes: Next = { words: "Ask the nodes' kube-proxies", command: "npm run --silent doctor" };

/**
 * Makes one sentence of everything that is known. What excludes kube-proxy comes first: a restart that does not help costs
 * trust.
 */
export function verdictOf({ findings, unread, trial = {} }: Evidence): Verdict {
  const { nodes = [], endpoints = [] } = trial;
  const [worst] = findings;
  if (worst?.severity === Severity.stops) return ofFinding(worst);
  const fault = faultOfEndpoints(endpoints);
  const faulty = nodes.filter(({ verdict }) => verdict === "faulty");
  const allRefuse = endpoints.length > 0 && endpoints.every(({ outcome }) => outcome === "refuses");
  if (faulty.length > 0 && !allRefuse) return ofFaulty(faulty, nodes.length);
  if (fault !== undefined) return { ...notTheReason(fault), next: lookAtPod(endpoints) };
  const elsewhere = nodes.filter(({ verdict }) => verdict === "elsewhere").length;
  if (elsewhere > 0) {
    const where = `${elsewhere} of ${count(nodes.length, "node")}`;
    return {
      ...notTheReason(`from ${where} not every endpoint is reached, though the rules there lead to it`),
      next: null,
    };
  }
  const [silent, ...more] = silentAmong(endpoints);
  if (silent !== undefined) return ofSilent(silent, 1 + more.length, endpoints.length);
  if (worst?.severity === Severity.some) return ofFinding(worst);
  const noPart = findings.find(({ kind }) => (kinds[kind] as Kind).hasNoPart === true);
  if (noPart !== undefined) return ofFinding(noPart);
  if (unread.length > 0) {
    return {
      kind: "unknown",
      sentence: `It cannot be told from here: ${listed(unread)} could not be read.`,
      next: null,
    };
  }
  if (worst?.severity === Severity.may) return ofDoubt(worst);
  return ofNothing(nodes, endpoints);
}

function ofFaulty(faulty: readonly NodeReport[], all: number): Verdict {
  const names = faulty.map(({ node }) => node);
  return {
    kind: "kube-proxy",
    sentence: `kube-proxy is the reason on ${faulty.length} of ${count(all, "node")}.`,
    next: {
      words: "Restart it there alone",
      command: `npm run --silent restart-nodes -- --nodes ${shellWord(names.join(","))}`,
    },
  };
}

function notTheReason(why: string): Omit<Verdict, "next"> {
  return { kind: "not-kube-proxy", sentence: `kube-proxy is not the reason: ${why}.` };
}

/** The pod that {@link faultOfEndpoints} names. */
function lookAtPod(endpoints: readonly EndpointReport[]): Next | null {
  const first = endpoints.find(({ outcome }) => outcome === "refuses");
  return first === undefined
    ? null
    : {
        words: "Look at what the pod listens to",
        command: `kubectl -n ${shellWord(first.namespace)} exec ${shellWord(first.pod)} -- cat /proc/net/tcp /proc/net/tcp6`,
      };
}

/** It was asked past every kube-proxy. */
function ofSilent({ namespace, pod }: EndpointReport, silent: number, all: number): Verdict {
  return {
    ...notTheReason(
      `${silent} of ${count(all, "endpoint")} that were asked by themselves gave no answer, such as pod ${namespace}/${pod}, whereas others did`,
    ),
    next: {
      words: "Look at what the pod does, then at the network of its node",
      command: `kubectl -n ${shellWord(namespace)} describe pod ${shellWord(pod)}`,
    },
  };
}

function ofFinding({ kind, blame }: Finding): Verdict {
  const { means } = kinds[kind];
  if (blame === Blame.kubeProxy) {
    return { kind: "kube-proxy", sentence: `kube-proxy is the reason: ${means}.`, next: null };
  }
  return { ...notTheReason(means), next: null };
}

function ofDoubt({ kind }: Finding): Verdict {
  return { kind: "unknown", sentence: `It cannot be told from here: ${kinds[kind].means}.`, next: askNodes };
}

function ofNothing(nodes: readonly NodeReport[], endpoints: readonly EndpointReport[]): Verdict {
  const fine = nodes.filter(({ verdict }) => verdict === "fine").length;
  if (nodes.length === 0) {
    const sentence = "Nothing is found that keeps it from answering; the nodes were not asked.";
    return { kind: "answers", sentence, next: askNodes };
  }
  const all = `the kube-proxies of all ${count(nodes.length, "node")} do their work`;
  if (
    fine === nodes.length &&
    endpoints.length > 0 &&
    endpoints.every(({ outcome }) => outcome === "silent")
  ) {
    const sentence = `It cannot be told from here: ${all}, and no endpoint answered when it was asked by itself, to which the API server may have no way.`;
    return { kind: "unknown", sentence, next: null };
  }
  // Whoever is inside of the cluster asks by its own rules, which nobody can try from outside.
  return fine === nodes.length
    ? {
        kind: "answers",
        sentence: `Nothing is found that keeps it from answering: ${all}.`,
        next: null,
      }
    : {
        kind: "unknown",
        sentence: `It cannot be told from here: the kube-proxies of ${fine} of ${count(nodes.length, "node")} do their work, and nothing is known of the others.`,
        next: askNodes,
      };
}
