/** Pure: what is remembered of the nodes before a change, since afterwards nobody can tell who has died of it. */
import { isRecord } from "../../input/record.ts";
import type { Baseline, Node, NodeResult, Report } from "./types.ts";

/** What begins the line that holds a baseline. */
const prefix = "Nodes before the change: ";

/**
 * Takes a baseline.
 *
 * @param nodes - those of the DaemonSet; all where there is none yet
 * @param is - whether the DaemonSet is there, and whether the cluster has no kube-proxy at all
 */
export function baselineOf(
  daemonSet: string,
  nodes: readonly Node[],
  is: { readonly there: boolean; readonly first: boolean },
): Baseline {
  return {
    daemonSet,
    at: new Date().toISOString(),
    first: is.first,
    nodes: is.there ? nodes.length : 0,
    newest:
      nodes
        .map(({ created }) => created)
        .sort()
        .at(-1) ?? null,
    notReady: nodes.filter(({ notReady }) => notReady !== undefined).map(({ name }) => name),
  };
}

/** Writes a baseline as a line that {@link readBaselines} finds among others. */
export function formatBaseline(baseline: Baseline): string {
  return prefix + JSON.stringify(baseline);
}

/** The baselines in a text, one on a line of its own each; other lines are for people. */
export function readBaselines(text: string): Baseline[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith(prefix))
    .map((line) => {
      const baseline: unknown = JSON.parse(line.slice(prefix.length));
      if (!isBaseline(baseline)) throw new SyntaxError(`not a baseline: ${line.slice(0, 200)}`);
      return baseline;
    });
}

/** What begins the line that says how many nodes of a DaemonSet may fail. */
const budgetPrefix = "May fail: ";

/** Writes how many nodes of a DaemonSet may fail, as a line that {@link budgetIn} finds among others. */
export function formatBudget(daemonSet: string, maxFailed: string): string {
  return `${budgetPrefix}${daemonSet} ${maxFailed}`;
}

/** How many nodes of a DaemonSet may fail, by a line in a text; undefined without one. */
export function budgetIn(text: string, daemonSet: string): string | undefined {
  const start = `${budgetPrefix}${daemonSet} `;
  const line = text.split("\n").find((one) => one.startsWith(start));
  return line?.slice(start.length);
}

function isBaseline(value: unknown): value is Baseline {
  return (
    isRecord(value) &&
    typeof value["daemonSet"] === "string" &&
    !Number.isNaN(Date.parse(String(value["at"]))) &&
    typeof value["first"] === "boolean" &&
    typeof value["nodes"] === "number" &&
    (value["newest"] === null || typeof value["newest"] === "string") &&
    Array.isArray(value["notReady"]) &&
    value["notReady"].every((name) => typeof name === "string")
  );
}

/**
 * Why a node may be NotReady after the change without being its victim: it was so before, or it has joined since, by the
 * API server's clock alone; undefined when it may not.
 */
export function excuseOf({ name, created }: Node, baseline: Baseline): string | undefined {
  if (baseline.notReady.includes(name)) return "it was so before the change";
  return baseline.newest === null || created > baseline.newest ? "it has joined since" : undefined;
}

/**
 * How many nodes have to be verified: one, since none proves nothing. None at the first provisioning, and where the
 * DaemonSet has no node, now as before.
 */
export function leastOf(baseline: Baseline | undefined, { nodes }: Pick<Report, "nodes">): number {
  if (baseline === undefined) return 1;
  return baseline.first || (nodes.length === 0 && baseline.nodes === 0) ? 0 : 1;
}

/** The nodes of a wave before that are no longer as its proof has found them, in a sentence each. */
export function fallenSince(
  baseline: Baseline,
  nodes: readonly Node[],
): Pick<NodeResult, "node" | "reasons">[] {
  return nodes.flatMap((node) => {
    const reason = fallen(node, baseline);
    return reason === undefined ? [] : [{ node: node.name, reasons: [reason] }];
  });
}

function fallen(node: Node, baseline: Baseline): string | undefined {
  const [pod, ...more] = node.pods;
  if (node.notReady !== undefined) {
    return excuseOf(node, baseline) === undefined
      ? `it was Ready before the change and is NotReady: ${node.notReady}`
      : undefined;
  }
  if (excuseOf(node, baseline) !== undefined) return undefined;
  if (pod === undefined || more.length > 0) return `${node.pods.length} pods of kube-proxy on it`;
  return pod.notReady === undefined ? undefined : `its kube-proxy is not Ready: ${pod.notReady}`;
}
