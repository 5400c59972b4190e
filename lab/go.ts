import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import type { MakeOptions } from "./cache.ts";

/** A Go module in this repository, whose `go.mod` and `go.sum` pin everything that is built in it. */
export interface GoModule {
  /** Path of its folder. */
  folder: string;
  /** The oldest Go release that can build it, for example `1.26.0`. */
  minimumGo: string;
  /** The release of one of the modules it requires, for example `v1.37.2`. */
  releaseOf: (module: string) => string;
}

/** @throws Error when its `go.mod` lacks what is asked of it. */
export function goModule(folder: string): GoModule {
  const goMod = readFileSync(join(folder, "go.mod"), "utf8");
  const find = (pattern: RegExp): string => {
    const found = pattern.exec(goMod)?.[1];
    if (found === undefined) throw new Error(`${folder}/go.mod has no line like ${pattern}`);
    return found;
  };
  return {
    folder,
    minimumGo: find(/^go (\d+\.\d+\.\d+)$/m),
    releaseOf: (module) =>
      find(new RegExp(`^\\t${module.replaceAll(".", "\\.")} (v\\d+\\.\\d+\\.\\d+)( |$)`, "m")),
  };
}

/** The Go release that is installed. */
export interface GoToolchain {
  version: string;
  /** For example `linux/amd64`. */
  platform: string;
}

/** The environment of every `go` command: this module alone, and the Go release that is installed. */
const goEnv = {
  ...process.env,
  CGO_ENABLED: "0", // A static binary, for which no C compiler is needed.
  GOTOOLCHAIN: "local", // Never fetch another Go silently: a Go too old is an error that says so.
  GOWORK: "off", // A go.work in a parent folder must not change what is built.
};

/** @throws Error when Go is missing or too old for the module. */
export async function findGo({ minimumGo }: GoModule): Promise<GoToolchain> {
  // Asked outside the module: inside it, a Go too old refuses to answer.
  const asked = promisify(execFile)("go", ["env", "GOVERSION", "GOOS", "GOARCH"], {
    cwd: homedir(),
    env: goEnv,
  });
  const { stdout } = await asked.catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error(
      `"go" is not on PATH; the lab is built from source and needs Go ${minimumGo} or newer ` +
        "(https://go.dev/dl/).",
    );
  });
  const [version = "", os = "", arch = ""] = stdout.trim().split("\n");
  if (!isAtLeast(version, minimumGo)) {
    throw new Error(
      `"go" on PATH is ${version}; the lab needs Go ${minimumGo} or newer (https://go.dev/dl/).`,
    );
  }
  return { version, platform: `${os}/${arch}` };
}

/**
 * Whether a Go release (`go1.26.8`; also `go1.27rc1`, and `devel ...` which passes as the newest)
 * is at least `minimum` (`1.26.0`).
 */
export function isAtLeast(version: string, minimum: string): boolean {
  const found = /^go(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  if (found === null) return version.startsWith("devel ");
  const have = [1, 2, 3].map((group) => Number(found[group] ?? 0));
  const want = minimum.split(".").map(Number);
  const differing = have.findIndex((part, i) => part !== want[i]);
  return differing === -1 || (have[differing] ?? 0) > (want[differing] ?? 0);
}

/**
 * Runs `go build` in a module, telling its progress four times a minute.
 *
 * @param args - What follows `go build`: `-o`, the packages, and whatever is special about them.
 * @param env - Overrides of the environment, such as `CGO_ENABLED`.
 * @throws Error with the end of what the compiler said; the reason of `options.signal`.
 */
export async function goBuild(
  { folder }: GoModule,
  args: readonly string[],
  { log, signal }: MakeOptions,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const started = Date.now();
  // In a process group of its own, so that the compilers under `go` end with it.
  const child = spawn("go", ["build", "-v", "-trimpath", "-buildvcs=false", ...args], {
    cwd: folder,
    env: { ...goEnv, ...env },
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const stop = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
  };
  signal?.addEventListener("abort", stop, { once: true });

  let packages = 0;
  let downloads = 0;
  const messages: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    if (line.startsWith("go: downloading ")) downloads += 1;
    else if (/^[\w.~/-]+$/.test(line))
      packages += 1; // -v prints each package as it is compiled.
    else messages.push(line);
  });
  const ticker = setInterval(() => {
    const done = `${downloads} modules downloaded, ${packages} packages compiled`;
    log(`  ${seconds(started)}: ${done}`);
  }, 15_000);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    signal?.throwIfAborted();
    if (code !== 0) throw new Error(buildFailure(folder, code, messages));
    log(`Built in ${seconds(started)}.`);
  } finally {
    clearInterval(ticker);
    signal?.removeEventListener("abort", stop);
  }
}

function buildFailure(folder: string, code: number | null, messages: readonly string[]): string {
  const text = messages.slice(-15).join("\n");
  const network = /dial tcp|no such host|i\/o timeout|proxyconnect|Bad Gateway|(Get|reading) "?http/;
  const hint = network.test(text)
    ? "\nGo could not download a module. `go env GOPROXY` says from where it tries; " +
      "what has been downloaded is kept, so run the same command again."
    : "";
  return `go build in ${folder} failed with exit code ${code}:\n${text}${hint}`;
}

function seconds(since: number): string {
  return `${String(Math.round((Date.now() - since) / 1000))} s`;
}
