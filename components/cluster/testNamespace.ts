import { ProblemsError } from "../input/problems.ts";
import { testNamespace } from "../plan/testNamespace.ts";
import { ApiError, create, find, request } from "./api.ts";
import { HttpMethod, type KubeConfig } from "./kubernetes.ts";
import type { ApiObject } from "./objects.ts";
import { waitUntil } from "./wait.ts";

const path = "/api/v1/namespaces";

/** What tells a namespace that this program has made: one that an administrator has made stays. */
const label = { name: "app.kubernetes.io/managed-by", value: "kube-proxy-as-code" };

/** Longest wait, in milliseconds, for one that is about to end. */
const timeoutMs = 60_000;

/**
 * Makes the namespace of the test Services, unless it is there.
 *
 * @returns what came of it, in one sentence: where the API server refuses it, no Service is asked for
 * @throws ApiError when it cannot be read, or the API server does not answer
 */
export async function makeTestNamespace(config: KubeConfig): Promise<string> {
  let found = await find(config, `${path}/${testNamespace}`);
  if (isEnding(found)) {
    await waitUntil(timeoutMs, async () => {
      found = await find(config, `${path}/${testNamespace}`);
      return isEnding(found) ? `Namespace ${testNamespace} is deleted but not gone` : undefined;
    }).catch(goOnAfterTime);
  }
  if (found !== undefined) return `Namespace ${testNamespace} is there.`;
  try {
    await create(config, path, { metadata: { name: testNamespace, labels: { [label.name]: label.value } } });
    return `Namespace ${testNamespace} is made.`;
  } catch (error) {
    return refusal(error, "is not made, so that no test Service will be asked for");
  }
}

/**
 * Removes the namespace of the test Services with whatever is in it, if this program has made it; does not wait for its end.
 *
 * @returns what came of it, in one sentence
 * @throws ApiError when it cannot be read, or the API server does not answer
 */
export async function removeTestNamespace(config: KubeConfig): Promise<string> {
  const found = await find(config, `${path}/${testNamespace}`);
  if (found === undefined) return `There is no namespace ${testNamespace}.`;
  const { uid, labels = {} } = found.metadata as { uid?: string; labels?: Record<string, string> };
  if (labels[label.name] !== label.value)
    return `Namespace ${testNamespace} stays: somebody else has made it.`;
  try {
    await request(config, HttpMethod.DELETE, `${path}/${testNamespace}`, {
      body: { preconditions: { uid } },
    });
    return `Namespace ${testNamespace} is deleted.`;
  } catch (error) {
    return refusal(error, "stays");
  }
}

function isEnding(found: ApiObject | undefined): boolean {
  return found?.metadata["deletionTimestamp"] !== undefined;
}

/** One that does not end keeps nothing from going on: no test Service will be asked for. */
function goOnAfterTime(error: unknown): void {
  if (error instanceof ApiError || !(error instanceof ProblemsError)) throw error;
}

function refusal(error: unknown, what: string): string {
  if (!(error instanceof ApiError) || error.status === undefined) throw error;
  return `Namespace ${testNamespace} ${what}: ${error.said}.`;
}
