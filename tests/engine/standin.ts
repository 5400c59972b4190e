/** The stand-in as an {@link Engine}. */
import { fileURLToPath } from "node:url";

import { ProcessStack } from "./processStack.ts";
import type { Engine } from "./types.ts";

const main = fileURLToPath(new URL("standin/main.ts", import.meta.url));

/** @param why - Why it is not the CLI. */
export function standinEngine(why: string): Engine {
  return {
    kind: "standin",
    description: `engine: stand-in of tests/engine, not the Pulumi CLI (${why})`,
    open: (options) => Promise.resolve(new ProcessStack([process.execPath, main], options)),
  };
}
