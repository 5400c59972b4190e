import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

import { identify, isAlive, type ProcessIdentity } from "./process.ts";
import { waitFor } from "./wait.ts";

/** How {@link withLock} waits for another process that holds the lock. */
export interface LockOptions {
  /** Longest wait for another holder, in milliseconds; after it {@link withLock} rejects. */
  timeoutMs: number;
  /** Ends the wait early. */
  signal?: AbortSignal | undefined;
  /** Told once, with the pid of the process waited for. */
  onWait?: (pid: number) => void;
}

/**
 * Runs `work` while no other process holds the lock file at `path`.
 *
 * The file names its holder (pid and start time), so a lock whose holder was killed is taken over.
 * It appears by `link`, which fails when it exists: nobody ever reads a half-written lock.
 *
 * @param path - Lock file in an existing folder; removed afterwards.
 * @throws Error when a living process still holds the lock after `timeoutMs`.
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  let told = false;
  await waitFor(`the lock ${path}`, options, () => {
    if (acquire(path)) return true;
    const holder = readHolder(path);
    if (holder === undefined) return false; // Released since: try again.
    if (!isAlive(holder)) {
      evict(path);
    } else if (!told) {
      told = true;
      options.onWait?.(holder.pid);
    }
    return false;
  });
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function acquire(path: string): boolean {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, JSON.stringify(identify(process.pid)), { mode: 0o600 });
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

function readHolder(path: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ProcessIdentity;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Takes a dead holder's lock away: `rename` lets only one of several waiting processes do it. */
function evict(path: string): void {
  const old = `${path}.${process.pid}.old`;
  try {
    renameSync(path, old);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const holder = readHolder(old);
  // Another process may have replaced the dead lock between our look and our rename: give it back.
  if (holder !== undefined && isAlive(holder)) linkSync(old, path);
  rmSync(old);
}
