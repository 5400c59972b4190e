import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { withLock } from "../lab/lock.ts";

const here = import.meta.dirname;
const run = promisify(execFile);

/** Kubernetes' own programs that this project is compared with. */
export const Oracle = {
  /** Judges configurations as kube-proxy does at its start. */
  judge: "judge",
  /** kubeadm itself. */
  kubeadm: "kubeadm",
} as const;
export type Oracle = (typeof Oracle)[keyof typeof Oracle];

/** The minors that can be built: those with a file in `mods`. */
export const minors: readonly number[] = readdirSync(join(here, "mods"))
  .flatMap((file) => /^1\.(\d+)\.mod$/.exec(file)?.[1] ?? [])
  .map(Number)
  .sort((a, b) => a - b);

/** The Kubernetes release that a minor's oracles are built from, such as `v1.37.2`. */
export function releaseOf(minor: number): string {
  return (
    /^require k8s\.io\/kubernetes (v\S+)$/m.exec(modFile(minor))?.[1] ??
    /\tk8s\.io\/kubernetes (v\S+)/.exec(modFile(minor))?.[1] ??
    ""
  );
}

function modFile(minor: number): string {
  return readFileSync(join(here, "mods", `1.${minor}.mod`), "utf8");
}

const goEnv = { ...process.env, CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOWORK: "off" };

/**
 * The path of an oracle's executable, built when the cache has none for the same sources: 2 to 4 minutes on 2 cores.
 *
 * The cache is `${XDG_CACHE_HOME:-~/.cache}/kube-proxy-as-code/oracle-<hash>/`.
 *
 * @param log - takes lines of progress
 * @throws Error when Go is missing, a module cannot be downloaded, or the compiler refuses the source
 */
export async function oracle(name: Oracle, minor: number, log: (line: string) => void): Promise<string> {
  const { stdout: toolchain } = await run("go", ["env", "GOVERSION", "GOOS", "GOARCH"], { env: goEnv });
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "kube-proxy-as-code");
  const folder = join(cache, `oracle-${hashInputs(name, minor, toolchain)}`);
  const path = join(folder, name);
  if (existsSync(path)) {
    return path;
  }
  mkdirSync(folder, { recursive: true });
  const onWait = (pid: number) => {
    log(`Process ${pid} is building the same oracle: waiting for it.`);
  };
  return await withLock(join(folder, "lock"), { timeoutMs: 60 * 60_000, onWait }, async () => {
    if (!existsSync(path)) {
      log(`Building ${name} of Kubernetes ${releaseOf(minor)} from source.`);
      const unfinished = `${path}.unfinished`;
      rmSync(unfinished, { force: true });
      await build(name, minor, unfinished);
      renameSync(unfinished, path);
    }
    return path;
  });
}

async function build(name: Oracle, minor: number, output: string): Promise<void> {
  const args = ["build", "-p", "1", "-trimpath", "-buildvcs=false", `-modfile=mods/1.${minor}.mod`];
  // Oracles are long builds on a machine that does other things: they take what is left over.
  const command = ["-n", "19", "go", ...args, "-ldflags", linkerFlags(minor), "-o", output, `./${name}`];
  await run("nice", command, { cwd: here, env: goEnv, maxBuffer: 2 ** 26 });
}

/** The versions that Kubernetes' own build stamps in: kubeadm and the check of hidden metrics read them. */
function linkerFlags(minor: number): string {
  const version = {
    gitVersion: releaseOf(minor),
    gitMajor: "1",
    gitMinor: `${minor}`,
    gitTreeState: "archive",
  };
  const stamps = Object.entries(version).flatMap(([name, value]) =>
    ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].map(
      (path) => `-X ${path}.${name}=${value}`,
    ),
  );
  return ["-s", "-w", ...stamps].join(" ");
}

function hashInputs(name: Oracle, minor: number, toolchain: string): string {
  const hash = createHash("sha256").update(JSON.stringify([toolchain, linkerFlags(minor)]));
  for (const file of ["go.mod", `mods/1.${minor}.mod`, `mods/1.${minor}.sum`, `${name}/main.go`]) {
    hash.update(JSON.stringify([file, readFileSync(join(here, file), "utf8")]));
  }
  return hash.digest("hex").slice(0, 16);
}
