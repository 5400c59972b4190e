import { extname, join } from "node:path";

/**
 * Absolute path of a module of `commands`, in the language of the code that runs: TypeScript in this repository, JavaScript in
 * the npm package, since Node.js takes no TypeScript below node_modules.
 *
 * @param name - without its extension
 */
export function scriptOf(name: string): string {
  return join(import.meta.dirname, "..", "..", "commands", name + extname(import.meta.filename));
}
