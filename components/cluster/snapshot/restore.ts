import { labelsOf } from "../../adoption/live.ts";
import { ProblemsError } from "../../input/problems.ts";
import { immutableLabel } from "../../plan/immutable.ts";
import { selects } from "../../pools/placement.ts";
import { ApiError, find, list, request } from "../api.ts";
import { all } from "../apiError.ts";
import { readNodes } from "../facts.ts";
import { placeOf } from "../handover.ts";
import { HttpMethod, type KubeConfig } from "../kubernetes.ts";
import { makeRoom } from "../layout.ts";
import { type ApiObject, collectionPathOf, idOf, nameOf, pathOf } from "../objects.ts";
import { waitUntil } from "../wait.ts";
import type { Snapshot } from "./format.ts";
import { readLive } from "./live.ts";
import { Action, plan, selectorLabelsOf, type Step, withFreshGeneration } from "./plan.ts";
import { rolloutOf } from "./rollout.ts";
import { checkRoom, wantedOf } from "./room.ts";

/**
 * Who restored fields belong to. Pulumi's Kubernetes provider takes over what belongs to a manager whose name begins
 * with `kubectl`; a field of any other one would end the next `pulumi up` with a conflict.
 *
 * Source: pulumi-kubernetes, `fixCSAFieldManagers` in `provider/pkg/await/await.go`.
 */
const fieldManager = "kubectl-restore-kube-proxy";

/** Options of {@link restore}. */
export interface RestoreOptions {
  /** Longest wait in milliseconds: for each object that is deleted, and for each rollout. */
  readonly timeoutMs: number;
  /** Takes one line for each object, and one for each rollout. */
  readonly log: (line: string) => void;
}

/**
 * Puts kube-proxy's objects back as they are in a snapshot, and waits until every pod runs with them. Fields that
 * others added since are gone afterwards. What is already as it was is not touched, so that a second run changes
 * nothing.
 *
 * Objects that the snapshot does not have are left alone, with one exception: no node may get two kube-proxies, so that
 * this program's other DaemonSets, of other pools, are deleted first and those of the snapshot take their pods over, see
 * {@link makeRoom}. DaemonSets follow each other, each when the one before it runs everywhere.
 *
 * It replaces and does not apply: server-side apply keeps what other managers added, so that the objects would not be
 * the snapshot's, and owns every field from then on, so that a later `pulumi up` could remove none.
 *
 * Everything is tried as a dry run first: a refusal is told before anything was changed.
 *
 * @param config - the cluster, as `loadCluster` gives it
 * @throws ProblemsError for a snapshot of another cluster, for nodes with which its DaemonSets do not agree, see
 *   {@link checkRoom}, for everything the API server refuses, and for a rollout that does not end in time
 */
export async function restore(
  config: KubeConfig,
  snapshot: Snapshot,
  options: RestoreOptions,
): Promise<void> {
  const immutables = snapshot.objects.filter((object) => immutableLabel in labelsOf(object)).map(idOf);
  const live = await readLive(config, immutables);
  if (live.cluster !== snapshot.cluster) {
    throw new ProblemsError("the choice of the cluster", [
      {
        path: "context",
        value: config.getCurrentContext(),
        accepted:
          `the cluster that the snapshot is of, whose UID is ${snapshot.cluster} (${snapshot.server}); ` +
          `this one's is ${live.cluster}: choose the other by --context or --kubeconfig, or another snapshot; ` +
          `if this one is meant, say so by --cluster-id ${live.cluster}`,
      },
    ]);
  }
  const daemonSets = snapshot.objects.filter(({ kind }) => kind === "DaemonSet");
  const others = snapshot.objects.filter(({ kind }) => kind !== "DaemonSet");
  const wanted = daemonSets.length > 0 ? await checkRoom(config, daemonSets) : [];
  await all(
    "what the snapshot would change; nothing was changed",
    plan(snapshot.objects, live.objects).map((step) => dryRun(config, step)),
  );
  for (const step of plan(others, live.objects)) {
    await take(config, step, options);
  }
  if (wanted.length > 0) {
    await makeRoom(config, wanted, options);
    for (const step of plan(daemonSets, (await readLive(config)).objects)) {
      await take(config, step, options);
      // Before the next one: a pool that does not come up must not be followed by all the others.
      await awaitRollout(config, step.object, options);
    }
  }
}

