import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
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
 * A snapshot holds what is secret to others, and the folder of all clusters may be open to them. So no link of theirs is
 * followed, and nothing is written to a folder that they could have prepared.
 *
 * @param folder - the folder of all clusters, `~/` for one below the home folder; made when it is missing
 * @param keep - how many snapshots of this cluster to keep, 1 or more
 * @returns the file's path
 * @throws ProblemsError naming `folder` when it cannot be made or written to, is a link, or is another user's; nothing
 *   half-written is left then
 */
export function writeSnapshot(folder: string, snapshot: Snapshot, keep: number): string {
  const shared = resolve(expandHome(folder));
  const own = join(shared, snapshot.cluster);
  const name = fileName(snapshot.time);
  try {
    refuseLinksOfOthers(dirname(shared));
    makeFolder(shared);
    refuseLink(shared);
    refuseOthers(shared, lstatSync(shared).uid, [superuser]);
    makeFolder(own);
    refuseLink(own);
    const descriptor = openSync(own, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      refuseOthers(own, fstatSync(descriptor).uid);
      fchmodSync(descriptor, 0o700);
      writeWhole(join(own, name), formatSnapshot(snapshot));
      // The new name, too, has to be on the disk before anything is deleted.
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const accepted =
      "a folder of your own, no link to one, that exists or can be made, may be written to and has room for some kB; " +
      `mend it, or choose another one by snapshotFolder or --folder: ${error instanceof Error ? error.message : String(error)}`;
    throw new ProblemsError("where snapshots are kept", [{ path: "folder", value: folder, accepted }]);
  }
  if (snapshot.objects.some(({ kind }) => kind === "DaemonSet")) {
    removeOutdated(own, name, keep);
  }
  return join(own, name);
}

const superuser = 0;

/** @param trusted - who else may own it */
function refuseOthers(path: string, owner: number, trusted: readonly number[] = []): void {
  if (owner !== process.geteuid?.() && !trusted.includes(owner)) {
    throw new Error(`${path} belongs to user ${owner}`);
  }
}

function refuseLink(path: string): void {
  if (lstatSync(path).isSymbolicLink()) {
    throw new Error(`${path} is a symbolic link`);
  }
}

/** On the way to a folder, links that the machine's administrator or the user has made lead where they should. */
function refuseLinksOfOthers(path: string): void {
  if (dirname(path) !== path) {
    refuseLinksOfOthers(dirname(path));
  }
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSymbolicLink() === true) {
    refuseOthers(path, found.uid, [superuser]);
  }
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

/**
 * Removes the oldest snapshots; what is no file, whatever its name, is somebody else's. The new one is on the disk: an old
 * one that cannot be removed is no reason to stop what the new one was taken for.
 */
function removeOutdated(folder: string, written: string, keep: number): void {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  const names = files.map(({ name }) => name);
  for (const old of outdated(names, written, keep)) {
    try {
      rmSync(join(folder, old), { force: true });
    } catch {
      // The next one tries again.
    }
  }
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

function writeWhole(path: string, content: string): void {
  const unfinished = `${path}.${process.pid}.new`;
  try {
    writeFileSync(unfinished, content, { mode: 0o600, flag: "wx", flush: true });
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}
