/** Asks ports of pods by way of the API server, which opens the connection (`pods/proxy`). */
import { request } from "./api.ts";
import { deadlineIn } from "./deadline.ts";
import { Interrupted } from "./ending.ts";
import { HttpMethod, type KubeConfig } from "./kubernetes.ts";

/** A port of a pod, and for what it is asked. */
export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
  /** Such as `/healthz`. */
  readonly path: string;
  /**
   * With `https` the API server opens a connection of its own for it, also where one is open from before: that one would be
   * answered without any rule. Whoever speaks no TLS has taken the connection all the same. Default: `http`.
   */
  readonly scheme?: "http" | "https";
}

/** What came of it: an answer, none in time, for people, or what the API server said instead of one. */
export type PodAnswer =
  | { readonly kind: "answer" }
  | { readonly kind: "none"; readonly reason: string }
  | { readonly kind: "error"; readonly error: unknown };

/** More of an answer than this is not read, in bytes: that there is one is all. */
const largest = 64 * 1024;

/**
 * @param timeoutMs - longest wait, in milliseconds; the API server itself would wait for 30 s
 * @throws Interrupted where the process is to end, and nothing else
 */
export async function askPod(
  config: KubeConfig,
  { namespace, pod, port, path, scheme }: PodPort,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<PodAnswer> {
  const bounded = deadlineIn(timeoutMs, signal);
  const target = `${scheme === undefined ? "" : `${scheme}:`}${encodeURIComponent(pod)}:${port}`;
  const place = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${target}/proxy${path}`;
  try {
    await request(config, HttpMethod.GET, place, { signal: bounded, largest });
    return { kind: "answer" };
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    return bounded.aborted
      ? { kind: "none", reason: `no answer within ${timeoutMs / 1000} s` }
      : { kind: "error", error };
  }
}

/** Why the API server could not connect, in what it said; undefined where that is not it. */
export function failureIn(said: string): string | undefined {
  return /error trying to reach service: '?(.*?)'?$/im.exec(said)?.[1];
}

/** Whether the network, and not who was asked, is the reason of such a failure. */
export function isOfNetwork(failure: string): boolean {
  return /time?d?[- ]?out|no route|unreachable|deadline exceeded/i.test(failure);
}
