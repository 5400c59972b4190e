import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { withLock } from "./lock.ts";

/** How something is made that takes its time. */
export interface MakeOptions {
  /** Takes one line of progress at a time. */
  log: (line: string) => void;
  /** Ends the work early. */
  signal?: AbortSignal | undefined;
}

/** One thing in the cache. */
export interface CacheEntry {
  /** What it is, for who waits until another process has made it. */
  what: string;
  /** Name of its file or folder. */
  name: string;
  /** Everything that it is made from, as {@link hashOf} takes it in. */
  hash: string;
}

/**
 * Path of a file or folder in the cache, made first when it is not there yet. It appears in one step: nobody sees a
 * half of it, and what a killed process left unfinished is removed.
 *
 * The cache is `${XDG_CACHE_HOME:-~/.cache}/kube-proxy-as-code/<name>-<hash>/<name>`.
 *
 * @param make - Makes it at the path that it is given.
 * @throws Whatever `make` throws.
 */
export async function cached(
  { what, name, hash }: CacheEntry,
  options: MakeOptions,
  make: (unfinished: string) => Promise<void>,
): Promise<string> {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "kube-proxy-as-code");
  const folder = join(cache, `${name}-${hash}`);
  const path = join(folder, name);
  if (existsSync(path)) return path;

  mkdirSync(folder, { recursive: true });
  const lock = {
    timeoutMs: 30 * 60_000,
    signal: options.signal,
    onWait: (pid: number) => {
      options.log(`Process ${pid} is making ${what}: waiting for it.`);
    },
  };
  return await withLock(join(folder, "lock"), lock, async () => {
    if (existsSync(path)) return path;
    const unfinished = join(folder, `${name}.unfinished`);
    rmSync(unfinished, { recursive: true, force: true });
    await make(unfinished);
    renameSync(unfinished, path);
    return path;
  });
}

/**
 * A hash of values and of the files in some folders, without their subfolders.
 *
 * @param values - Whatever JSON can hold.
 */
export function hashOf(values: unknown, ...folders: readonly string[]): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify(values));
  for (const folder of folders) {
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    for (const name of files.map((file) => file.name).sort()) {
      hash.update(JSON.stringify([name, readFileSync(join(folder, name), "utf8")]));
    }
  }
  return hash.digest("hex").slice(0, 16);
}
