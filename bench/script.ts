import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** Options of {@link timeScript}. */
export interface ScriptOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeargs?: readonly string[];
}

/**
 * Runs a script of this project in a process of its own.
 *
 * @param script - its path from the project's folder
 * @param options - its environment, on top of this process's, and Node.js' own arguments
 * @throws Error with what it said when it fails
 */
export function timeScript(
  script: string,
  args: readonly string[],
  { env = {}, nodeargs = [] }: ScriptOptions = {},
): { ms: number; stdout: string } {
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeargs, join(root, script), ...args], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: Infinity,
    timeout: 60_000,
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`${[script, ...args].join(" ")} failed: ${stderr}`);
  return { ms: performance.now() - began, stdout };
}
