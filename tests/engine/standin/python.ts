/** Programs in Python: a process that registers over gRPC, as under Pulumi's language host for Python. */
import { spawn } from "node:child_process";
import { join } from "node:path";

import type { Project, StackConfig } from "./project.ts";

/** What a program runs with. */
interface Run {
  project: Project;
  stack: string;
  config: StackConfig;
  preview: boolean;
  /** Where it reaches the engine. */
  address: string;
}

/**
 * Runs the program by the interpreter of its virtual environment.
 *
 * @returns False when it has failed; the user has read why
 *
 * Source: pulumi `sdk/python/cmd/pulumi-language-python/main.go`.
 */
export async function runPython({ project, stack, config, preview, address }: Run): Promise<boolean> {
  const { name, folder, virtualenv = "venv" } = project;
  const run = {
    ...{ project: name, stack, folder, preview, address, organization: "organization" },
    ...{ config: config.values, secretKeys: config.secretKeys },
  };
  const python = join(folder, virtualenv, "bin", "python");
  const script = join(import.meta.dirname, "run.py");
  const child = spawn(python, [script], { cwd: folder, stdio: ["pipe", "inherit", "inherit"] });
  child.stdin.on("error", () => undefined).end(JSON.stringify(run));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return code === 0;
}
