/** Snapshots that are kept in the cluster itself, as Secrets. */
import { ProblemsError } from "../../input/problems.ts";
import { snapshotNamespace } from "../../plan/snapshotIn.ts";
import { ApiError, create, find, listAll, request } from "../api.ts";
import { HttpMethod, type KubeConfig } from "../kubernetes.ts";
import { type ApiObject, collectionPathOf, idOf, nameOf, pathOf } from "../objects.ts";
import { metadataOnly } from "../session.ts";
import type { Snapshot } from "./format.ts";
import { isKept, keptLabel, secretOf, secrets, secretType, snapshotOf } from "./secret.ts";

const namespaces = "/api/v1/namespaces";

/** As docs/rbac/snapshot-namespace.yaml has it. */
const namespace = {
  metadata: {
    name: snapshotNamespace,
    // No pod has anything to do there.
    labels: { [keptLabel.name]: keptLabel.value, "pod-security.kubernetes.io/enforce": "restricted" },
  },
};

/**
 * Keeps a snapshot as a Secret, whole or not at all, and deletes the oldest ones. One without a DaemonSet deletes none:
 * attempts to recover must not push out the last whole snapshot. Makes the namespace where there is none.
 *
 * @param keep - how many snapshots to keep, 1 or more
 * @returns lines to tell: the Secret's name, and which old one stays, and why
 * @throws ProblemsError when the Secret cannot be made, or is too large for one
 */
export async function keepInCluster(config: KubeConfig, snapshot: Snapshot, keep: number): Promise<string[]> {
  const secret = secretOf(snapshot);
  const path = collectionPathOf(secrets);
  try {
    await create(config, path, secret);
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
    await makeNamespace(config);
    await create(config, path, secret);
  }
  const isWhole = snapshot.objects.some(({ kind }) => kind === "DaemonSet");
  const left = isWhole ? await deleteOutdated(config, secret.metadata.name, keep) : [];
  return [nameOf(idOf(secret)), ...left];
}

/** Names of the snapshots in the cluster, the newest first. */
export async function listKept(config: KubeConfig): Promise<string[]> {
  return (await keptIn(config)).map(({ name }) => name);
}

/**
 * A snapshot that is kept in the cluster.
 *
 * @param name - as {@link listKept} gives it
 * @throws ProblemsError where there is none of this name, or it is none
 */
export async function readKept(config: KubeConfig, name: string): Promise<Snapshot> {
  const found = await find(config, pathOf({ ...secrets, name }));
  const snapshot = found && snapshotOf(found);
  if (snapshot === undefined) {
    const accepted = `the name of a snapshot in namespace ${snapshotNamespace}, as npm run restore -- --list prints it`;
    throw new ProblemsError("the command line", [{ path: "SNAPSHOT", value: name, accepted }]);
  }
  return snapshot;
}

/** The metadata of the snapshots, the newest first: nobody needs what is in the Secrets to count them. */
async function keptIn(config: KubeConfig): Promise<ApiObject["metadata"][]> {
  const query = { fieldSelector: `type=${secretType}` };
  const found = await listAll<Pick<ApiObject, "metadata">>(config, collectionPathOf(secrets), {
    query,
    accept: metadataOnly,
  });
  const kept = found.filter(isKept).map(({ metadata }) => metadata);
  return kept.sort((a, b) => (a.name < b.name ? 1 : -1));
}

async function makeNamespace(config: KubeConfig): Promise<void> {
  try {
    await create(config, namespaces, namespace);
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!isStatus(error, 409)) throw error;
  }
}

/**
 * All but the newest ones, and the one just made even where a clock was set back. One that cannot be deleted is no reason to
 * stop what the new one was made for.
 *
 * @returns a line for each one that stays
 */
async function deleteOutdated(config: KubeConfig, made: string, keep: number): Promise<string[]> {
  const others = (await keptIn(config)).filter(({ name }) => name !== made);
  const left: string[] = [];
  for (const { name, uid } of others.slice(keep - 1)) {
    const id = { ...secrets, name };
    try {
      await request(config, HttpMethod.DELETE, pathOf(id), { body: { preconditions: { uid } } });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status !== 404) left.push(`${nameOf(id)}, an old one, stays: ${error.said}`);
    }
  }
  return left;
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status;
}
