/**
 * The stand-in engine's command line: the part of `pulumi`'s that tests/engine and the Automation API send, so that one
 * caller drives either. Unknown commands and options are errors.
 */
import { readFileSync, rmSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

import { Backend, CliError, shortName } from "./backend.ts";
import { operate, type Operation } from "./operation.ts";
import { readProject } from "./project.ts";
import { StackFile } from "./stackFile.ts";
import { exportState, importState, outputsOf, renameState } from "./state.ts";

/** The version of the CLI that it stands for: that of the SDK in use. */
const version = "v3.270.0";

const flag = { type: "boolean" } as const;
const text = { type: "string" } as const;
const texts = { type: "string", multiple: true, default: [] as string[] } as const;
const everywhere = { stack: text, color: text, "non-interactive": flag } as const;
const ofOperations = {
  ...{ "config-file": text, "event-log": text, "exec-kind": text, message: text, replace: text },
  ...{ yes: flag, "skip-preview": flag },
} as const;

type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** A command: what it takes, and what it does. */
interface Command {
  readonly options?: ParseArgsOptionsConfig;
  readonly run: (values: Values, rest: readonly string[]) => void | Promise<void>;
}

const { PULUMI_BACKEND_URL = "", PULUMI_CONFIG_PASSPHRASE_FILE = "", PULUMI_CONFIG_PASSPHRASE } = process.env;

const commands: Readonly<Record<string, Command>> = {
  version: {
    run: () => {
      console.log(version);
    },
  },
  whoami: {
    options: { json: flag },
    run: () => {
      printJson(backend().whoAmI());
    },
  },
  preview: { options: ofOperations, run: (values) => runOperation("preview", values) },
  up: { options: ofOperations, run: (values) => runOperation("up", values) },
  destroy: { options: ofOperations, run: (values) => runOperation("destroy", values) },
  cancel: {
    options: { yes: flag },
    run: (values) => {
      const stack = stackOf(values);
      rmSync(`${backend().stateOf(stack)}.lock`, { force: true });
      console.log(`The currently running update for '${stack}' has been canceled!`);
    },
  },
  config: {
    options: { json: flag, "show-secrets": flag },
    run: (values) => {
      printJson(fileOf(values).shown(values["show-secrets"] === true));
    },
  },
  "config get": {
    options: { json: flag },
    run: (values, [key = ""]) => {
      printJson(fileOf(values).get(key, stackOf(values)));
    },
  },
  "config set": {
    options: { plaintext: flag, secret: flag },
    run: (values, [key = "", value = ""]) => {
      fileOf(values).set(key, value, values["secret"] === true);
    },
  },
  "config set-all": {
    options: { plaintext: texts, secret: texts },
    run: (values) => {
      for (const kind of ["plaintext", "secret"] as const) {
        for (const entry of values[kind] as readonly string[]) {
          const [key = "", ...parts] = entry.split("=");
          fileOf(values).set(key, parts.join("="), kind === "secret");
        }
      }
    },
  },
  "stack init": {
    options: { "no-select": flag, "secrets-provider": text },
    run: (values, [name]) => {
      const stack = name ?? String(values["stack"]);
      backend().init(stack, readProject(process.cwd()).name);
      if (values["no-select"] !== true) backend().select(stack);
      console.log(`Created stack '${stack}'`);
    },
  },
  "stack select": {
    run: (values) => {
      backend().select(String(values["stack"]));
    },
  },
  "stack ls": {
    options: { json: flag, all: flag },
    run: () => {
      printJson(backend().stacks());
    },
  },
  "stack output": {
    options: { json: flag, "show-secrets": flag },
    run: (values) => {
      const stack = stackOf(values);
      printJson(outputsOf(backend().stateOf(stack), fileOf(values).crypter, values["show-secrets"] === true));
    },
  },
  "stack history": {
    options: { json: flag, "show-secrets": flag, "page-size": text, page: text },
    run: (values) => {
      const size = Number(values["page-size"] ?? 10);
      const from = (Number(values["page"] ?? 1) - 1) * size;
      const file = fileOf(values);
      const shown = backend()
        .history(stackOf(values))
        .slice(from, from + size)
        .map((entry) => ({ ...entry, config: file.shown(values["show-secrets"] === true, entry.config) }));
      printJson(shown);
    },
  },
  "stack rename": {
    run: (values, [name = ""]) => {
      const stack = stackOf(values);
      renameState((of) => backend().stateOf(of), stack, name);
      console.log(`Renamed ${stack} to ${name}`);
    },
  },
  "stack export": {
    options: { file: text },
    run: (values) => {
      exportState(backend().stateOf(stackOf(values)), String(values["file"]));
    },
  },
  "stack import": {
    options: { file: text },
    run: (values) => {
      importState(backend().stateOf(stackOf(values)), String(values["file"]));
    },
  },
};

function backend(): Backend {
  return new Backend(PULUMI_BACKEND_URL);
}

/** @throws CliError when there is none. */
function stackOf(values: Values): string {
  const stack = typeof values["stack"] === "string" ? values["stack"] : (backend().selected ?? "");
  backend().check(stack);
  return stack;
}

function passphrase(): string {
  return PULUMI_CONFIG_PASSPHRASE ?? readFileSync(PULUMI_CONFIG_PASSPHRASE_FILE, "utf8").trim();
}

function fileOf(values: Values): StackFile {
  const folder = process.cwd();
  return new StackFile(
    join(folder, `Pulumi.${shortName(stackOf(values))}.yaml`),
    readProject(folder).name,
    passphrase,
  );
}

async function runOperation(operation: Operation, values: Values): Promise<void> {
  const given = (name: string) => values[name] as string | undefined;
  const ok = await operate({
    ...{ operation, stack: stackOf(values), backend: backend(), passphrase },
    ...{ configFile: given("config-file"), eventLog: given("event-log"), message: given("message") },
    ...{ execKind: given("exec-kind"), replace: given("replace") },
  });
  if (!ok) process.exitCode = 1;
}

function printJson(value: unknown): void {
  console.log(JSON.stringify(value, undefined, 2));
}

// Whoever started this is gone. Go on without a word? Every word is an error that wants to be reported.
process.stdout.once("error", () => process.exit(128 + constants.signals.SIGPIPE));

const words = process.argv.slice(2, 4);
const name = [words.join(" "), words[0] ?? ""].find((known) => Object.hasOwn(commands, known));
const command = name === undefined ? undefined : commands[name];
try {
  if (name === undefined || command === undefined) {
    throw new CliError(
      `the stand-in knows ${Object.keys(commands).join(", ")}, not "${process.argv.slice(2).join(" ")}"`,
      2,
    );
  }
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2 + name.split(" ").length),
    allowPositionals: true,
    options: { ...everywhere, ...command.options },
  });
  await command.run(values, positionals);
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof CliError ? error.exitCode : 2;
}
