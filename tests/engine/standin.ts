/** The stand-in as an {@link Engine}. */
import { fileURLToPath } from "node:url";

import { ProcessStack } from "./processStack.ts";
import type { Engine } from "./types.ts";

const main = fileURLToPath(new URL("standin/main.ts", import.meta.url));
/** Every operation loads the same modules: compiled once, they take a third less time. */
const compiled = fileURLToPath(new URL("../../.cache/node", import.meta.url));

/** @param why - Why it is not the CLI. */
export function standinEngine(why: string): Engine {
  return {
    kind: "standin",
    description: `engine: stand-in of tests/engine, not the Pulumi CLI (${why})`,
    open: async (options) => {
      const env = { NODE_COMPILE_CACHE: compiled, ...options.env };
      const stack = new ProcessStack([process.execPath, main], { ...options, env });
      await stack.bookkeep(["stack", "init", "--no-select"], options.projectDir, /already exists/);
      return stack;
    },
  };
}
