import { listed } from "../input/problems.ts";
import { shellWord } from "../input/printable.ts";
import { type Case, count, type Finder, hasEnded, hasSelector, kubectl, nameOf, selectorOf } from "./case.ts";
import type { Pod } from "./facts.ts";
import { type Finding, finding, type Next } from "./finding.ts";
import type { KindName } from "./kinds.ts";
import { Severity } from "./weights.ts";

/**
 * Why no pod of a Service's is an endpoint that is ready, or some are not.
 *
 * Source: `podToEndpoint` in k8s.io/endpointslice/utils.go: ready is who is Ready and not about to end, or whatever it is with
 * publishNotReadyAddresses; `ShouldPodBeInEndpoints` for who is none at all.
 */
export const pods: Finder = {
  needs: ["pods"],
  find: (one) => {
    const { service, livePods } = one;
    if (!hasSelector(service) || one.pods.length === 0) return [];
    if (livePods.length === 0) return [ended(one)];
    const staying = livePods.filter(({ terminating }) => !terminating);
    if (staying.length === 0) return [draining(one)];
    const unready = staying.filter(({ ready }) => !ready);
    if (unready.length === 0) return [];
    if (service.publishNotReady) return [published(one, unready)];
    if (unready.length < staying.length) return [someUnready(one, unready, staying.length)];
    // Those that are about to end serve as long as there is no other one.
    const serving = livePods.some(({ terminating, ready }) => terminating && ready);
    return [noneReady(one, unready, serving ? Severity.remark : undefined)];
  },
};

function ended({ service, pods: all }: Case): Finding {
  return finding("pods-ended", {
    object: nameOf(service),
    words: `${count(all.length, "pod")} ${all.length === 1 ? "has" : "have"} its labels, and all have ended: ${phases(all)}.`,
    next: look(service),
  });
}

function draining({ service, livePods }: Case): Finding {
  const serving = livePods.filter(({ ready }) => ready).length;
  return serving === 0
    ? finding("pods-terminating", {
        object: nameOf(service),
        words: `${whose(livePods.length)} about to end, and none is Ready any more.`,
        next: look(service),
      })
    : finding("pods-draining", {
        object: nameOf(service),
        words: `${whose(livePods.length)} about to end, and ${serving} still ${serving === 1 ? "serves" : "serve"}: kube-proxy leads there until others are ready.`,
        next: look(service),
      });
}

function whose(number: number): string {
  return number === 1 ? "Its only pod is" : `All of its ${number} pods are`;
}

function published({ service }: Case, unready: readonly Pod[]): Finding {
  return finding("publishes-not-ready", {
    object: nameOf(service),
    words: `publishNotReadyAddresses is true, and ${reasons(unready)}: some connections end there.`,
    next: look(service),
  });
}

function someUnready({ service }: Case, unready: readonly Pod[], all: number): Finding {
  return finding("some-pods-not-ready", {
    object: nameOf(service),
    words: `${unready.length} of ${all} pods ${unready.length === 1 ? "is" : "are"} not Ready: ${reasons(unready)}.`,
    next: look(service),
  });
}

/** Kinds by what the kubelet or the scheduler says; the first that fits all of the pods is told. */
const causes: readonly {
  readonly kind: KindName;
  readonly fits: (pod: Pod, one: Case) => boolean;
  readonly next?: (pod: Pod) => Next;
}[] = [
  {
    kind: "pods-unscheduled",
    fits: ({ node }) => node === "",
    next: (pod) => ({ words: "See what the scheduler says", command: command(pod, "describe pod") }),
  },
  {
    kind: "pods-on-dead-nodes",
    fits: ({ node }, { lookup }) => (lookup.nodes?.get(node)?.ready ?? "True") !== "True",
    next: ({ node }) => ({ words: "See to the node", command: `kubectl describe node ${shellWord(node)}` }),
  },
  {
    kind: "pods-image",
    fits: ({ reason }) => /^(ErrImage|ImagePull|ImageInspect|InvalidImage|RegistryUnavailable)/.test(reason),
    next: (pod) => ({ words: "See which image and why", command: command(pod, "describe pod") }),
  },
  {
    kind: "pods-crash",
    fits: ({ reason }) =>
      /^(CrashLoopBackOff|RunContainerError|CreateContainerError|Error|OOMKilled)$/.test(reason),
    next: (pod) => ({
      words: "See what it said before it ended",
      command: `${command(pod, "logs")} --previous`,
    }),
  },
  {
    kind: "pods-gates",
    fits: ({ closedGates }) => closedGates.length > 0,
    next: (pod) => ({ words: "See who has to open the gate", command: command(pod, "describe pod") }),
  },
  { kind: "pods-not-ready", fits: () => true },
];

