/** Where the snapshot is kept that is taken before every change. */
export const SnapshotIn = {
  /** In a folder of the machine that runs the update. */
  folder: "folder",
  /** There, and as a Secret in the cluster itself. */
  cluster: "cluster",
} as const;
/** One of {@link SnapshotIn}. */
export type SnapshotIn = (typeof SnapshotIn)[keyof typeof SnapshotIn];

/**
 * Namespace of the snapshots and of nothing else: whoever may list or make Secrets in kube-system may read and make those of
 * the whole control plane, and the namespace of the test Services goes with a destroy, which a snapshot is to outlive.
 */
export const snapshotNamespace = "kube-proxy-snapshots";
