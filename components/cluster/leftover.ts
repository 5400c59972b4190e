import { setTimeout as sleep } from "node:timers/promises";
import { annotationsOf, labelsOf } from "../adoption/live.ts";
import { creator } from "../adoption/managedFields.ts";
import { isRecord } from "../input/record.ts";
import { immutableLabel } from "../plan/immutable.ts";
import { poolLabel } from "../pools/waves.ts";
import { ownerAnnotation, restartAnnotation } from "../restart/restart.ts";
import { find, request } from "./api.ts";
import { HttpMethod, type KubeConfig } from "./kubernetes.ts";
import { type ApiObject, idOf, nameOf, pathOf } from "./objects.ts";
import { listDaemonSets, listPods } from "./workload.ts";

/** Longest wait for an object to be gone, in milliseconds. */
const timeoutMs = 5 * 60_000;

/**
 * Deletes what an earlier create has left in the way of this one, and waits until it is gone.
 *
 * When a `pulumi up` dies, or the API server's answer to it is lost, while an object is created, the API server has the
 * object and the state does not: every later create would find it there and fail. So it goes first, and leaves its pods to
 * its successor. What is not certainly such a leftover stays.
 *
 * @param wanted - the object that is about to be created
 * @returns what became of an object that was in the way; `none` where there was none
 * @throws ApiError when the API server refuses or does not answer; Error when it is still there after five minutes
 */
export async function removeLeftover(
  config: KubeConfig,
  wanted: ApiObject,
): Promise<"none" | "removed" | "stays"> {
  const path = pathOf(idOf(wanted));
  const found = await find(config, path);
  if (found === undefined) {
    return "none";
  }
  if (!(await isLeftover(config, found, wanted))) {
    return "stays";
  }
  const { uid } = found.metadata;
  await request(config, HttpMethod.DELETE, path, {
    // Whatever pods it has are those of its successor, which has the same template.
    body: { propagationPolicy: "Orphan", preconditions: { uid } },
  });
  const deadline = Date.now() + timeoutMs;
  while ((await find(config, path))?.metadata["uid"] === uid) {
    if (Date.now() > deadline) {
      throw new Error(`${nameOf(idOf(wanted))} is still there ${timeoutMs / 1000} s after it was deleted`);
    }
    await sleep(100);
  }
  return "removed";
}

/**
 * Whether an object is what a create has left: made by the provider and changed by nobody since. A DaemonSet is told by
 * its restart token and its stack, a pool's ConfigMap by a DaemonSet that is not there yet. Anything else comes before
 * all DaemonSets, so that there is no kube-proxy yet; where there is one, another stack owns the object, or this one has
 * lost its state, and a ServiceAccount that is made again takes the API server away from the pods that run with it.
 */
async function isLeftover(config: KubeConfig, found: ApiObject, wanted: ApiObject): Promise<boolean> {
  if (immutableLabel in labelsOf(wanted)) {
    // Whoever has made it, a restore among them: the one that is made has the same content, or that which its name says.
    return immutableLabel in labelsOf(found);
  }
  if (!isAsCreated(found)) {
    return false;
  }
  if (found.kind === "DaemonSet") {
    const [annotations, own] = [annotationsOf(found), annotationsOf(wanted)[ownerAnnotation]];
    return restartAnnotation in annotations && (annotations[ownerAnnotation] ?? own) === own;
  }
  if (poolLabel in labelsOf(found)) {
    const user = { ...idOf(found), apiVersion: "apps/v1", kind: "DaemonSet" };
    return (await find(config, pathOf(user))) === undefined;
  }
  const users = await Promise.all([listDaemonSets(config), listPods(config)]);
  return users.flat().length === 0;
}

/**
 * Whether nobody but the provider has written to it; a controller writes its status only. Of an object that is a name
 * and nothing else, such as a ServiceAccount, the API server keeps no writer.
 */
function isAsCreated({ metadata: { managedFields } }: ApiObject): boolean {
  const entries = Array.isArray(managedFields) ? managedFields.filter(isRecord) : [];
  return entries
    .filter(({ subresource }) => subresource === undefined)
    .every(({ manager, operation }) => manager === creator.manager && operation === creator.operation);
}
