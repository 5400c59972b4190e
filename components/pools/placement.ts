import { ProblemsError } from "../input/problems.ts";

/** A requirement of a node's labels or fields. */
export interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

/** A taint of a node. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** The part of a pod template that says which nodes it wants; a `V1PodSpec` is one. */
export interface Placement {
  readonly nodeName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms: readonly {
          readonly matchExpressions?: readonly Requirement[];
          readonly matchFields?: readonly Requirement[];
        }[];
      };
    };
  };
  readonly tolerations?: readonly Toleration[];
}

/** The part of a node that a {@link Placement} looks at; a `V1Node` is one. */
export interface Place {
  readonly metadata?: { readonly name?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly taints?: readonly Taint[] };
}

/** Taints that every DaemonSet's pods tolerate; the last one those on the host's network. */
const tolerated: ReadonlySet<string> = new Set([
  "node.kubernetes.io/not-ready",
  "node.kubernetes.io/unreachable",
  "node.kubernetes.io/disk-pressure",
  "node.kubernetes.io/memory-pressure",
  "node.kubernetes.io/pid-pressure",
  "node.kubernetes.io/unschedulable",
  "node.kubernetes.io/network-unavailable",
]);

/**
 * Whether a DaemonSet of host-network pods wants one on this node, as its controller decides: node name, node selector,
 * required node affinity, and taints that forbid scheduling.
 *
 * Source: Kubernetes' `pkg/controller/daemon/daemon_controller.go` (`NodeShouldRunDaemonPod`) and `component-helpers`'
 * node affinity.
 */
export function selects(spec: Placement, node: Place): boolean {
  const labels = node.metadata?.labels ?? {};
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return (
    (spec.nodeName === undefined || spec.nodeName === node.metadata?.name) &&
    Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value) &&
    (terms === undefined ||
      terms.some(({ matchExpressions = [], matchFields = [] }) => {
        const fields = { "metadata.name": node.metadata?.name ?? "" };
        return (
          // An empty term matches nothing.
          matchExpressions.length + matchFields.length > 0 &&
          matchExpressions.every((requirement) => matches(labels, requirement)) &&
          matchFields.every((requirement) => matches(fields, requirement))
        );
      })) &&
    (node.spec?.taints ?? []).every((taint) => tolerates(spec.tolerations ?? [], taint))
  );
}

/** Whether labels, or fields, are as required; in a label selector as in a node affinity. */
export function matches(labels: Readonly<Record<string, string>>, requirement: Requirement): boolean {
  const { key, operator, values = [] } = requirement;
  const value = labels[key];
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return Number(value) > Number(values[0]);
    case "Lt":
      return Number(value) < Number(values[0]);
    default:
      throw new ProblemsError("a node affinity", [
        { path: "operator", value: operator, accepted: "In, NotIn, Exists, DoesNotExist, Gt or Lt" },
      ]);
  }
}

function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  if (taint.effect === "PreferNoSchedule" || tolerated.has(taint.key)) return true;
  return tolerations.some(
    ({ key, operator = "Equal", value = "", effect }) =>
      (effect === undefined || effect === "" || effect === taint.effect) &&
      (key === undefined || key === "" || key === taint.key) &&
      (operator === "Exists" || (operator === "Equal" && value === (taint.value ?? ""))),
  );
}
