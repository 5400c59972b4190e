import { HttpMethod, type KubeConfig } from "../kubernetes.ts";
import { ApiError, request } from "../api.ts";
import { Interrupted } from "../ending.ts";
import { oneLine } from "./errors.ts";

/** Longest wait for an answer, in milliseconds. It takes about 5; the API server itself would wait for 30 s. */
const timeoutMs = 2000;

/** Largest answer in bytes; kube-proxy's has about 200. */
const largest = 64 * 1024;

/**
 * What came of a question: something `answered`; the connection was `refused`, so that the node itself can be reached;
 * nobody said anything (`silent`); or the API server `denied` to ask.
 */
export interface Reached {
  readonly outcome: "answered" | "refused" | "silent" | "denied";
  /** Why there was no answer, for people. */
  readonly reason: string;
}

/** Words in which the API server says that the network, and not the node, is the reason. */
const network = /time?d?[- ]?out|no route|unreachable|deadline exceeded/i;

/**
 * Asks a port at the address of a kube-proxy's pod, which is its node's, for `/healthz`: the API server opens the
 * connection (`pods/proxy`).
 *
 * @returns what came of it; whatever that is, this does not throw, but where the process is to end
 */
export async function reach(
  config: KubeConfig,
  pod: string,
  port: number,
  signal: AbortSignal,
): Promise<Reached> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const path = `/api/v1/namespaces/kube-system/pods/${encodeURIComponent(pod)}:${port}/proxy/healthz`;
  try {
    await request(config, HttpMethod.GET, path, { signal: bounded, largest });
    return { outcome: "answered", reason: "" };
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    if (bounded.aborted) return { outcome: "silent", reason: `no answer within ${timeoutMs / 1000} s` };
    return outcomeOf(error);
  }
}

function outcomeOf(error: unknown): Reached {
  const { status, said } = error instanceof ApiError ? error : { status: undefined, said: String(error) };
  const reason = oneLine(said);
  if (status === 401 || status === 403) return { outcome: "denied", reason };
  const [, failure] = /error trying to reach service: '?(.*?)'?$/i.exec(reason) ?? [];
  if (failure !== undefined) {
    return { outcome: network.test(failure) ? "silent" : "refused", reason: failure };
  }
  // A kube-proxy that calls itself unhealthy answers all the same.
  return status === 503 && /"lastUpdated"/.test(said)
    ? { outcome: "answered", reason: "" }
    : { outcome: "silent", reason };
}
