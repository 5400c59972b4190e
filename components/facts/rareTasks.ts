/** What few stacks do in a cluster: nobody else's rights to it are asked for. */
export const RareTask = {
  /** Make, keep and remove immutable ConfigMaps: `immutableConfig`. */
  immutable: "immutable",
  /** Keep snapshots as Secrets: `snapshotIn: cluster`. */
  keepSnapshot: "keepSnapshot",
} as const;
export type RareTask = (typeof RareTask)[keyof typeof RareTask];
