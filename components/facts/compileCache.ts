import { join } from "node:path";

/** Where Node.js keeps what it has compiled: a third of a command's time is the compilation of its libraries. */
export const compileCache = join(import.meta.dirname, "..", "..", ".cache", "node");
