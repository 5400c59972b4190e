import { create } from "../api.ts";
import type { KubeConfig } from "../kubernetes.ts";

/** Who says so, as `kubectl describe` shows it. */
const source = "kube-proxy-as-code";

/** Longest text of an Event. Source: pkg/apis/core/validation/events.go, `NoteLengthLimit`. */
const longestMessage = 1024;

/** A line on a DaemonSet. */
export interface Note {
  /** In one word, such as `UpdateBegan`. */
  readonly reason: string;
  readonly message: string;
  readonly isWarning?: boolean;
}

/** A DaemonSet in kube-system. */
export interface Noted {
  readonly name: string;
  readonly uid: string;
}

/**
 * Writes a Kubernetes Event on a DaemonSet, which `kubectl describe` shows, and the API server forgets after an hour.
 *
 * @param at - when it happened, in milliseconds since 1970
 * @throws ApiError when it cannot be written
 */
export async function note(
  config: KubeConfig,
  { name, uid }: Noted,
  { reason, message, isWarning = false }: Note,
  at: number,
): Promise<void> {
  const time = new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
  await create(config, "/api/v1/namespaces/kube-system/events", {
    apiVersion: "v1",
    kind: "Event",
    metadata: { generateName: `${name}.`, namespace: "kube-system" },
    involvedObject: { apiVersion: "apps/v1", kind: "DaemonSet", namespace: "kube-system", name, uid },
    ...{ reason, type: isWarning ? "Warning" : "Normal" },
    message: message.length > longestMessage ? `${message.slice(0, longestMessage - 1)}…` : message,
    source: { component: source },
    ...{ firstTimestamp: time, lastTimestamp: time, count: 1 },
  });
}
