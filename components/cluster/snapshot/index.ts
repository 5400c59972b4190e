import type { KubeConfig } from "@kubernetes/client-node";
import { SnapshotIn } from "../../plan/snapshotIn.ts";
import { defaultFolder } from "../ownFolder.ts";
import { defaultKeep, writeSnapshot } from "./folder.ts";
import { keepInCluster } from "./inCluster.ts";
import { readLive } from "./live.ts";
import { strip } from "./strip.ts";

/** Options of {@link takeSnapshot}. */
export interface SnapshotOptions {
  /** Folder of all clusters' snapshots; {@link defaultFolder} unless given. */
  readonly folder?: string;
  /** How many snapshots of this cluster to keep, 1 or more; {@link defaultKeep} unless given. */
  readonly keep?: number;
  /** Where it is kept; in the folder alone unless given. */
  readonly snapshotIn?: SnapshotIn;
}

/**
 * Writes all of kube-proxy's objects, as they are in the cluster, to a file from which they can be put back, and where it is
 * wanted to a Secret in the cluster, too.
 *
 * @param config - the cluster, as `loadCluster` gives it
 * @returns lines to tell: the file's path, and what {@link keepInCluster} says; none when the cluster has no kube-proxy yet,
 *   and nothing was written
 * @throws ProblemsError when the objects cannot be read, or the file or the Secret cannot be written: then nothing may be deleted
 */
export async function takeSnapshot(config: KubeConfig, options: SnapshotOptions = {}): Promise<string[]> {
  const { folder = defaultFolder(process.env), keep = defaultKeep, snapshotIn } = options;
  const { cluster, objects } = await readLive(config);
  if (objects.length === 0) {
    return [];
  }
  const server = config.getCurrentCluster()?.server ?? "";
  const snapshot = { cluster, server, time: new Date(), objects: objects.map(strip) };
  const path = writeSnapshot(folder, snapshot, keep);
  return [path, ...(snapshotIn === SnapshotIn.cluster ? await keepInCluster(config, snapshot, keep) : [])];
}
