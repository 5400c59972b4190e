export type { KubeProxyArgs, RestartNodes } from "./args.ts";
export { askFacts, type ClusterChoice } from "./facts/ask.ts";
export { settingsOf } from "./facts/clusterSettings.ts";
export { RareTask } from "./facts/rareTasks.ts";
export type { ClusterAccess } from "./args.ts";
export type * from "./configuration/types.ts";
export { ClusterRoleChoice } from "./kubeadm/settings.ts";
export type {
  EnvVar,
  Metadata,
  ResourceRequirements,
  RollingUpdate,
  Settings,
  Toleration,
  UpdateStrategy,
} from "./kubeadm/settings.ts";
export type {
  ClusterFacts,
  ConfigMapFacts,
  DaemonSetFacts,
  HelperFacts,
  NodeFacts,
  NodeSystemFacts,
  TaintFacts,
} from "./facts/facts.ts";
export type * from "./facts/surroundings.ts";
export { type LeavingIpvs, OnDeadline } from "./plan/leaving.ts";
export { type DaemonSetState, KubeProxy } from "./kubeProxy.ts";
export type { Pool } from "./pools/pool.ts";
export type * from "./kubeadm/podTypes.ts";
export { SnapshotIn } from "./plan/snapshotIn.ts";
export { type RecordedIdentity, recordIdentity } from "./resources/identity.ts";
export { RestartStrategy } from "./restart/restart.ts";
export type { Timeouts } from "./restart/timeouts.ts";
export { validate, type Validation } from "./kubeadm/validate.ts";
export type { Warning } from "./configuration/warnings.ts";
export type { Problem } from "./input/problems.ts";
