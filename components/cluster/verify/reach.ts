import type { KubeConfig } from "../kubernetes.ts";
import { ApiError } from "../api.ts";
import { askPod, failureIn, isOfNetwork } from "../podProxy.ts";
import { oneLine } from "./errors.ts";

/** Longest wait for an answer, in milliseconds. It takes about 5. */
const timeoutMs = 2000;

/**
 * What came of a question: something `answered`; the connection was `refused`, so that the node itself can be reached;
 * nobody said anything (`silent`); or the API server `denied` to ask.
 */
export interface Reached {
  readonly outcome: "answered" | "refused" | "silent" | "denied";
  /** Why there was no answer, for people. */
  readonly reason: string;
}

/**
 * Asks a port at the address of a kube-proxy's pod, which is its node's, for `/healthz`.
 *
 * @returns what came of it; whatever that is, this does not throw, but where the process is to end
 */
export async function reach(
  config: KubeConfig,
  pod: string,
  port: number,
  signal: AbortSignal,
): Promise<Reached> {
  const target = { namespace: "kube-system", pod, port, path: "/healthz" };
  const answer = await askPod(config, target, timeoutMs, signal);
  switch (answer.kind) {
    case "answer":
      return { outcome: "answered", reason: "" };
    case "none":
      return { outcome: "silent", reason: answer.reason };
    case "error":
      return outcomeOf(answer.error);
  }
}

function outcomeOf(error: unknown): Reached {
  const { status, said } = error instanceof ApiError ? error : { status: undefined, said: String(error) };
  const reason = oneLine(said);
  if (status === 401 || status === 403) return { outcome: "denied", reason };
  const failure = failureIn(reason);
  if (failure !== undefined) {
    return { outcome: isOfNetwork(failure) ? "silent" : "refused", reason: failure };
  }
  // A kube-proxy that calls itself unhealthy answers all the same.
  return status === 503 && /"lastUpdated"/.test(said)
    ? { outcome: "answered", reason: "" }
    : { outcome: "silent", reason };
}
