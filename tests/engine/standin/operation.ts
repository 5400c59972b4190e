/** `preview`, `up` and `destroy`. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { type Backend, type HistoryEntry, shortName } from "./backend.ts";
import { Display } from "./display.ts";
import { openEventLog } from "./eventLog.ts";
import { type Project, readConfig, readProject, type StackConfig } from "./project.ts";
import { StackFile } from "./stackFile.ts";
import { lock, State } from "./state.ts";

export type Operation = "preview" | "up" | "destroy";

/** What the command line says of an operation. */
export interface OperationOptions {
  operation: Operation;
  stack: string;
  backend: Backend;
  passphrase: () => string;
  configFile: string | undefined;
  eventLog: string | undefined;
  message: string | undefined;
  /** Of the command line: who has started it. */
  execKind: string | undefined;
  /** URN of a resource that is replaced, whatever the program says. */
  replace: string | undefined;
}

const titles: Record<Operation, string> = {
  preview: "Previewing update",
  up: "Updating",
  destroy: "Destroying",
};

/**
 * Runs an operation; the user has read what it failed of.
 *
 * @returns Whether it succeeded.
 */
export async function operate(options: OperationOptions): Promise<boolean> {
  const { operation, stack, backend, eventLog } = options;
  backend.check(stack);
  // Before there is a word that tells others that it has begun.
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      abort.abort(new Error(`cancelled by ${signal}`));
    });
  }
  const events = await openEventLog(eventLog);
  const display = new Display(events, operation === "preview");
  display.line("This is the stand-in engine of tests/engine, not the Pulumi CLI.");
  display.line(`${titles[operation]} (${stack}):`);
  const startTime = moment();
  let ok = false;
  let config: HistoryEntry["config"] = {};
  try {
    const project = readProject(process.cwd());
    const path = options.configFile ?? join(process.cwd(), `Pulumi.${shortName(stack)}.yaml`);
    const file = new StackFile(path, project.name, options.passphrase);
    ({ config } = file);
    ok = await deploy(options, display, { project, file, signal: abort.signal });
  } catch (error) {
    display.error(undefined, error);
  }
  if (operation !== "preview") {
    backend.addHistory(stack, {
      ...{
        version: 0,
        kind: operation === "up" ? "update" : "destroy",
        startTime,
        message: options.message ?? "",
      },
      ...{ environment: { "exec.kind": options.execKind ?? "cli" }, config },
      ...{ result: ok ? "succeeded" : "failed", endTime: moment(), resourceChanges: display.resourceChanges },
    });
  }
  await events.close();
  return ok;
}

async function deploy(
  { operation, stack, backend, replace }: OperationOptions,
  display: Display,
  { project, file: { config, crypter }, signal }: { project: Project; file: StackFile; signal: AbortSignal },
): Promise<boolean> {
  const preview = operation === "preview";
  const statePath = backend.stateOf(stack);
  const unlock = preview ? undefined : lock(`${statePath}.lock`);
  try {
    const state = new State(statePath, crypter, preview);
    if (state.interrupted.length > 0) {
      const list = state.interrupted.map(({ urn, op }) => `  * ${urn}, interrupted during ${op}`);
      display.line(
        `warning: Attempting to deploy or update resources with ${list.length} pending operations ` +
          `from previous deployment.\n${list.join("\n")}`,
      );
    }
    const { refresh } = project;
    const settings = operation === "destroy" ? undefined : readConfig(stack, project, config, crypter);
    if (settings !== undefined) await preload(project, settings);
    // Only now: they load Pulumi's SDK.
    const [{ Deployment }, { runProgram }] = await Promise.all([
      import("./deployment.ts"),
      import("./program.ts"),
    ]);
    const deployment = new Deployment({ state, display, preview, replace, signal });
    if (refresh) await deployment.refresh();
    if (settings === undefined) await deployment.destroy();
    else if (
      !deployment.failed &&
      (await runProgram({ project, stack, config: settings, preview, display }, deployment))
    ) {
      await deployment.finish();
    } else deployment.failed = true;
    display.summary(deployment.failed);
    return !deployment.failed;
  } finally {
    unlock?.();
  }
}

/**
 * Imports what Node.js is to import before Pulumi's SDK, with the stack's config and the project's name where the
 * language host puts them.
 *
 * Source: pulumi `sdk/nodejs/cmd/pulumi-language-nodejs/main.go` (`execRuntime`, `constructArguments`, `constructConfig`).
 */
async function preload({ name, preloads }: Project, { values, secretKeys }: StackConfig): Promise<void> {
  const inOldForm = Object.entries(values).map(([key, value]) => [key.replace(":", ":config:"), value]);
  process.env["PULUMI_CONFIG"] = JSON.stringify(Object.fromEntries(inOldForm));
  process.env["PULUMI_CONFIG_SECRET_KEYS"] = JSON.stringify(secretKeys);
  process.argv.push("--project", name);
  for (const path of preloads) await import(pathToFileURL(path).href);
}

/** The CLI's backend of files keeps whole seconds. */
function moment(): string {
  return new Date().toISOString().replace(/\d{3}Z$/, "000Z");
}
