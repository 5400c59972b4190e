/** The real Pulumi CLI as an {@link Engine}, and whether it can be had here. */
import {
  accessSync,
  constants,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import { cleanEnvironment, type Ended, type Limits, run } from "./process.ts";
import { ProcessStack } from "./processStack.ts";
import { makePrivateFolder, projectName } from "./stackConfig.ts";
import type { Engine, Stack, StackOptions } from "./types.ts";

const { resolve: resolveModule } = createRequire(import.meta.url);

/** The SDKs whose provider plugins the program needs; each names its plugin's version. */
const providers = ["@pulumi/kubernetes", "@pulumi/command"];

/** Why the CLI cannot be used here. */
export class CliUnavailable extends Error {}

/** How to look for the CLI. */
export interface CliSearch {
  /** Bounds of every command that is tried, and of all together. */
  limits: Required<Limits>;
  /** Instead of this process's `PATH`. */
  path?: string | undefined;
  /** Takes a line when something may take a while. */
  log?: ((line: string) => void) | undefined;
}

/**
 * Finds a CLI that works, and both provider plugins; fetches what is missing.
 *
 * @throws CliUnavailable with the reason.
 */
export async function findCli({ limits, path = process.env["PATH"] ?? "", log }: CliSearch): Promise<Engine> {
  const { command, origin } = locate(path);
  const deadline = performance.now() + limits.totalMs;
  // Plugins are looked up and fetched without the user's login.
  const credentials = mkdtempSync(join(tmpdir(), "kube-proxy-engine-"));
  const call = async (what: string, args: readonly string[]): Promise<Ended> => {
    const env = cleanEnvironment({
      PATH: path,
      PULUMI_CREDENTIALS_PATH: credentials,
      PULUMI_SKIP_UPDATE_CHECK: "true",
    });
    const argv = [...command, ...args];
    const totalMs = Math.max(0, deadline - performance.now());
    const ended = await run({ argv, cwd: credentials, env }, { ...limits, totalMs });
    if (ended.exitCode === 0 && ended.gaveUp === undefined) return ended;
    const lastLine = ended.output.trim().split("\n").at(-1) ?? "";
    throw new CliUnavailable(
      `${what}: ${ended.gaveUp ?? (lastLine || `exit code ${String(ended.exitCode)}`)}`,
    );
  };
  try {
    if (origin === npmPackage) log?.("Looking for the Pulumi CLI; the first time it is downloaded.");
    const { stdout } = await call(origin, ["version"]);
    const version = stdout.trim();
    if (!/^v\d+\.\d+\.\d+/.test(version)) throw new CliUnavailable(`${origin}: says version "${version}"`);
    await ensurePlugins(call, path, log);
    return cliEngine(command, `Pulumi CLI ${version}, ${origin}`);
  } finally {
    rmSync(credentials, { recursive: true, force: true });
  }
}

/** An engine that runs this command; it must be a working CLI. */
export function cliEngine(command: readonly string[], what: string): Engine {
  return {
    kind: "cli",
    description: `engine: ${what}`,
    open: (options) => openStack(command, options),
  };
}

const npmPackage = "npm package pulumi";

/** A CLI on PATH; else the npm package, which fetches one. npm puts the latter on PATH as well. */
function locate(path: string): { command: string[]; origin: string } {
  const onPath = executables("pulumi", path).find((file) => !isNpmWrapper(file));
  if (onPath !== undefined) return { command: [onPath], origin: `from PATH: ${onPath}` };
  try {
    const wrapper = join(dirname(resolveModule("pulumi/package.json")), "run.js");
    return { command: [process.execPath, wrapper], origin: npmPackage };
  } catch {
    throw new CliUnavailable(`neither pulumi on PATH nor the ${npmPackage}`);
  }
}

function executables(name: string, path: string): string[] {
  const files = path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name));
  return files.filter((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** npm's link leads to the package's run.js; the CLI is no JavaScript. */
function isNpmWrapper(file: string): boolean {
  return realpathSync(file).endsWith(".js");
}

async function ensurePlugins(
  call: (what: string, args: readonly string[]) => Promise<Ended>,
  path: string,
  log: CliSearch["log"],
): Promise<void> {
  const { stdout } = await call("plugin ls", ["plugin", "ls", "--json"]);
  const installed = parsePlugins(stdout);
  for (const sdk of providers) {
    const { name, version } = pluginOf(sdk);
    const here = installed.some((p) => p.kind === "resource" && p.name === name && p.version === version);
    if (here || executables(`pulumi-resource-${name}`, path).length > 0) continue;
    log?.(`Downloading Pulumi's ${name} provider ${version}.`);
    await call(`plugin install ${name} ${version}`, ["plugin", "install", "resource", name, version]);
  }
}

/** Reads what `pulumi plugin ls --json` prints. */
function parsePlugins(json: string): { name?: string; kind?: string; version?: string }[] {
  try {
    return JSON.parse(json) as ReturnType<typeof parsePlugins>;
  } catch (error) {
    throw new CliUnavailable(`plugin ls: no JSON: ${json.trim().slice(0, 200)}`, { cause: error });
  }
}

function pluginOf(sdk: string): { name: string; version: string } {
  const manifest = JSON.parse(readFileSync(resolveModule(`${sdk}/package.json`), "utf8")) as {
    pulumi: { name: string; version: string };
  };
  return manifest.pulumi;
}

/** Makes the stack in a backend of files inside its work folder, unless it is there. */
async function openStack(command: readonly string[], options: StackOptions): Promise<Stack> {
  const stack = new ProcessStack(command, options);
  // `stack init` writes next to Pulumi.yaml: it gets a project of the same name in the work folder,
  // where the stack's config already is.
  const home = join(options.workDir, "Pulumi.yaml");
  writeFileSync(home, `name: ${projectName(options.projectDir)}\nruntime: nodejs\n`, {
    mode: 0o600,
  });
  makePrivateFolder(join(options.workDir, "credentials"));
  const init = ["stack", "init", "--no-select", "--secrets-provider", "passphrase"];
  await stack.bookkeep(init, options.workDir, /already exists/);
  return stack;
}
