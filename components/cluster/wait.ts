import { setTimeout as sleep } from "node:timers/promises";
import { ProblemsError } from "../input/problems.ts";
import { ApiError } from "./api.ts";
import { throwIfEnding } from "./ending.ts";

const intervalMs = 500;

/**
 * Asks again and again until nothing is left to wait for. An API server that does not answer meanwhile, or answers that
 * it is busy, is asked again, too: kube-proxy is in the middle of being put back.
 *
 * @param timeoutMs - longest wait
 * @param check - says what is still waited for; undefined when nothing is
 * @param path - what the user sets the longest wait by
 * @throws ProblemsError after `timeoutMs` with what was waited for; ApiError when the API server refuses
 */
export async function waitUntil(
  timeoutMs: number,
  check: () => Promise<string | undefined>,
  path = "wait",
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const open = await check().catch(reasonToAskAgain);
    if (open === undefined) {
      return;
    }
    if (Date.now() >= deadline) {
      throw new ProblemsError("waiting for the cluster", [
        {
          path,
          value: `${timeoutMs / 1000}s`,
          accepted:
            `a time in which this ends: ${open}. Look at the pods (kubectl -n kube-system get pods -o wide) ` +
            "and run the same again: what is done stays done",
        },
      ]);
    }
    await sleep(Math.min(intervalMs, Math.max(0, deadline - Date.now())));
    throwIfEnding();
  }
}

function reasonToAskAgain(error: unknown): string {
  if (error instanceof ApiError) {
    const { status = 503, problem } = error;
    if (status >= 500 || status === 429) {
      return problem.accepted;
    }
  }
  throw error;
}
