import { parseQuantity } from "../configuration/goQuantity.ts";
import type { ClusterFacts } from "../facts/facts.ts";
import type { QuotaFacts, SelectorFacts, WebhookFacts, WebhookRuleFacts } from "../facts/surroundings.ts";
import { Action, type Intent, type WaveIntent } from "../plan/intent.ts";
import { matches } from "../pools/placement.ts";
import { always, type Check, type Finding, Severity, whenPodsStart } from "./check.ts";

/** Checks of what can keep the API server from admitting kube-proxy's objects and pods. */
export const admissionChecks: readonly Check[] = [
  {
    name: "admission-webhook",
    needs: ["webhooks", "namespace"],
    severity: always,
    find: ({ webhooks = [], namespace }, { waves }) =>
      webhooks.flatMap((webhook) => blockingWebhook(webhook, namespace?.labels ?? {}, waves)),
  },
  {
    name: "resource-quota",
    needs: ["quotas", "nodes"],
    severity: whenPodsStart,
    find: ({ quotas = [] }, intent) => quotas.flatMap((quota) => blockingQuota(quota, intent)),
  },
  {
    name: "pod-security",
    needs: ["namespace"],
    severity: whenPodsStart,
    find: podSecurity,
  },
];

/** A request that the API server asks webhooks about. */
export interface AdmissionRequest {
  readonly operation: string;
  readonly group: string;
  readonly version: string;
  /** With a subresource behind a slash. */
  readonly resource: string;
  readonly namespace: string | undefined;
}

/** What becomes of kube-proxy's pods between their creation and their readiness, and at their end. */
const podRequests = [
  ["CREATE", "pods"],
  ["CREATE", "pods/binding"],
  ["UPDATE", "pods/status"],
  ["DELETE", "pods"],
] as const;

const daemonSetOperations: Partial<Record<Action, readonly string[]>> = {
  [Action.create]: ["CREATE"],
  [Action.takeOver]: ["CREATE", "DELETE"],
  [Action.restart]: ["CREATE", "DELETE"],
  [Action.change]: ["UPDATE"],
};

/**
 * A webhook that is reached by a Service: where no kube-proxy runs, its address may lead nowhere, and the pods of
 * kube-proxy that would mend it are refused. While the others run on, a rolling restart stops at the first node.
 */
function blockingWebhook(
  webhook: WebhookFacts,
  namespaceLabels: Readonly<Record<string, string>>,
  waves: readonly WaveIntent[],
): Finding[] {
  const { service, conditional = false } = webhook;
  const asked = waves.filter(
    (wave) => wave.action !== Action.none && isAsked(webhook, namespaceLabels, wave),
  );
  if (service === undefined || asked.length === 0) {
    return [];
  }
  const isOutage = asked.some(({ action, outlives }) => {
    return action === Action.create || (action === Action.restart && !outlives);
  });
  return [
    {
      object: `${webhook.configuration}, webhook ${webhook.name}`,
      wrong:
        `is asked about kube-proxy's pods or DaemonSets, refuses them when it cannot be reached, and is reached by Service ${service}` +
        (isOutage ? ", for which there is no kube-proxy then" : "") +
        (conditional ? " (its matchConditions are not looked at)" : ""),
      remedy:
        "exclude kube-system by its namespaceSelector or kube-proxy by its objectSelector, or set failurePolicy Ignore",
      ...((!isOutage || conditional) && { severity: Severity.warning }),
    },
  ];
}

function isAsked(
  { rules, namespaceSelector, objectSelector }: WebhookFacts,
  namespaceLabels: Readonly<Record<string, string>>,
  { wave, action }: WaveIntent,
): boolean {
  const { metadata, spec } = wave.daemonSet;
  // The controller's own labels, too: a selector can ask whether they are there.
  const podLabels = {
    ...spec.template.metadata.labels,
    "controller-revision-hash": "",
    "pod-template-generation": "",
  };
  const namespace = metadata.namespace;
  const isRuled = (request: Omit<AdmissionRequest, "version" | "namespace">) =>
    rules.some((rule) => isRuledBy(rule, { ...request, version: "v1", namespace }));
  const pods = podRequests.some(([operation, resource]) => isRuled({ operation, resource, group: "" }));
  const daemonSets = (daemonSetOperations[action] ?? []).some((operation) =>
    isRuled({ operation, resource: "daemonsets", group: "apps" }),
  );
  return (
    isSelectedBy(namespaceSelector, namespaceLabels) &&
    ((pods && isSelectedBy(objectSelector, podLabels)) ||
      (daemonSets && isSelectedBy(objectSelector, metadata.labels ?? {})))
  );
}

/**
 * Whether a webhook's rule is about a request.
 *
 * Source: the API server's `admission/plugin/webhook/predicates/rules`.
 */
