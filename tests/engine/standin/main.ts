/**
 * The stand-in engine's command line: the part of `pulumi`'s that tests/engine needs, so that one
 * caller drives either. Unknown commands and options are errors.
 */
import { readFileSync, rmSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { parse } from "yaml";

import { Crypter } from "../secrets.ts";
import { Display } from "./display.ts";
import { type Project, readConfig, readProject, type StackConfig } from "./project.ts";
import { exportState, importState, lock, renameState, State } from "./state.ts";

const accepted = { type: "boolean" } as const;
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    stack: { type: "string" },
    "config-file": { type: "string" },
    "event-log": { type: "string" },
    color: { type: "string" },
    yes: accepted,
    "skip-preview": accepted,
    "non-interactive": accepted,
    file: { type: "string" },
    replace: { type: "string" },
  },
});
const { stack = "", file = "", replace } = options;
// What `stack rename` takes is a name.
const [operation, newName] =
  positionals.slice(0, 2).join(" ") === "stack rename"
    ? ["stack rename", positionals[2] ?? ""]
    : [positionals.join(" "), ""];
const { PULUMI_BACKEND_URL = "", PULUMI_CONFIG_PASSPHRASE_FILE = "" } = process.env;
const pathOf = (name: string): string => join(fileURLToPath(PULUMI_BACKEND_URL), ".standin", `${name}.json`);
const statePath = pathOf(stack);

// Whoever started this is gone. Go on without a word? Every word is an error that wants to be reported.
process.stdout.once("error", () => process.exit(128 + constants.signals.SIGPIPE));

async function operate(display: Display): Promise<boolean> {
  const preview = operation === "preview";
  const project = readProject(process.cwd());
  const { encryptionsalt, config } = parse(readFileSync(options["config-file"] ?? "", "utf8")) as {
    encryptionsalt?: string;
    config?: Record<string, unknown>;
  };
  let made: Crypter | undefined;
  const crypter = (): Crypter =>
    (made ??= new Crypter(readFileSync(PULUMI_CONFIG_PASSPHRASE_FILE, "utf8").trim(), encryptionsalt));
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      abort.abort(new Error(`cancelled by ${signal}`));
    });
  }
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
    const settings = operation === "destroy" ? undefined : readConfig(stack, project, config ?? {}, crypter);
    if (settings !== undefined) await preload(project, settings);
    // Only now: they load Pulumi's SDK.
    const [{ Deployment }, { runProgram }, { Endpoint }, { Packages }] = await Promise.all([
      import("./deployment.ts"),
      import("./program.ts"),
      import("./endpoint.ts"),
      import("./packages.ts"),
    ]);
    const endpoint = await Endpoint.open(display);
    const packages = new Packages(project.packages, endpoint.address);
    try {
      const { signal } = abort;
      const deployment = new Deployment({ state, packages, display, preview, replace, signal });
      if (refresh) await deployment.refresh();
      const options = { project, stack, config: settings, preview, display, endpoint, packages };
      if (settings === undefined) await deployment.destroy();
      else if (!deployment.failed && (await runProgram({ ...options, config: settings }, deployment))) {
        await deployment.finish();
      } else deployment.failed = true;
      display.summary(deployment.failed);
      return !deployment.failed;
    } finally {
      await packages.end();
      endpoint.close();
    }
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

if (operation === "cancel") {
  rmSync(`${statePath}.lock`, { force: true });
  console.log(`The currently running update for '${stack}' has been canceled!`);
} else if (operation === "stack rename") {
  renameState(pathOf, stack, newName);
  console.log(`Renamed ${stack} to ${newName}`);
} else if (operation === "stack export") {
  exportState(statePath, file);
} else if (operation === "stack import") {
  importState(statePath, file);
} else if (["preview", "up", "destroy"].includes(operation)) {
  const display = new Display(options["event-log"], operation === "preview");
  display.line("This is the stand-in engine of tests/engine, not the Pulumi CLI.");
  display.line(
    `${{ preview: "Previewing update", up: "Updating", destroy: "Destroying" }[operation] ?? ""} (${stack}):`,
  );
  try {
    if (!(await operate(display))) process.exitCode = 1;
  } catch (error) {
    display.error(undefined, error);
    process.exitCode = 1;
  }
} else {
  console.error(
    `the stand-in knows preview, up, destroy, cancel and stack rename, export and import, not "${operation}"`,
  );
  process.exitCode = 2;
}
