/**
 * Decides what happens to a resource. Pure: no cluster, no state file.
 *
 * Source: pulumi `pkg/resource/deploy/step_generator.go`, pulumi-kubernetes `provider.go` (Diff).
 */
import {
  at,
  type Change,
  contains,
  diff,
  formatPath,
  parsePath,
  type Path,
  plain,
  type Props,
  replaceAt,
} from "./values.ts";

/** What the program asks for. */
export interface Goal {
  urn: string;
  type: string;
  name: string;
  custom: boolean;
  parent: string;
  /** URN of the explicit provider; empty when there is none. */
  provider: string;
  inputs: Props;
  dependencies: string[];
  propertyDependencies: Record<string, string[]>;
  deleteBeforeReplace: boolean | undefined;
  replaceOnChanges: string[];
  ignoreChanges: string[];
  /** Names of hooks. */
  beforeCreate: string[];
  beforeUpdate: string[];
  additionalSecretOutputs: string[];
  importId: string;
  protect: boolean;
  retainOnDelete: boolean;
  /** Seconds. */
  timeouts: { create: number; update: number; delete: number };
}

/** What the state keeps of a resource. */
export interface Resource extends Goal {
  id: string;
  outputs: Props;
  /** Why it is there but not ready; the next `up` waits on. */
  initErrors?: string[];
  /** Deleted, and to be created again, whatever the program says now. */
  pendingReplacement?: boolean;
  /** Replaced by another, and to be deleted at the end. */
  pendingDelete?: boolean;
}

export interface Plan {
  op: "same" | "create" | "update" | "replace";
  inputs: Props;
  changes: (Change & { forcesReplacement: boolean })[];
  /** For a replacement: whether the old one goes first. */
  deleteFirst: boolean;
  /** What forbids the plan. */
  problem?: string;
}

/** What {@link plan} compares with. */
export interface Known {
  /** Old inputs, as the cluster has them where that is known. */
  base: Props;
  /** Paths that cannot be changed in place. */
  forceNew: Path[];
  /** Whether it is to be replaced, whatever has changed. */
  isForced: boolean;
}

/** @param old - What the state has; undefined for a resource that is new. */
export function plan(goal: Goal, old: Resource | undefined, { base, forceNew, isForced }: Known): Plan {
  if (!old) return { op: "create", inputs: goal.inputs, changes: [], deleteFirst: false };

  const ignored = goal.ignoreChanges.map(parsePath);
  const inputs = ignored.reduce<Props>(
    (inputs, path) => replaceAt(inputs, path, at(old.inputs, path)) as Props,
    goal.inputs,
  );
  const replaceOnChanges = goal.replaceOnChanges.map(parsePath);
  const changes = diff(base, plain(inputs))
    .filter(({ path }) => !ignored.some((pattern) => contains(pattern, path)))
    .map((change) => {
      const byProvider = forceNew.some((path) => touches(change, path));
      const byEngine = replaceOnChanges.some((pattern) => contains(pattern, change.path));
      return { ...change, byProvider, forcesReplacement: byProvider || byEngine };
    });
  const forced = changes.filter((change) => change.forcesReplacement);
  if (forced.length === 0 && !old.pendingReplacement && !isForced) {
    const waitsOn = old.initErrors !== undefined;
    return {
      op: changes.length > 0 || waitsOn ? "update" : "same",
      inputs,
      changes,
      deleteFirst: false,
    };
  }
  // Kubernetes asks to delete first only for what it forces itself, under an unchanged name.
  const kept = ["name", "namespace"].every(
    (key) => at(base, ["metadata", key]) === at(goal.inputs, ["metadata", key]),
  );
  const named = at(goal.inputs, ["metadata", "name"]) !== undefined;
  const providerDeletesFirst = changes.some(({ byProvider }) => byProvider) && named && kept;
  const replacement: Plan = {
    op: "replace",
    // A replacement is made from the program's inputs: ignoreChanges keeps nothing of the old one.
    inputs: goal.inputs,
    changes,
    deleteFirst: goal.deleteBeforeReplace ?? providerDeletesFirst,
  };
  const problem = whyNotReplace(goal, old, forced);
  return problem === undefined ? replacement : { ...replacement, problem };
}

function whyNotReplace(goal: Goal, old: Resource, forced: Change[]): string | undefined {
  if (goal.protect && old.protect) {
    return (
      `unable to replace resource "${goal.urn}"\nas it is currently marked for protection. ` +
      "To unprotect the resource, remove the `protect` flag from the resource in your Pulumi " +
      "program and run `pulumi up`"
    );
  }
  if (goal.importId === "") return undefined;
  return (
    "previously-imported resources that still specify an ID may not be replaced; please remove " +
    "the `import` declaration from your program;\n" +
    forced.map(({ path }) => formatPath(path)).join("\n")
  );
}

/** Whether a change is at a path, below it, or above it with the path inside. */
function touches(change: Change, path: Path): boolean {
  if (contains(path, change.path)) return true;
  const rest = path.slice(change.path.length);
  return contains(change.path, path) && at(change.after ?? change.before, rest) !== undefined;
}

/**
 * What must be deleted before `root` is, because it cannot outlive it: resources, direct or
 * indirect, with an input that comes from it and that cannot be changed in place. An edge by
 * `dependsOn` alone never cascades. The last one comes first.
 *
 * @param resources - The state, dependencies first.
 * @param forceNew - Paths of a resource that cannot be changed in place.
 */
export function dependentReplacements(
  root: Resource,
  resources: readonly Resource[],
  forceNew: (resource: Resource) => Path[],
): Resource[] {
  const gone = new Set([root.urn]);
  const found = resources.filter((resource) => {
    const properties = Object.entries(resource.propertyDependencies)
      .filter(([, urns]) => urns.some((urn) => gone.has(urn)))
      .map(([property]) => [property]);
    const fixed = [...forceNew(resource), ...resource.replaceOnChanges.map(parsePath)];
    // The engine asks with the whole property unknown, so only a path that ends there counts.
    const cannotStay = properties.some((path) => fixed.some((pattern) => contains(pattern, path)));
    if (cannotStay) gone.add(resource.urn);
    return cannotStay;
  });
  return found.reverse();
}

/** The order to delete in: whoever depends on another comes before it. */
export function dependentsFirst(resources: readonly Resource[]): Resource[] {
  const order = new Set<Resource>();
  const visit = (resource: Resource): void => {
    if (order.has(resource)) return;
    const needs = [resource.parent, resource.provider, ...resource.dependencies];
    resources.filter(({ urn }) => urn !== resource.urn && needs.includes(urn)).forEach(visit);
    order.add(resource);
  };
  resources.forEach(visit);
  return [...order].reverse();
}
