/** Runs the unmodified program against the stand-in, as Pulumi's language host would. */
import { setImmediate } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";

import pulumi from "@pulumi/pulumi";
import { setAllConfig } from "@pulumi/pulumi/runtime/config.js";
import * as settings from "@pulumi/pulumi/runtime/settings.js";
import { runInPulumiStack } from "@pulumi/pulumi/runtime/stack.js";

import type { Display } from "./display.ts";
import type { Endpoint } from "./endpoint.ts";
import { Monitor, type Registrar } from "./monitor.ts";
import type { Packages } from "./packages.ts";
import type { Project, StackConfig } from "./project.ts";
import { runPython } from "./python.ts";
import { yamlProgram } from "./yaml.ts";

/** Reads from the monitor what it supports, as the language host does; not in Pulumi's typings. */
const { awaitFeatureSupport } = settings as unknown as { awaitFeatureSupport: () => Promise<void> };

export interface ProgramOptions {
  project: Project;
  stack: string;
  config: StackConfig;
  preview: boolean;
  display: Display;
  endpoint: Endpoint;
  packages: Packages;
}

/**
 * Runs the program to its end, all its registrations included.
 *
 * @returns False when the program threw; the user has read why.
 */
export async function runProgram(options: ProgramOptions, registrar: Registrar): Promise<boolean> {
  const { project, stack, config, preview, display, endpoint, packages } = options;
  const monitor = new Monitor({ project: project.name, stack, preview }, registrar, packages);
  endpoint.serve(monitor);
  if (project.runtime === "python") return await runPython({ ...options, address: endpoint.address });
  settings.setMockOptions(monitor, project.name, stack, preview, "organization");
  await awaitFeatureSupport();
  setAllConfig(config.values, config.secretKeys);

  const reported = new Set<unknown>();
  let running = true;
  const report = (error: unknown): void => {
    // The engine has shown what failed to register; its dependents only repeat it.
    if (/failed to register$/.test((error as Error | undefined)?.message ?? "")) return;
    // Each promise that an error passes through may report it once more.
    const said = () => (running ? explain(error, project.main) : explainLate(error));
    if (!reported.has(error)) display.error(undefined, new Error(said()));
    reported.add(error);
    process.exitCode = 1;
  };
  process.on("uncaughtException", report).on("unhandledRejection", report);
  try {
    await runInPulumiStack(async () => {
      if (project.runtime === "yaml") return yamlProgram(project);
      const program = (await import(pathToFileURL(project.main).href)) as { default?: unknown };
      display.event({ programEvent: { durationMs: performance.now() } });
      const exported = program.default ?? { ...program };
      return typeof exported === "function" ? (exported as () => unknown)() : exported;
    });
    running = false;
  } catch (error) {
    report(error);
  }
  await settings.disconnect();
  // A rejection that nobody handles is reported a turn later.
  await setImmediate();
  return reported.size === 0;
}

/** Words an error as `@pulumi/pulumi/cmd/run` does: no stack for what the program says itself. */
function explain(error: unknown, main: string): string {
  if (pulumi.RunError.isInstance(error)) return error.message;
  if (pulumi.ResourceError.isInstance(error) && error.hideStack) return error.message;
  return `Running program '${main}' failed with an unhandled exception:\n${inspect(error)}`;
}

/** Words an error of which nobody hears before the program has ended, as `@pulumi/pulumi/cmd/run` does: with its stack. */
function explainLate(error: unknown): string {
  const { stack, message } = error as Partial<Error>;
  return stack || message || String(error);
}