export function isRuledBy(rule: WebhookRuleFacts, request: AdmissionRequest): boolean {
  const has = (list: readonly string[], value: string) => list.includes("*") || list.includes(value);
  const [resource = "", subresource = ""] = request.resource.split("/");
  const scope = request.namespace === undefined ? "Cluster" : "Namespaced";
  return (
    ["*", scope].includes(rule.scope) &&
    has(rule.operations, request.operation) &&
    has(rule.groups, request.group) &&
    has(rule.versions, request.version) &&
    rule.resources.some((wanted) => {
      const [kind = "", sub = ""] = wanted.split("/");
      return has([kind], resource) && has([sub], subresource);
    })
  );
}

/** Whether a label selector selects an object with these labels. */
export function isSelectedBy(
  { matchLabels = {}, matchExpressions = [] }: SelectorFacts,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((requirement) => matches(labels, requirement))
  );
}

/** Amounts that a quota makes every container name, and where. */
const computeResources: Readonly<Record<string, readonly ["requests" | "limits", string]>> = {
  cpu: ["requests", "cpu"],
  memory: ["requests", "memory"],
  "requests.cpu": ["requests", "cpu"],
  "requests.memory": ["requests", "memory"],
  "limits.cpu": ["limits", "cpu"],
  "limits.memory": ["limits", "memory"],
};

function blockingQuota(quota: QuotaFacts, { waves }: Intent): Finding[] {
  const counted = waves.filter((wave) => countsFor(quota, wave));
  const object = `ResourceQuota kube-system/${quota.name}`;
  const unnamed = Object.entries(computeResources).filter(
    ([key, [kind, resource]]) =>
      quota.hard[key] !== undefined &&
      counted.some(({ wave }) => {
        const { resources } = wave.daemonSet.spec.template.spec.containers[0];
        // A limit stands for the request, where there is none.
        const given = { requests: { ...resources.limits, ...resources.requests }, limits: resources.limits };
        return given[kind]?.[resource] === undefined;
      }),
  );
  const more = counted
    .filter(({ action }) => action === Action.create)
    .reduce((sum, { nodes }) => sum + nodes.length, 0);
  const full = ["pods", "count/pods"].filter((key) => more > 0 && roomIn(quota, key) < BigInt(more));
  return [
    ...(unnamed.length > 0
      ? [
          {
            object,
            wrong: `limits ${unnamed.map(([key]) => key).join(", ")}, and so refuses pods that do not name theirs, as kube-proxy's`,
            remedy:
              "set resources, or leave PriorityClass system-node-critical out of the quota by its scopeSelector",
          },
        ]
      : []),
    ...full.map((key) => ({
      object,
      wrong: `has room for ${roomIn(quota, key)} ${key}, but kube-proxy needs ${more}`,
      remedy: "raise it, or leave PriorityClass system-node-critical out of it by its scopeSelector",
    })),
  ];
}

function roomIn({ hard, used }: QuotaFacts, key: string): bigint {
  const amount = (text = "0") => parseQuantity(text)?.value ?? 0n;
  return hard[key] === undefined ? 2n ** 63n : amount(hard[key]) - amount(used[key]);
}

/** Whether a quota counts a wave's pods, by its scopes. */
function countsFor({ scopes = [], scopeSelector = [] }: QuotaFacts, { wave }: WaveIntent): boolean {
  const { priorityClassName, containers } = wave.daemonSet.spec.template.spec;
  const { requests = {}, limits = {} } = containers[0].resources;
  const bestEffort = Object.keys(requests).length + Object.keys(limits).length === 0;
  const inScope: Readonly<Record<string, boolean>> = {
    BestEffort: bestEffort,
    NotBestEffort: !bestEffort,
    Terminating: false,
    NotTerminating: true,
    CrossNamespacePodAffinity: false,
  };
  return (
    scopes.every((scope) => inScope[scope] ?? true) &&
    scopeSelector.every(({ scopeName, operator, values = [] }) =>
      scopeName === "PriorityClass"
        ? matches({ [scopeName]: priorityClassName }, { key: scopeName, operator, values })
        : (inScope[scopeName] ?? true),
    )
  );
}

function podSecurity({ namespace }: ClusterFacts, { waves }: Intent): Finding[] {
  const label = "pod-security.kubernetes.io/enforce";
  const level = namespace?.labels[label];
  return level !== undefined && level !== "privileged" && waves.length > 0
    ? [
        {
          object: "Namespace kube-system",
          wrong: `has label ${label}=${level}, and so refuses privileged pods on the host's network, as kube-proxy's`,
          remedy: `kubectl label namespace kube-system --overwrite ${label}=privileged`,
        },
      ]
    : [];
}
