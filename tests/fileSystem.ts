/** File systems that refuse what is written to them, for root, too. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A small file system in memory. */
export interface FileSystem {
  /** Its root. */
  readonly path: string;
  /** Ends it; all that is in it is gone. */
  unmount(): Promise<void>;
}

/** What {@link mount} can make: one without a byte that can be written, or with room for less than a snapshot. */
export const Flaw = { readOnly: "ro", full: "size=4k" } as const;
export type Flaw = (typeof Flaw)[keyof typeof Flaw];

/**
 * Mounts a file system that only a process of its own sees, through whose folder in /proc others reach it: so it needs
 * no rights, nothing of the machine is changed, and it ends with this process at the latest.
 *
 * @returns undefined where the machine has no such mounts, as everywhere but on Linux
 */
export async function mount(flaw: Flaw): Promise<FileSystem | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-mount-"));
  // What follows the script are its $0 and $1. `cat` ends when this process closes its input, or ends itself.
  const script = 'mount -t tmpfs -o "$1" tmpfs "$0" && echo mounted && exec cat';
  const args = ["--user", "--map-root-user", "--mount", "sh", "-c", script, folder, flaw];
  const holder = spawn("unshare", args, { stdio: ["pipe", "pipe", "ignore"] });
  const ended = endOf(holder);
  const unmount = async () => {
    holder.stdin.end();
    await ended;
    rmSync(folder, { recursive: true });
  };
  const isMounted = await Promise.race([
    once(holder.stdout, "data").then(() => true),
    ended.then(() => false),
  ]);
  if (isMounted) {
    return { path: `/proc/${holder.pid}/root${folder}`, unmount };
  }
  await unmount();
  return undefined;
}

/** Settles when a process has ended or could not be started. */
function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("error", () => {
      resolve();
    });
    child.once("close", () => {
      resolve();
    });
  });
}
