/** When something was measured, and on what. */
import { availableParallelism, loadavg } from "node:os";
import type { Engine } from "../tests/engine/index.ts";

/** All that is told of a measurement beside what was measured. */
export interface Occasion {
  /** ISO 8601. */
  readonly at: string;
  readonly engine: Engine["kind"];
  readonly cores: number;
  /** The machine's load averages of the last minute, when the measurement began and when it ended. */
  readonly load: readonly [before: number, after: number];
}

/** Measures something, and tells on which occasion. */
export async function onOccasion<T extends object>(
  { kind }: Engine,
  work: () => Promise<T>,
): Promise<Occasion & T> {
  const at = new Date().toISOString();
  const before = load();
  const measured = await work();
  return { at, engine: kind, cores: availableParallelism(), load: [before, load()], ...measured };
}

function load(): number {
  return Number(loadavg()[0]?.toFixed(1));
}

/** How a reader is told of the engine and the load, at the end of a sentence. */
export function toldOf({ engine, load: [first, last] }: Pick<Occasion, "engine" | "load">): string {
  const by = engine === "cli" ? "the Pulumi CLI" : "the stand-in engine";
  return `${by}. Load average ${first} before, ${last} after.`;
}
