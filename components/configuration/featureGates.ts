import { nearest, type Problem } from "../input/problems.ts";
import rows from "./featureGates.json" with { type: "json" };
import { isRecord } from "../input/record.ts";

/** What a feature gate is in one minor. */
export interface Gate {
  readonly stage: "alpha" | "beta" | "GA" | "deprecated";
  /** Its default. */
  readonly on: boolean;
  /** Whether it can be set to nothing but its default. */
  readonly locked: boolean;
  /** Gates that have to be on where this one is. */
  readonly needs: readonly string[];
}

/** Gates that set all gates of a stage which are not set by themselves. */
const stageGates = { AllAlpha: "alpha", AllBeta: "beta" } as const;

// Maps, as a user's name may be one of Object's own.
const gateRows = new Map<string, string>(Object.entries(rows.gates));
const needRows = new Map<string, string>(Object.entries(rows.needs));
const gatesByMinor = new Map<number, ReadonlyMap<string, Gate>>();

/**
 * The feature gates that a minor's kube-proxy knows, by name.
 *
 * The table has a row for each gate, such as `"29 alpha, 31 beta on, 33 GA on locked, 36 -"`: what it is from which minor
 * on, and when it was removed. A second table says which gates need which others.
 *
 * Source: the gates registered by pkg/features, k8s.io/apiserver and k8s.io/component-base at each minor.
 */
export function gatesOf(minor: number): ReadonlyMap<string, Gate> {
  const known = gatesByMinor.get(minor);
  if (known !== undefined) {
    return known;
  }
  const gates = new Map<string, Gate>();
  for (const [name, row] of gateRows) {
    const [stage, ...rest] = statesAt(row, minor);
    if (stage !== undefined && stage !== "-") {
      gates.set(name, {
        stage: stage as Gate["stage"],
        on: rest.includes("on"),
        locked: rest.includes("locked"),
        needs: statesAt(needRows.get(name) ?? "", minor).filter((need) => need !== "-"),
      });
    }
  }
  gatesByMinor.set(minor, gates);
  return gates;
}

/** The words of the last state of a row that has begun at a minor. */
function statesAt(row: string, minor: number): string[] {
  const states = row.split(", ").map((state) => state.split(" "));
  return states.findLast(([since]) => since !== "" && Number(since) <= minor)?.slice(1) ?? [];
}

/** Whether a gate is on in a minor's kube-proxy, given a configuration's `featureGates`. */
export function isGateOn(name: string, set: Readonly<Record<string, unknown>>, minor: number): boolean {
  const gate = gatesOf(minor).get(name);
  if (gate === undefined) {
    return false;
  }
  if (Object.hasOwn(set, name)) {
    return set[name] === true;
  }
  for (const [all, stage] of Object.entries(stageGates)) {
    if (gate.stage === stage && Object.hasOwn(set, all)) {
      return set[all] === true;
    }
  }
  return gate.on;
}

/** Finds what a minor's kube-proxy would refuse in a configuration's `featureGates`. */
export function gateProblems(configuration: Readonly<Record<string, unknown>>, minor: number): Problem[] {
  const set = configuration["featureGates"];
  if (!isRecord(set)) {
    return [];
  }
  const gates = gatesOf(minor);
  const problems = Object.entries(set).flatMap(([name, value], index): Problem[] => {
    const gate = gates.get(name);
    const path = `featureGates.${name}`;
    if (gate === undefined) {
      return [{ path, accepted: unknownGate(name, minor, index < mostHints) }];
    }
    return gate.locked && (value === true) !== gate.on
      ? [{ path, value, accepted: `${gate.on}, to which Kubernetes 1.${minor} has locked it; leave it out` }]
      : [];
  });
  return problems.length > 0 ? problems : unmetNeeds(set, minor);
}

function unmetNeeds(set: Readonly<Record<string, unknown>>, minor: number): Problem[] {
  return [...gatesOf(minor)].flatMap(([name, gate]) => {
    const off = gate.needs.filter((need) => !isGateOn(need, set, minor));
    if (off.length === 0 || !isGateOn(name, set, minor)) {
      return [];
    }
    const path = Object.hasOwn(set, name) ? `featureGates.${name}` : "featureGates";
    return [
      { path, accepted: `${name} is on and needs ${off.join(", ")}; set them to true, or ${name} to false` },
    ];
  });
}

/** A hint compares a name with every gate: nobody reads so many. */
const mostHints = 100;

function unknownGate(name: string, minor: number, isHinted: boolean): string {
  const row = gateRows.get(name);
  if (row === undefined) {
    const near = isHinted ? nearest(name, [...gatesOf(minor).keys()]) : undefined;
    const hint = near === undefined ? "leave it out" : `did you mean ${near}?`;
    return `no feature gate of Kubernetes 1.${minor}, whose kube-proxy exits on it; ${hint}`;
  }
  const since = Number(row.split(" ")[0]);
  const life =
    since > minor
      ? `exists since Kubernetes 1.${since}`
      : `was removed in Kubernetes 1.${/(\d+) -/.exec(row)?.[1] ?? ""}`;
  return `${life}; kube-proxy of 1.${minor} exits on a gate that it does not know, so leave it out`;
}
