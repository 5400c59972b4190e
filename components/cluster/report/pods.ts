import { setTimeout as sleep } from "node:timers/promises";
import { parseJson } from "../../input/json.ts";
import { isRecord } from "../../input/record.ts";
import type { PodSeen } from "../../report/courses.ts";
import { objectFault } from "../answers.ts";
import { follow, listAll } from "../api.ts";
import { ApiError } from "../apiError.ts";
import type { KubeConfig } from "../kubernetes.ts";
import { controllerOf, endOf, isReady, ofKubeProxy, paths, type Pod, whyNotReady } from "../workload.ts";

/** How long the API server lets one watch go on, in seconds: not so long that somebody on the way ends it for its silence. */
const watchSeconds = 240;

/** Longest silence, in milliseconds: the API server ends the watch before. */
const idleMs = 300_000;

/** Longest event in bytes; a pod of kube-proxy has about 10 KiB. */
const longestEvent = 2 * 1024 * 1024;

/** Between a watch that broke off and the next one, in milliseconds. */
const pauseMs = 1000;

/** Who is told of pods. */
export interface Watcher {
  readonly onPod: (pod: PodSeen) => void;
  readonly onGone: (uid: string) => void;
  /** Told in one sentence why pods could not be watched for a while, or at all. */
  readonly onFault: (reason: string) => void;
}

/**
 * kube-proxy's pods that have a node.
 *
 * @throws ApiError when they cannot be listed
 */
export async function podsSeen(config: KubeConfig, signal: AbortSignal): Promise<PodSeen[]> {
  return await listAll<Pod, PodSeen>(config, paths.pods, { query: ofKubeProxy, signal }, seenOf);
}

/**
 * Watches kube-proxy's pods until `signal` aborts. Each watch begins with all pods that there are, so that nothing has to
 * be remembered between two of them. Whatever the API server does, this does not throw.
 */
export async function watchPods(config: KubeConfig, watcher: Watcher, signal: AbortSignal): Promise<void> {
  const query = {
    ...ofKubeProxy,
    watch: "1",
    allowWatchBookmarks: "true",
    timeoutSeconds: String(watchSeconds),
  };
  const onLine = (line: string): void => {
    take(line, watcher);
  };
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    try {
      await follow(config, paths.pods, {
        query,
        signal,
        onLine,
        largest: longestEvent,
        patience: { idleMs },
      });
    } catch (error) {
      if (isOver()) return;
      watcher.onFault(error instanceof ApiError ? error.said : String(error));
      // A right that lacks does not come by asking.
      if (error instanceof ApiError && (error.status === 403 || error.status === 401)) return;
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Takes one event; what is none, or of no pod, is nobody's matter here. */
function take(line: string, { onPod, onGone, onFault }: Watcher): void {
  let event: unknown;
  try {
    event = parseJson(line);
  } catch {
    onFault("an event of the watch is not JSON");
    return;
  }
  if (!isRecord(event) || event["type"] === "BOOKMARK") return;
  const { type, object } = event;
  if (type === "ERROR" || objectFault("pods", object) !== undefined) {
    onFault("an event of the watch has no pod");
    return;
  }
  const pod = object as Pod;
  if (type === "DELETED") onGone(pod.metadata.uid);
  else {
    const seen = seenOf(pod);
    if (seen !== undefined) onPod(seen);
  }
}

/** A pod as a report takes it; undefined for one without a node. */
function seenOf(pod: Pod): PodSeen | undefined {
  const { nodeName } = pod.spec;
  if (nodeName === undefined) return undefined;
  const owner = controllerOf(pod);
  const ready = isReady(pod);
  return {
    uid: pod.metadata.uid,
    name: pod.metadata.name,
    node: nodeName,
    owner: owner?.kind === "DaemonSet" ? { name: owner.name, uid: owner.uid } : undefined,
    isEnding: pod.metadata.deletionTimestamp !== undefined,
    hasStopped: endOf(pod) !== undefined || isTerminated(pod),
    isReady: ready,
    waiting: ready ? undefined : whyNotReady(pod),
  };
}

/** Whether the container of a pod that is to go has ended: the kubelet says so before the pod is gone. */
function isTerminated({ metadata, status }: Pod): boolean {
  return (
    metadata.deletionTimestamp !== undefined &&
    (status.containerStatuses ?? []).some(({ state }) => state?.terminated !== undefined)
  );
}
