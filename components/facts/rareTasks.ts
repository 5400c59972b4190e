/** What few stacks do in a cluster: nobody else's rights to it are asked for. */
export const RareTask = {
  /** Make, keep and remove immutable ConfigMaps: `immutableConfig`. */
  immutable: "immutable",
  /** Keep snapshots as Secrets: `snapshotIn: cluster`. */
  keepSnapshot: "keepSnapshot",
} as const;
export type RareTask = (typeof RareTask)[keyof typeof RareTask];

/**
 * The tasks that a stack has.
 *
 * @param isImmutable - whether there are to be immutable ConfigMaps
 * @param snapshotIn - where snapshots are kept, as the user has written it
 */
export function rareTasksOf(isImmutable: boolean, snapshotIn: unknown): RareTask[] {
  return [
    ...(isImmutable ? [RareTask.immutable] : []),
    ...(snapshotIn === "cluster" ? [RareTask.keepSnapshot] : []),
  ];
}
