export type { Timeouts } from "./args.ts";
export type { ClusterAccess } from "./commands.ts";
export type * from "./configuration/types.ts";
export { ClusterRoleChoice } from "./kubeadm/settings.ts";
export type {
  EnvVar,
  ResourceRequirements,
  RollingUpdate,
  Toleration,
  UpdateStrategy,
} from "./kubeadm/settings.ts";
export { KubeProxy, type KubeProxyArgs } from "./kubeProxy.ts";
export { RestartStrategy } from "./restart.ts";
export { validate, type Validation } from "./validate.ts";
