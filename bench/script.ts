import { spawnSync } from "node:child_process";
import { join } from "node:path";

/**
 * Runs a script of this project in a process of its own.
 *
 * @param script - its path from the project's folder
 * @param env - on top of this process's
 * @throws Error with what it said when it fails
 */
export function timeScript(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { ms: number; stdout: string } {
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, "..", script), ...args],
    { encoding: "utf8", maxBuffer: Infinity, timeout: 60_000, env: { ...process.env, ...env } },
  );
  if (status !== 0) throw new Error(`${[script, ...args].join(" ")} failed: ${stderr}`);
  return { ms: performance.now() - began, stdout };
}
