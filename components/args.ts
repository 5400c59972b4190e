import { parseGoDuration } from "./configuration/goDuration.ts";
import { settingsShape } from "./kubeadm/settings.ts";
import { acceptedToken, isToken, RestartStrategy } from "./restart.ts";
import { choice, mapping, optional, text } from "./schema.ts";

/** How long `pulumi up` waits, as Go durations. */
export interface Timeouts {
  /** For all pods of a new DaemonSet, also after a restart. Default 10m. */
  create?: string;
  /** For all pods after an in-place change. Default 10m. */
  update?: string;
  /** For the DaemonSet and its pods to be gone. Default 10m. */
  delete?: string;
  /** For every node's kube-proxy to be verified, 1s to 1h. Default 5m. */
  verify?: string;
}

const timeout = optional(
  text(
    "a Go duration above 0 with a unit, such as 90s or 20m",
    (value) => (parseGoDuration(value) ?? 0n) > 0n,
  ),
);

/** The arguments of KubeProxy that make its objects and what each accepts. */
export const argsShape = {
  ...settingsShape,
  restart: optional(text(acceptedToken, isToken)),
  restartStrategy: optional(choice(Object.values(RestartStrategy))),
  timeouts: optional(mapping({ create: timeout, update: timeout, delete: timeout, verify: timeout })),
};