async function take(config: KubeConfig, step: Step, { timeoutMs, log }: RestoreOptions): Promise<void> {
  await all("the cluster's answers; run the same again when this is mended", [run(config, step, timeoutMs)]);
  log(`${nameOf(idOf(step.object))}: ${step.action}`);
}

/** Whether the API server would take a step, without one taken. */
async function dryRun(config: KubeConfig, { action, object }: Step): Promise<void> {
  const query = { dryRun: "All" };
  switch (action) {
    case Action.leave:
      return;
    case Action.create:
      await create(config, object, query);
      return;
    case Action.replace:
      await replace(config, object, query);
      return;
    case Action.recreate:
      await remove(config, object, query);
      await create(config, object, query).catch((error: unknown) => {
        // The old one is in the way; that was found only after the new one was found valid.
        if (!(error instanceof ApiError && error.status === 409)) {
          throw error;
        }
      });
  }
}

async function run(config: KubeConfig, { action, object }: Step, timeoutMs: number): Promise<void> {
  switch (action) {
    case Action.leave:
      return;
    case Action.replace:
      await replace(config, object);
      return;
    case Action.recreate:
      await remove(config, object);
      await waitUntil(timeoutMs, async () => {
        const live = await find(config, pathOf(idOf(object)));
        return live === undefined ? undefined : `${nameOf(idOf(object))} is deleted but not gone`;
      });
      break;
    case Action.create:
  }
  await create(config, object.kind === "DaemonSet" ? await amongLeftPods(config, object) : object);
}

type Query = Readonly<Record<string, string>>;

async function create(config: KubeConfig, object: ApiObject, query: Query = {}): Promise<void> {
  const path = collectionPathOf(idOf(object));
  await request(config, HttpMethod.POST, path, { query: { fieldManager, ...query }, body: object });
}

async function replace(config: KubeConfig, object: ApiObject, query: Query = {}): Promise<void> {
  const path = pathOf(idOf(object));
  await request(config, HttpMethod.PUT, path, { query: { fieldManager, ...query }, body: object });
}

/** In the foreground: a DaemonSet is gone when its pods are, so that no node ever has two kube-proxies. */
async function remove(config: KubeConfig, object: ApiObject, query: Query = {}): Promise<void> {
  const path = pathOf(idOf(object));
  await request(config, HttpMethod.DELETE, path, { query: { propagationPolicy: "Foreground", ...query } });
}

async function amongLeftPods(config: KubeConfig, daemonSet: ApiObject): Promise<ApiObject> {
  const labelSelector = Object.entries(selectorLabelsOf(daemonSet))
    .map((pair) => pair.join("="))
    .join();
  const { namespace = "" } = daemonSet.metadata;
  const pods = await list(config, { apiVersion: "v1", kind: "Pod", namespace }, labelSelector);
  return withFreshGeneration(daemonSet, pods);
}

async function awaitRollout(
  config: KubeConfig,
  daemonSet: ApiObject,
  options: RestoreOptions,
): Promise<void> {
  const { timeoutMs, log } = options;
  const id = idOf(daemonSet);
  const { placement } = wantedOf(daemonSet);
  // Dead nodes must not keep the other pools from coming back.
  const silent = (await readNodes(config)).filter(
    (node) => node.ready !== "True" && selects(placement, placeOf(node)),
  ).length;
  let done = "";
  await waitUntil(timeoutMs, async () => {
    const { isDone, text } = rolloutOf(await find(config, pathOf(id)), silent);
    done = text;
    return isDone ? undefined : `${nameOf(id)}: ${text}`;
  });
  log(`${nameOf(id)}: ${done}`);
}
