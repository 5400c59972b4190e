import type { ClusterFacts } from "../facts/facts.ts";
import type { RuleFacts } from "../facts/surroundings.ts";
import { listed } from "../input/problems.ts";
import { nodeProxierRules } from "../kubeadm/manifests.ts";
import type { PolicyRule } from "../kubeadm/objects.ts";
import { ClusterRoleChoice } from "../kubeadm/settings.ts";
import type { Intent } from "../plan/intent.ts";
import { type Check, type Finding, Severity, whenPodsStart } from "./check.ts";
import { accessesOf, describeAccess } from "./rights.ts";

/** Checks of rights: kube-proxy's own and those of whoever runs the program. */
export const accessChecks: readonly Check[] = [
  {
    name: "node-proxier-role",
    needs: ["clusterRoles"],
    severity: whenPodsStart,
    find: nodeProxierRole,
  },
  {
    name: "rights",
    needs: ["denied"],
    // Whoever may only read may preview.
    severity: ({ preview }) => (preview ? Severity.warning : Severity.error),
    find: missingRights,
  },
];

/** Without events, kube-proxy does its work; and endpoints are not read where there are EndpointSlices. */
const dispensable = ["events"];

function nodeProxierRole({ clusterRoles }: ClusterFacts, { settings, waves }: Intent): Finding[] {
  if (settings.clusterRole === ClusterRoleChoice.create || clusterRoles === undefined) {
    return [];
  }
  const name = "system:node-proxier";
  const role = clusterRoles.find((one) => one.name === name);
  const needed = new Set(
    waves.flatMap(({ minor }) => {
      const unread = minor?.nodeProxier.endpointSlices ? [...dispensable, "endpoints"] : dispensable;
      return minor === undefined
        ? []
        : rightsOf(nodeProxierRules(minor)).filter(({ resource }) => !unread.includes(resource));
    }),
  );
  const missing = [...needed].filter((right) => !role?.rules.some((rule) => grants(rule, right)));
  const described = [...new Set(missing.map(describeAccess))];
  return missing.length === 0
    ? []
    : [
        {
          object: `ClusterRole ${name}`,
          wrong:
            role === undefined
              ? "is missing: kube-proxy may read nothing, and writes no rules"
              : `does not let kube-proxy ${listed(described)}: it writes no rules without`,
          remedy:
            "restart an API server, which mends it (annotation rbac.authorization.kubernetes.io/autoupdate), or set clusterRole to create",
        },
      ];
}

interface Needed {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
}

function rightsOf(rules: readonly PolicyRule[]): Needed[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => ({ group, resource, verb }))),
    ),
  );
}

function grants({ apiGroups, resources, verbs, resourceNames = [] }: RuleFacts, needed: Needed): boolean {
  const has = (list: readonly string[], value: string) => list.includes("*") || list.includes(value);
  return (
    resourceNames.length === 0 &&
    has(apiGroups, needed.group) &&
    has(resources, needed.resource) &&
    has(verbs, needed.verb)
  );
}

/** Verbs of which a user needs none who holds every right of the ClusterRole in question. */
const replaceable = ["bind", "escalate"];

function missingRights({ denied = [] }: ClusterFacts, { tasks, waves }: Intent): Finding[] {
  const pools = waves.flatMap(({ wave }) => wave.pool ?? []);
  const lacking = accessesOf(pools, [...tasks]).filter(
    (access) => access.tasks.some((task) => tasks.has(task)) && denied.includes(describeAccess(access)),
  );
  return lacking.map((access) => {
    const why = access.tasks.filter((task) => tasks.has(task)).join(", ");
    return {
      object: "your user",
      wrong: `may not ${describeAccess(access)}, which this update needs (${why})`,
      remedy: replaceable.includes(access.verb)
        ? "have it granted, or all rights of that ClusterRole"
        : "have it granted (docs/rbac.md), or run it as a cluster administrator",
      ...(replaceable.includes(access.verb) && { severity: Severity.warning }),
    };
  });
}