function noneReady(one: Case, unready: readonly Pod[], severity: Severity | undefined): Finding {
  const { service } = one;
  const cause = causes.find(({ fits }) => unready.every((pod) => fits(pod, one)));
  const [first] = unready;
  return finding(cause?.kind ?? "pods-not-ready", {
    object: nameOf(service),
    words: `${unready.length === 1 ? "Its pod is" : `All of its ${unready.length} pods are`} not Ready: ${reasons(unready)}.`,
    next: (first && cause?.next?.(first)) ?? look(service),
    ...(severity !== undefined && { severity }),
  });
}

/** Why pods are not Ready: each reason once, with one of the pods. */
function reasons(unready: readonly Pod[]): string {
  const groups = Map.groupBy(unready, reasonOf);
  return listed(
    [...groups].map(([reason, [first, ...others]]) => {
      const name = first?.name ?? "";
      return others.length === 0 ? `${name} ${reason}` : `${others.length + 1} such as ${name} ${reason}`;
    }),
    3,
  );
}

function reasonOf({ node, reason, closedGates, phase }: Pod): string {
  if (node === "") return `has no node (${reason || "the scheduler has said nothing"})`;
  if (closedGates.length > 0) return `waits for ${listed(closedGates, 2)}`;
  return reason === "" ? `is ${phase || "in no phase"}` : `says ${reason}`;
}

function phases(all: readonly Pod[]): string {
  const groups = Map.groupBy(
    all.filter(({ phase }) => hasEnded(phase)),
    ({ phase }) => phase,
  );
  return [...groups].map(([phase, some]) => `${some.length} ${phase}`).join(", ");
}

function look(service: Case["service"]): Next {
  return {
    words: "Look at the pods",
    command: kubectl(service, `get pods -o wide -l ${shellWord(selectorOf(service))}`),
  };
}

function command(pod: Pod, verb: string): string {
  return kubectl(pod, `${verb} ${shellWord(pod.name)}`);
}

/**
 * Endpoints that are ready on nodes that are not: the node controller takes the pods of such a node for not Ready, so that
 * this does not last, unless it is away. kube-proxy leads there meanwhile.
 *
 * Source: pkg/controller/nodelifecycle (`MarkPodsNotReady`).
 */
export const deadNodes: Finder = {
  needs: ["slices", "nodes"],
  find: ({ service, slices, lookup }) => {
    const dead = new Set(
      slices.flatMap(({ endpoints }) =>
        endpoints
          .filter(({ ready, node }) => ready && (lookup.nodes?.get(node)?.ready ?? "True") !== "True")
          .map(({ node }) => node),
      ),
    );
    if (dead.size === 0) return [];
    const [first = ""] = dead;
    return [
      finding("ready-on-dead-node", {
        object: nameOf(service),
        words: `Endpoints on ${dead.size === 1 ? "node" : "nodes"} ${listed([...dead])} count as ready, and the ${dead.size === 1 ? "node is" : "nodes are"} NotReady.`,
        next: { words: "See to the node", command: `kubectl describe node ${shellWord(first)}` },
      }),
    ];
  },
};
