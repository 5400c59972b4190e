/** When a DaemonSet has rolled out, and why it has not. */
import type { Api } from "./api.ts";
import type { Props } from "./values.ts";

/** The fields of a DaemonSet that are read here. */
export interface DaemonSet extends Props {
  metadata: {
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
  spec: { nodeName?: string };
  status: { phase: string; conditions?: Condition[]; containerStatuses?: ContainerStatus[] };
}

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

interface ContainerStatus {
  name: string;
  state: { waiting?: Partial<Condition>; terminated?: Partial<Condition> };
}

const shownPods = 5;

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

/** Which pods of a DaemonSet are not ready, and what they wait for; at most five. */
export async function describePods(api: Api, { metadata, spec }: DaemonSet): Promise<string> {
  const { namespace, uid } = metadata;
  const labels = Object.entries(spec.selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const pods = (await api.list("Pod", namespace, undefined, labels.join(","))) as Pod[];
  const isReady = ({ type, status }: Condition): boolean => type === "Ready" && status === "True";
  const waiting = pods.filter(
    (pod) =>
      pod.metadata.ownerReferences?.some((owner) => owner.uid === uid) &&
      !pod.status.conditions?.some(isReady),
  );
  const lines = waiting.slice(0, shownPods).map(async (pod) => {
    const { name } = pod.metadata;
    const events = await api.list("Event", namespace, `involvedObject.name=${name},type=Warning`);
    const last = (events.slice(-1) as Condition[]).map((event) => `event ${reasonOf(event)}`);
    return `  pod ${name} on ${pod.spec.nodeName ?? "no node"}: ${[...reasons(pod), ...last].join("; ")}`;
  });
  const more = waiting.length > shownPods ? [`  and ${waiting.length - shownPods} more`] : [];
  return [...(await Promise.all(lines)), ...more].join("\n");
}

function reasons({ status }: Pod): string[] {
  const states = (status.containerStatuses ?? []).flatMap(({ name, state }) => {
    const ended = state.waiting ?? state.terminated;
    return ended ? [`${name} ${reasonOf(ended)}`] : [];
  });
  const conditions = (status.conditions ?? []).filter((c) => c.status !== "True" && c.message).map(reasonOf);
  const all = new Set([...states, ...conditions]);
  return all.size > 0 ? [...all] : [`phase ${status.phase}`];
}

function reasonOf({ reason, message }: Partial<Condition>): string {
  return [reason, message].filter(Boolean).join(": ");
}
