import type { KubeConfig } from "@kubernetes/client-node";
import { defaultFolder } from "../ownFolder.ts";
import { defaultKeep, writeSnapshot } from "./folder.ts";
import { readLive } from "./live.ts";
import { strip } from "./strip.ts";

/** Options of {@link takeSnapshot}. */
export interface SnapshotOptions {
  /** Folder of all clusters' snapshots; {@link defaultFolder} unless given. */
  readonly folder?: string;
  /** How many snapshots of this cluster to keep, 1 or more; {@link defaultKeep} unless given. */
  readonly keep?: number;
}

/**
 * Writes all of kube-proxy's objects, as they are in the cluster, to a file from which they can be put back.
 *
 * @param config - the cluster, as `loadCluster` gives it
 * @returns the file's path; undefined when the cluster has no kube-proxy yet, and nothing was written
 * @throws ProblemsError when the objects cannot be read or the file cannot be written: then nothing may be deleted
 */
export async function takeSnapshot(
  config: KubeConfig,
  options: SnapshotOptions = {},
): Promise<string | undefined> {
  const { folder = defaultFolder(process.env), keep = defaultKeep } = options;
  const { cluster, objects } = await readLive(config);
  if (objects.length === 0) {
    return undefined;
  }
  const server = config.getCurrentCluster()?.server ?? "";
  const snapshot = { cluster, server, time: new Date(), objects: objects.map(strip) };
  return writeSnapshot(folder, snapshot, keep);
}
