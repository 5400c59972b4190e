/** Proves of selections of nodes by their labels that every node is in exactly one, whatever labels it has. */
import type { NodeSelectorRequirement } from "../kubeadm/podTypes.ts";

/** Nodes of which every requirement holds. */
export interface Selection {
  readonly name: string;
  readonly requirements: readonly NodeSelectorRequirement[];
}

/** A kind of node that is in no selection, or in several. */
export interface Misplaced {
  /** Names of the selections that it is in. */
  readonly selections: readonly string[];
  /** Its labels in words, such as `zone=a and no label canary`. */
  readonly labels: string;
}

/** What a label can be, as far as requirements tell: a value that they name, any other one, or not there. */
type Label = { readonly value: string } | "other" | "none";

/** A kind of node: what each label is that a requirement names. */
type Kind = ReadonlyMap<string, Label>;

/** More kinds of nodes than this are too many to look at; one label with a thousand values has a thousand. */
export const mostKinds = 100_000;

/**
 * Looks at every kind of node that the requirements can tell apart, which is every node there can be.
 *
 * @param selections - what should have each node once
 * @param universe - what holds of every node that counts
 * @returns one example for each set of selections that share nodes, and one for the nodes that no selection has;
 * undefined when there are more than {@link mostKinds} kinds
 */
export function findMisplaced(
  selections: readonly Selection[],
  universe: readonly NodeSelectorRequirement[],
): readonly Misplaced[] | undefined {
  const labels = labelsOf([...universe, ...selections.flatMap(({ requirements }) => requirements)]);
  const count = [...labels.values()].reduce((product, classes) => product * classes.length, 1);
  if (count > mostKinds) {
    return undefined;
  }
  const found = new Map<string, Misplaced>();
  for (const kind of kindsOf([...labels])) {
    if (!universe.every((requirement) => holds(requirement, kind))) {
      continue;
    }
    const names = selectionsOf(kind, selections);
    if (names.length !== 1 && !found.has(names.join())) {
      found.set(names.join(), { selections: names, labels: describe(kind, labels) });
    }
  }
  return [...found.values()];
}

/** Whether there can be a node in a selection at all. */
export function isPossible(requirements: readonly NodeSelectorRequirement[]): boolean {
  // Requirements of different labels cannot contradict each other.
  return [...labelsOf(requirements)].every(([key, classes]) =>
    classes.some((label) =>
      requirements.every((one) => one.key !== key || holds(one, new Map([[key, label]]))),
    ),
  );
}

/**
 * Names of the selections that a node is in.
 *
 * @param labels - the node's
 */
export function selectionsWith(
  labels: Readonly<Record<string, string>>,
  selections: readonly Selection[],
): string[] {
  return selectionsOf(new Map(Object.entries(labels).map(([key, value]) => [key, { value }])), selections);
}

function selectionsOf(kind: Kind, selections: readonly Selection[]): string[] {
  return selections
    .filter(({ requirements }) => requirements.every((requirement) => holds(requirement, kind)))
    .map(({ name }) => name);
}

function labelsOf(requirements: readonly NodeSelectorRequirement[]): Map<string, Label[]> {
  const byKey = Map.groupBy(requirements, ({ key }) => key);
  return new Map(
    [...byKey].map(([key, all]) => {
      const values = new Set(all.flatMap((requirement) => requirement.values ?? []));
      return [key, [...[...values].map((value) => ({ value })), "other", "none"]];
    }),
  );
}

function* kindsOf(labels: readonly (readonly [string, readonly Label[]])[]): Generator<Kind> {
  const [first, ...rest] = labels;
  if (first === undefined) {
    yield new Map();
    return;
  }
  const [key, classes] = first;
  for (const label of classes) {
    for (const kind of kindsOf(rest)) {
      yield new Map([[key, label], ...kind]);
    }
  }
}

function holds({ key, operator, values = [] }: NodeSelectorRequirement, kind: Kind): boolean {
  const label = kind.get(key) ?? "none";
  const named = typeof label === "object" && values.includes(label.value);
  switch (operator) {
    case "In":
      return named;
    case "NotIn":
      return !named;
    case "Exists":
      return label !== "none";
    default:
      return label === "none";
  }
}

function describe(kind: Kind, labels: ReadonlyMap<string, readonly Label[]>): string {
  const parts = [...kind].map(([key, label]) => {
    if (label === "none") {
      return `no label ${key}`;
    }
    const named = (labels.get(key) ?? []).flatMap((one) => (typeof one === "object" ? [one.value] : []));
    if (label === "other") {
      return named.length === 0 ? `label ${key}` : `another ${key} than ${named.join(", ")}`;
    }
    return `${key}=${label.value}`;
  });
  return parts.length === 0 ? "any labels" : parts.join(" and ");
}
