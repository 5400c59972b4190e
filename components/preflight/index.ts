import type { ClusterFacts } from "../facts/facts.ts";
import { nameOfFact } from "../facts/unread.ts";
import { formatProblems, nearest, type Problem } from "../input/problems.ts";
import type { Intent } from "../plan/intent.ts";
import { accessChecks } from "./access.ts";
import { adopterCheck } from "./adopters.ts";
import { admissionChecks } from "./admission.ts";
import { advisoryChecks } from "./advisories.ts";
import { type Check, Severity } from "./check.ts";
import { networkChecks } from "./network.ts";
import { versionChecks } from "./versions.ts";
import { workloadChecks } from "./workloads.ts";

/** Every check, in the order in which findings are told. */
export const checks: readonly Check[] = [
  ...accessChecks,
  ...versionChecks,
  ...advisoryChecks,
  ...networkChecks,
  ...admissionChecks,
  ...workloadChecks,
  adopterCheck,
];

/** What the checks say, in sentences. */
export interface Preflight {
  /** What refuses the update. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  /** What was found and is ignored, with the reason. */
  readonly lines: readonly string[];
}

/** Names of checks that are turned off, each with the reason. */
export type Ignored = Readonly<Record<string, string>>;

/**
 * Looks at a cluster before an `up`.
 *
 * A check that lacks a fact says so in a warning, and passes nothing.
 */
export function preflight(facts: ClusterFacts, intent: Intent, ignored: Ignored): Preflight {
  const done = checks.filter(({ needs }) => !needs.some((name) => name in (facts.unread ?? {})));
  const found = done.flatMap((check) =>
    check.find(facts, intent).map((finding) => ({
      check: check.name,
      severity: finding.severity ?? check.severity(intent),
      text:
        check.tellsValues && intent.secret
          ? `${finding.object}: not told, since an argument is a secret; docs/preflight.md says what it looks for`
          : `${finding.object}: ${finding.wrong}; ${finding.remedy}`,
    })),
  );
  const heeded = found.filter(({ check }) => !(check in ignored));
  const isError = ({ severity }: { readonly severity: Severity }) => severity === Severity.error;
  return {
    problems: heeded.filter(isError).map(({ check, text }) => ({ path: check, accepted: text })),
    warnings: [
      ...heeded.filter((one) => !isError(one)).map(({ check, text }) => `${check}: ${text}`),
      ...notDone(facts, ignored),
    ],
    lines: [...Map.groupBy(found, ({ check }) => check)]
      .filter(([check]) => check in ignored)
      .map(([check, [first, ...more]]) => {
        const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
        return `${check}: ignored (${ignored[check] ?? ""}): ${first?.text ?? ""}${others}`;
      }),
  };
}

function notDone(facts: ClusterFacts, ignored: Ignored): string[] {
  return Object.entries(facts.unread ?? {}).flatMap(([fact, reason]) => {
    const names = checks
      .filter(({ name, needs }) => !(name in ignored) && needs.some((need) => need === fact))
      .map(({ name }) => name);
    return names.length === 0
      ? []
      : [`not checked: ${names.join(", ")}: ${nameOfFact(fact)} cannot be read: ${reason}`];
  });
}

/**
 * Finds out whether this is the cluster that was meant.
 *
 * @param clusterId - UID of its namespace kube-system; undefined when any cluster is
 */
export function checkCluster(clusterId: unknown, { namespace, server }: ClusterFacts): Problem[] {
  const found = namespace?.uid;
  if (clusterId === undefined || clusterId === found) {
    return [];
  }
  const where = server === undefined ? "" : ` at ${server}`;
  return [
    {
      path: "clusterId",
      value: clusterId,
      accepted:
        found === undefined
          ? "a cluster that has a namespace kube-system, to be compared with"
          : `${found}, UID of namespace kube-system of the cluster${where}: this is another cluster than the stack's`,
    },
  ];
}

/** Writes what refuses an update, with how to turn it off. */
export function formatFindings(problems: readonly Problem[]): string {
  return [
    formatProblems("the cluster; nothing was changed", problems),
    "  What is meant to be so is ignored by its name, with the reason: " +
      `pulumi config set --path ignorePreflightErrors.${problems[0]?.path ?? "NAME"} "why"`,
  ].join("\n");
}

/** Finds what is wrong with the names and reasons of the checks that are turned off. */
export function checkIgnored(ignored: unknown): Problem[] {
  const known = checks.map(({ name }) => name);
  return Object.entries((ignored ?? {}) as Record<string, unknown>).flatMap(([name, reason]) => {
    const path = `ignorePreflightErrors.${name}`;
    if (!known.includes(name)) {
      const near = nearest(name, known);
      const hint = near === undefined ? "" : `; did you mean ${near}?`;
      return [{ path, accepted: `no such check${hint}; there are ${known.join(", ")}` }];
    }
    return typeof reason === "string" && reason.trim() !== ""
      ? []
      : [{ path, value: reason, accepted: "the reason, as a text" }];
  });
}
