/** On what occasion something is measured, as a reader has to know. */
import { loadavg } from "node:os";
import type { Engine } from "../tests/engine/index.ts";

/** This machine's load average of the last minute. */
export function load(): number {
  return Number(loadavg()[0]?.toFixed(1));
}

/** What ran the program. */
export function nameOf(engine: Engine["kind"]): string {
  return engine === "cli" ? "the Pulumi CLI" : "the stand-in engine";
}
