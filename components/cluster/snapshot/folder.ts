import { join } from "node:path";
import { fileName, folderOf, removeOutdated, writeInFolder, writeWhole } from "../ownFolder.ts";
import { formatSnapshot, type Snapshot } from "./format.ts";

/** How many snapshots of a cluster are kept, unless said otherwise. */
export const defaultKeep = 10;

/** What names of snapshots end with. */
const extension = "yaml";

/**
 * Writes a snapshot into its cluster's folder, see `writeInFolder`, whole or not at all, and removes the oldest ones
 * there. One without a DaemonSet removes none: attempts to recover must not push out the last whole snapshot.
 *
 * @param folder - the folder of all clusters, `~/` for one below the home folder; made when it is missing
 * @param keep - how many snapshots of this cluster to keep, 1 or more
 * @returns the file's path
 * @throws ProblemsError as `writeInFolder`
 */
export function writeSnapshot(folder: string, snapshot: Snapshot, keep: number): string {
  const own = folderOf(folder, snapshot.cluster);
  const name = fileName(snapshot.time, extension);
  writeInFolder(folder, snapshot.cluster, () => {
    writeWhole(join(own, name), formatSnapshot(snapshot));
  });
  if (snapshot.objects.some(({ kind }) => kind === "DaemonSet")) {
    removeOutdated(own, name, keep, extension);
  }
  return join(own, name);
}
