import type { RareTask } from "../facts/rareTasks.ts";
import { accessesOf, type Access, describeAccess } from "../preflight/rights.ts";
import { forEachConcurrently } from "./concurrency.ts";
import type { Reader } from "./reader.ts";

/** Questions under way at once. */
const concurrency = 8;

const everything: Omit<Access, "tasks"> = { verb: "*", group: "*", resource: "*" };

/**
 * Asks the API server which of the program's rights whoever runs it lacks: one question for an administrator, else one for
 * each right.
 *
 * @param pools - names of the pools
 * @param tasks - which of those that few stacks have are this stack's
 * @returns those that are denied, see `describeAccess`
 */
export async function readDenied(
  reader: Reader,
  pools: readonly string[],
  tasks: readonly RareTask[],
): Promise<string[]> {
  if (await isAllowed(reader, everything)) {
    return [];
  }
  const denied: string[] = [];
  await forEachConcurrently(accessesOf(pools, tasks), concurrency, async (access) => {
    if (!(await isAllowed(reader, access))) {
      denied.push(describeAccess(access));
    }
  });
  return denied.sort();
}

async function isAllowed(reader: Reader, access: Omit<Access, "tasks">): Promise<boolean> {
  const { verb, group, name, namespace } = access;
  const [resource, subresource] = access.resource.split("/");
  const answer = await reader.ask<{ status?: { allowed?: unknown } } | null>(
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { verb, group, resource, subresource, name, namespace } },
    },
  );
  const allowed = answer?.status?.allowed;
  if (typeof allowed !== "boolean") {
    throw reader.misunderstood("POST selfsubjectaccessreviews");
  }
  return allowed;
}
