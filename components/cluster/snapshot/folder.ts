import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { ProblemsError } from "../../input/problems.ts";
import { expandHome } from "../kubeconfig.ts";
import { formatSnapshot, type Snapshot } from "./format.ts";

/** How many snapshots of a cluster are kept, unless said otherwise. */
export const defaultKeep = 10;

/**
 * Where snapshots are kept unless said otherwise, a folder for each cluster in it.
 *
 * Source: XDG Base Directory Specification, `XDG_STATE_HOME`; a relative path in it is to be ignored.
 */
export function defaultFolder(env: NodeJS.ProcessEnv): string {
  const state = env["XDG_STATE_HOME"];
  const base = state?.startsWith("/") === true ? state : join(homedir(), ".local", "state");
  return join(base, "kube-proxy-as-code", "snapshots");
}

/**
 * Writes a snapshot into its cluster's folder, whole or not at all, for its owner's eyes only, and removes the oldest
 * ones there. One without a DaemonSet removes none: attempts to recover must not push out the last whole snapshot.
 *
 * @param folder - the folder of all clusters, `~/` for one below the home folder; made when it is missing
 * @param keep - how many snapshots of this cluster to keep, 1 or more
 * @returns the file's path
 * @throws ProblemsError naming `folder` when it cannot be made or written to; nothing half-written is left then
 */
export function writeSnapshot(folder: string, snapshot: Snapshot, keep: number): string {
  const own = resolve(expandHome(folder), snapshot.cluster);
  const name = fileName(snapshot.time);
  try {
    makeFolder(own);
    chmodSync(own, 0o700);
    writeWhole(own, name, formatSnapshot(snapshot));
    if (snapshot.objects.some(({ kind }) => kind === "DaemonSet")) {
      for (const old of outdated(readdirSync(own), name, keep)) {
        rmSync(join(own, old), { force: true });
      }
    }
  } catch (error) {
    const accepted =
      "a folder that exists or can be made, may be written to and has room for some kB; mend it, or choose " +
      `another one by snapshotFolder or --folder: ${error instanceof Error ? error.message : String(error)}`;
    throw new ProblemsError("where snapshots are kept", [{ path: "folder", value: folder, accepted }]);
  }
  return join(own, name);
}

/** A snapshot's file name: its time in UTC, without the colons that some file systems refuse. Sorts by time. */
export function fileName(time: Date): string {
  return `${time.toISOString().replaceAll(":", "-")}.yaml`;
}

/**
 * Which files go when only the newest are kept. The one just written stays even where a clock was set back; a file that
 * is not named like a snapshot is somebody else's.
 */
export function outdated(names: readonly string[], written: string, keep: number): string[] {
  const others = names.filter((name) => isFileName(name) && name !== written).sort();
  return others.slice(0, Math.max(0, others.length - (keep - 1)));
}

function isFileName(name: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}Z\.yaml$/.test(name);
}

/** Not `recursive: true`: where the file system says ENOENT for ever, as /proc does, Node 24 never returns from that. */
function makeFolder(path: string): void {
  if (existsSync(path)) {
    return;
  }
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!existsSync(path)) {
      throw error;
    }
  }
}

function writeWhole(folder: string, name: string, content: string): void {
  const path = join(folder, name);
  const unfinished = `${path}.${process.pid}.new`;
  try {
    writeFileSync(unfinished, content, { mode: 0o600, flag: "wx", flush: true });
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/** The new name, too, has to be on the disk before anything is deleted. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
