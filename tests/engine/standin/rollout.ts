/** When a DaemonSet has rolled out, and why it has not. */
import type { Api } from "./api.ts";
import type { Props } from "./values.ts";

/** The fields of a DaemonSet that are read here. */
export interface DaemonSet extends Props {
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    generation: number;
    deletionTimestamp?: string;
    annotations?: Record<string, string>;
  };
  spec: { selector: { matchLabels?: Record<string, string> } };
  status?: Record<string, number>;
}

interface Pod {
  metadata: { name: string; ownerReferences?: { uid: string }[] };
  status: {
    conditions?: { type: string; status: string; message?: string }[];
    containerStatuses?: { state: { waiting?: { reason?: string; message?: string } } }[];
  };
}

/**
 * What is missing until a DaemonSet has rolled out; undefined when nothing is.
 *
 * Source: `daemonsetConditions` of sigs.k8s.io/cli-utils v0.37.2, which the provider awaits.
 */
export function notRolledOut({ metadata, status = {} }: DaemonSet): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return "is being deleted";
  if (status["observedGeneration"] !== metadata.generation) return "not yet seen by its controller";
  const waitFor = metadata.annotations?.["pulumi.com/waitFor"];
  if (waitFor !== undefined) return selects(waitFor, status) ? undefined : `${waitFor} selected nothing`;
  const desired = status["desiredNumberScheduled"] ?? 0;
  return ["currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady"]
    .filter((field) => (status[field] ?? 0) < desired)
    .map((field) => `${field} ${status[field] ?? 0} of ${desired}`)[0];
}

/**
 * Whether the status of a DaemonSet is what an annotation waits for, in place of the above: of all JSONPath the one form
 * that the program uses, a filter with `>`. A field that is not there is more than nothing.
 *
 * Source: `provider/pkg/jsonpath`, by which a path without a value has to select something, and RFC 9535, 2.3.5.2.2.
 */
function selects(waitFor: string, status: Record<string, number>): boolean {
  const filter = /^jsonpath=\{\$\[\?([^=]+)\]\}$/.exec(waitFor)?.[1];
  const terms = filter?.split(" && ").map((term) => /^@\.(\w+) > (\d+)$/.exec(term)) ?? [null];
  return terms.every((term) => {
    if (term === null) throw new Error(`the stand-in does not know pulumi.com/waitFor ${waitFor}`);
    const [, field = "", least] = term;
    return field in status && (status[field] ?? 0) > Number(least);
  });
}

/**
 * What the provider says of each pod of a DaemonSet that is not ready, while it waits. It says nothing of them at the end.
 *
 * Source: `provider/pkg/await/checker/pod`.
 */
export async function describePods(api: Api, { metadata, spec }: DaemonSet): Promise<string[]> {
  const { namespace, uid } = metadata;
  const labels = Object.entries(spec.selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const pods = (await api.list("Pod", namespace, labels.join(","))) as Pod[];
  const within = namespace === "default" ? "" : `${namespace}/`;
  return pods
    .filter((pod) => pod.metadata.ownerReferences?.some((owner) => owner.uid === uid))
    .map(({ metadata: { name }, status }) => ({ name, why: whyNotReady(status) }))
    .filter(({ why }) => why !== "")
    .map(({ name, why }) => `warning: [Pod ${within}${name}]: ${why}`);
}

function whyNotReady({ conditions = [], containerStatuses = [] }: Pod["status"]): string {
  const ready = conditions.find(({ type }) => type === "Ready");
  if (ready?.status !== "False") return "";
  const waiting = containerStatuses.flatMap(({ state }) => state.waiting ?? []);
  const reasons = waiting.map(({ reason = "", message = "" }) => `[${reason}] ${message}`);
  return `${ready.message ?? ""}${reasons.join("\n")}`;
}
