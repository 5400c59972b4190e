export type { KubeProxyArgs, RestartNodes } from "./args.ts";
export { settingsOf } from "./clusterSettings.ts";
export type { ClusterAccess } from "./commands.ts";
export type * from "./configuration/types.ts";
export { ClusterRoleChoice } from "./kubeadm/settings.ts";
export type {
  EnvVar,
  Metadata,
  ResourceRequirements,
  RollingUpdate,
  Toleration,
  UpdateStrategy,
} from "./kubeadm/settings.ts";
export type { ClusterFacts, ConfigMapFacts, DaemonSetFacts, HelperFacts, NodeFacts } from "./facts.ts";
export { type DaemonSetState, KubeProxy } from "./kubeProxy.ts";
export type { Pool } from "./pools/pool.ts";
export type { NodeSelectorRequirement } from "./pools/selections.ts";
export { RestartStrategy } from "./restart.ts";
export type { Timeouts } from "./timeouts.ts";
export { validate, type Validation } from "./validate.ts";
