import { listed } from "../input/problems.ts";
import type { Finding, Next } from "./finding.ts";
import { type Kind, kinds } from "./kinds.ts";
import { Blame, Severity } from "./weights.ts";

/** What is known of one node's kube-proxy as to a Service: by its own word, or by a trial. */
export interface NodeReport {
  readonly node: string;
  /**
   * `fine`: the Service answers there, or its kube-proxy has programmed it. `faulty`: its kube-proxy is the reason why not.
   * `elsewhere`: the reason is not its kube-proxy. `unknown`: nothing is known.
   */
  readonly verdict: "fine" | "faulty" | "elsewhere" | "unknown";
  /** Why, one sentence; empty for `fine`. */
  readonly reason: string;
}

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
  /** What is known of the nodes; undefined where none was asked. */
  readonly nodes?: readonly NodeReport[] | undefined;
}

/** Asks the nodes themselves. */
const askNodes: Next = { words: "Ask the nodes' kube-proxies", command: "npm run --silent doctor" };

/** Makes one sentence of everything that is known: what excludes kube-proxy comes before what a node says. */
export function verdictOf({ findings, unread, nodes = [] }: Evidence): Verdict {
  const [worst] = findings;
  if (worst?.severity === Severity.stops) return ofFinding(worst);
  const faulty = nodes.filter(({ verdict }) => verdict === "faulty");
  if (faulty.length > 0) {
    const sentence = `kube-proxy is the reason on ${faulty.length} of ${nodes.length} nodes.`;
    return { kind: "kube-proxy", sentence, next: null };
  }
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
  const elsewhere = nodes.find(({ verdict }) => verdict === "elsewhere");
  if (elsewhere !== undefined) {
    return {
      kind: "not-kube-proxy",
      sentence: `kube-proxy is not the reason: ${elsewhere.reason}.`,
      next: null,
    };
  }
  if (worst?.severity === Severity.may) return ofDoubt(worst);
  return ofNothing(nodes);
}

function ofFinding({ kind, blame }: Finding): Verdict {
  const { means } = kinds[kind];
  if (blame === Blame.kubeProxy) {
    return { kind: "kube-proxy", sentence: `kube-proxy is the reason: ${means}.`, next: null };
  }
  return { kind: "not-kube-proxy", sentence: `kube-proxy is not the reason: ${means}.`, next: null };
}

function ofDoubt({ kind }: Finding): Verdict {
  return { kind: "unknown", sentence: `It cannot be told from here: ${kinds[kind].means}.`, next: askNodes };
}

function ofNothing(nodes: readonly NodeReport[]): Verdict {
  const kind = "answers";
  const fine = nodes.filter(({ verdict }) => verdict === "fine").length;
  if (nodes.length === 0) {
    const sentence = "Nothing is found that keeps it from answering; the nodes were not asked.";
    return { kind, sentence, next: askNodes };
  }
  return fine === nodes.length
    ? { kind, sentence: `It answers on all ${nodes.length} nodes.`, next: null }
    : {
        kind: "unknown",
        sentence: `It cannot be told from here: it answers on ${fine} of ${nodes.length} nodes, and nothing is known of the others.`,
        next: askNodes,
      };
}
