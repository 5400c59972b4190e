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
import { ProblemsError } from "../input/problems.ts";
import { expandHome } from "./kubeconfig.ts";

/**
 * Where what is kept of clusters is, unless said otherwise, a folder for each of them in it.
 *
 * Source: XDG Base Directory Specification, `XDG_STATE_HOME`; a relative path in it is to be ignored.
 */
export function defaultFolder(env: NodeJS.ProcessEnv): string {
  const state = env["XDG_STATE_HOME"];
  const base = state?.startsWith("/") === true ? state : join(homedir(), ".local", "state");
  return join(base, "kube-proxy-as-code", "snapshots");
}

/**
 * The folder of a cluster.
 *
 * @param folder - the folder of all clusters, `~/` for one below the home folder
 * @param cluster - UID of its namespace kube-system
 * @throws Error for one that could lead elsewhere
 */
export function folderOf(folder: string, cluster: string): string {
  if (!/^[\w-]+$/.test(cluster)) {
    throw new Error(`the UID of namespace kube-system is none: ${JSON.stringify(cluster.slice(0, 60))}`);
  }
  return join(resolve(expandHome(folder)), cluster);
}

/**
 * Writes into a cluster's folder, for its owner's eyes only.
 *
 * What is kept is secret to others, and the folder of all clusters may be open to them. So no link of theirs is followed,
 * and nothing is written to a folder that they could have prepared.
 *
 * @param folder - the folder of all clusters, as {@link folderOf} takes it; made when it is missing
 * @param write - writes there, by {@link writeWhole}
 * @throws ProblemsError naming `folder` when it cannot be made or written to, is a link, or is another user's; nothing
 *   half-written is left then
 */
export function writeInFolder(folder: string, cluster: string, write: (own: string) => void): void {
  const own = folderOf(folder, cluster);
  const shared = dirname(own);
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
      write(own);
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

/** A file's name: its time in UTC, without the colons that some file systems refuse. Sorts by time. */
export function fileName(time: Date, extension: string): string {
  return `${time.toISOString().replaceAll(":", "-")}.${extension}`;
}

/**
 * Which files go when only the newest are kept. The one just written stays even where a clock was set back; a file that
 * is not named like one of them is somebody else's.
 *
 * @param extension - what the names end with
 */
export function outdated(
  names: readonly string[],
  written: string,
  keep: number,
  extension: string,
): string[] {
  const others = names.filter((name) => isFileName(name, extension) && name !== written).sort();
  return others.slice(0, Math.max(0, others.length - (keep - 1)));
}

/** Whether a file has a name that {@link fileName} gives. */
export function isFileName(name: string, extension: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}Z$/.test(
    name.endsWith(`.${extension}`) ? name.slice(0, -extension.length - 1) : "",
  );
}

/**
 * Removes the oldest files; what is no file, whatever its name, is somebody else's. The new one is on the disk: an old
 * one that cannot be removed is no reason to stop what the new one was written for.
 *
 * @param folder - of the cluster
 */
export function removeOutdated(folder: string, written: string, keep: number, extension: string): void {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  const names = files.map(({ name }) => name);
  for (const old of outdated(names, written, keep, extension)) {
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

/** Writes a file whole or not at all, readable by its owner alone. */
export function writeWhole(path: string, content: string): void {
  const unfinished = `${path}.${process.pid}.new`;
  try {
    writeFileSync(unfinished, content, { mode: 0o600, flag: "wx", flush: true });
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}
