import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { withLock } from "./lock.ts";

const source = join(import.meta.dirname, "go");
const goMod = readFileSync(join(source, "go.mod"), "utf8");

/** The Kubernetes release the lab runs, as in `lab/go/go.mod`, for example `v1.37.2`. */
export const kubernetesVersion = find(/^\tk8s\.io\/kubernetes (v\d+\.\d+\.\d+)$/m);

/** The kwok release that plays the nodes, as in `lab/go/go.mod`, for example `v0.8.0`. */
export const kwokVersion = find(/^\tsigs\.k8s\.io\/kwok (v\d+\.\d+\.\d+)$/m);

const minimumGo = find(/^go (\d+\.\d+\.\d+)$/m);

function find(pattern: RegExp): string {
  const found = pattern.exec(goMod)?.[1];
  if (found === undefined) throw new Error(`${source}/go.mod has no line like ${pattern}`);
  return found;
}

/** Options of {@link binary}. */
export interface BuildOptions {
  /** Takes one line of progress at a time. */
  log: (line: string) => void;
  /** Ends the build early. */
  signal?: AbortSignal | undefined;
}

/**
 * The lab's multi-call binary: every component of the control plane, built from Kubernetes' own
 * packages. Built when it is not in the cache yet, which takes 5 to 7 minutes on 2 cores.
 *
 * The cache is `${XDG_CACHE_HOME:-~/.cache}/kube-proxy-as-code/lab-<hash>/`, the hash being that of
 * everything that makes the binary: the files of `lab/go`, the linker's flags, the Go release and
 * the platform.
 *
 * @returns Path of the executable; its first argument, or the name it is called by, chooses the
 *   component.
 * @throws Error when Go is missing or too old, when a module cannot be downloaded, or when the
 *   compiler refuses the source.
 */
export async function binary(options: BuildOptions): Promise<string> {
  const go = await findGo();
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "kube-proxy-as-code");
  const folder = join(cache, `lab-${hashInputs(go)}`);
  const path = join(folder, "lab");
  if (existsSync(path)) return path;

  mkdirSync(folder, { recursive: true });
  const lock = {
    timeoutMs: 30 * 60_000,
    signal: options.signal,
    onWait: (pid: number) => {
      options.log(`Process ${pid} is building the same control plane: waiting for it.`);
    },
  };
  return await withLock(join(folder, "lock"), lock, async () => {
    if (existsSync(path)) return path;
    // Only a build that was killed leaves one of these, and none runs now: the lock is ours.
    const unfinished = join(folder, "lab.unfinished");
    rmSync(unfinished, { force: true });
    await build(unfinished, options);
    renameSync(unfinished, path);
    return path;
  });
}

interface GoToolchain {
  version: string;
  platform: string;
}

/** The environment of every `go` command: this module alone, and the Go release that is installed. */
const goEnv = {
  ...process.env,
  CGO_ENABLED: "0", // A static binary, for which no C compiler is needed.
  GOTOOLCHAIN: "local", // Never fetch another Go silently: a Go too old is an error that says so.
  GOWORK: "off", // A go.work in a parent folder must not change what is built.
};

async function findGo(): Promise<GoToolchain> {
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

function linkerFlags(): string {
  const [major = "", minor = ""] = kubernetesVersion.slice(1).split(".");
  const version = {
    gitVersion: kubernetesVersion,
    gitMajor: major,
    gitMinor: minor,
    // The module proxy does not tell the commit; left alone, "$Format:%H$" would show up in every
    // User-Agent, empty becomes "unknown". "archive" is Kubernetes' word for a source without git.
    gitCommit: "",
    gitTreeState: "archive",
  };
  const stamps = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((path) =>
    Object.entries(version).map(([name, value]) => `-X ${path}.${name}=${value}`),
  );
  return ["-s", "-w", ...stamps].join(" "); // -s -w: no symbol table, a third smaller.
}

function hashInputs(go: GoToolchain): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([go.version, go.platform, linkerFlags()]));
  for (const file of readdirSync(source).sort()) {
    hash.update(JSON.stringify([file, readFileSync(join(source, file), "utf8")]));
  }
  return hash.digest("hex").slice(0, 16);
}

async function build(output: string, { log, signal }: BuildOptions): Promise<void> {
  const started = Date.now();
  log(
    `Building Kubernetes ${kubernetesVersion}'s control plane and kwok ${kwokVersion} from source, ` +
      "once: about 6 minutes on 2 cores, less with a warm Go cache.",
  );
  const args = ["build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", linkerFlags(), "-o", output, "."];
  // In a process group of its own, so that the compilers under `go` end with it.
  const child = spawn("go", args, {
    cwd: source,
    env: goEnv,
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
    if (code !== 0) throw new Error(buildFailure(code, messages));
    log(`Built in ${seconds(started)}.`);
  } finally {
    clearInterval(ticker);
    signal?.removeEventListener("abort", stop);
  }
}

function buildFailure(code: number | null, messages: readonly string[]): string {
  const text = messages.slice(-15).join("\n");
  const network = /dial tcp|no such host|i\/o timeout|proxyconnect|Bad Gateway|(Get|reading) "?http/;
  const hint = network.test(text)
    ? "\nGo could not download a module. `go env GOPROXY` says from where it tries; " +
      "what has been downloaded is kept, so run the same command again."
    : "";
  return `go build in ${source} failed with exit code ${code}:\n${text}${hint}`;
}

function seconds(since: number): string {
  return `${String(Math.round((Date.now() - since) / 1000))} s`;
}
