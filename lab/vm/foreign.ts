import { join } from "node:path";

import type { Invocation } from "../tools.ts";

/**
 * The command line of a program from unpacked Debian packages, with the libc and the libraries that lie there: nothing
 * of this machine's is loaded.
 *
 * @param folders - Where packages were unpacked, those of libc6 first.
 * @param program - The program's path in one of them.
 * @param name - What it is called by, for a program that is several.
 */
export function foreign(
  folders: readonly [string, ...string[]],
  program: string,
  name: string,
  args: readonly string[],
): Invocation {
  const libraries = folders.flatMap((folder) =>
    ["lib", "usr/lib"].map((path) => join(folder, path, "x86_64-linux-gnu")),
  );
  return {
    file: join(folders[0], "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
    args: ["--library-path", libraries.join(":"), "--argv0", name, program, ...args],
    env: process.env,
  };
}
