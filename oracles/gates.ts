import type { JudgedGate } from "./judge.ts";

/** The rows of `components/configuration/featureGates.json`. */
export interface GateTable {
  readonly gates: Readonly<Record<string, string>>;
  readonly needs: Readonly<Record<string, string>>;
}

const stages = { ALPHA: "alpha", BETA: "beta", "": "GA", DEPRECATED: "deprecated" } as const;

/**
 * The table with the judges' gates in it: rows keep what they say of minors before the first judged one.
 *
 * @param judged - each judged minor's gates, by minor and name
 */
export function mergeGates(
  table: GateTable,
  judged: ReadonlyMap<number, Record<string, JudgedGate>>,
): GateTable {
  const minors = [...judged.keys()].sort((a, b) => a - b);
  const merge = (rows: Readonly<Record<string, string>>, stateOf: (gate: JudgedGate) => string) => {
    const names = new Set([
      ...Object.keys(rows),
      ...[...judged.values()].flatMap((gates) => Object.keys(gates)),
    ]);
    const merged = [...names].map((name) => {
      const states = minors.map((minor) => {
        const gate = judged.get(minor)?.[name];
        return [minor, gate === undefined ? "-" : stateOf(gate)] as const;
      });
      return [name, mergeRow(rows[name] ?? "", states)] as const;
    });
    const order = new Intl.Collator("en");
    return Object.fromEntries(merged.filter(([, row]) => row !== "").sort(([a], [b]) => order.compare(a, b)));
  };
  return {
    gates: merge(table.gates, ({ stage, on, locked }) =>
      [stages[stage], ...(on ? ["on"] : []), ...(locked ? ["locked"] : [])].join(" "),
    ),
    needs: merge(table.needs, ({ needs = [] }) => [...needs].sort().join(" ") || "-"),
  };
}

function mergeRow(row: string, judged: readonly (readonly [minor: number, state: string])[]): string {
  const before = row
    .split(", ")
    .map((state) => /^(\d+) (.*)$/.exec(state))
    .flatMap((match) => (match === null ? [] : [[Number(match[1]), match[2] ?? ""] as const]))
    .filter(([since]) => since < (judged[0]?.[0] ?? 0));
  const states: (readonly [number, string])[] = [];
  for (const state of [...before, ...judged]) {
    if (state[1] !== (states.at(-1)?.[1] ?? "-")) {
      states.push(state);
    }
  }
  return states.map((state) => state.join(" ")).join(", ");
}
