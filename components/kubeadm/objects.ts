/** The Kubernetes objects that kubeadm makes for kube-proxy, as plain values. */
import type { HostAlias, NodeSelectorRequirement, Probe, Volume } from "./podTypes.ts";

/** Name and namespace of an object, and what hangs on it. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A ServiceAccount. */
export interface ServiceAccount {
  readonly apiVersion: "v1";
  readonly kind: "ServiceAccount";
  readonly metadata: ObjectMeta;
}

/** One rule of a Role or ClusterRole. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** A Role or ClusterRole. */
export interface RoleObject<K extends "Role" | "ClusterRole"> {
  readonly apiVersion: "rbac.authorization.k8s.io/v1";
  readonly kind: K;
  readonly metadata: ObjectMeta;
  readonly rules: readonly PolicyRule[];
}

/** A RoleBinding or ClusterRoleBinding. */
export interface BindingObject<K extends "RoleBinding" | "ClusterRoleBinding"> {
  readonly apiVersion: "rbac.authorization.k8s.io/v1";
  readonly kind: K;
  readonly metadata: ObjectMeta;
  readonly roleRef: { readonly apiGroup: string; readonly kind: string; readonly name: string };
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

/** A ConfigMap. */
export interface ConfigMap {
  readonly apiVersion: "v1";
  readonly kind: "ConfigMap";
  readonly metadata: ObjectMeta;
  /** Whether the API server refuses another content. Default false. */
  readonly immutable?: boolean;
  readonly data: { readonly "config.conf": string; readonly "kubeconfig.conf": string };
}

/** An environment variable with a value, or the name of the pod's field that it takes its value from. */
export interface ContainerEnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef: { readonly apiVersion?: string; readonly fieldPath: string } };
}

/** The kube-proxy container. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly command: readonly string[];
  readonly env: readonly ContainerEnvVar[];
  readonly resources: {
    readonly limits?: Readonly<Record<string, string>>;
    readonly requests?: Readonly<Record<string, string>>;
  };
  readonly securityContext: SecurityContext;
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
    readonly subPath?: string;
    readonly mountPropagation?: string;
  }[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
}

/** What a container may do. */
export interface SecurityContext {
  readonly privileged: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly capabilities?: { readonly add: readonly string[]; readonly drop: readonly string[] };
  readonly seccompProfile?: { readonly type: string };
}

/** Which nodes the pods go to beyond their nodeSelector; kubeadm has none. */
export interface Affinity {
  readonly nodeAffinity?: {
    readonly requiredDuringSchedulingIgnoredDuringExecution: {
      readonly nodeSelectorTerms: readonly {
        readonly matchExpressions: readonly NodeSelectorRequirement[];
      }[];
    };
  };
  readonly podAntiAffinity?: {
    readonly requiredDuringSchedulingIgnoredDuringExecution: readonly {
      readonly labelSelector: { readonly matchLabels: Readonly<Record<string, string>> };
      readonly topologyKey: string;
    }[];
  };
}

/** The pods' spec. */
export interface PodSpec {
  readonly priorityClassName: string;
  readonly serviceAccountName: string;
  readonly hostNetwork: boolean;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly affinity?: Affinity;
  readonly tolerations: readonly {
    readonly key?: string;
    readonly operator?: string;
    readonly value?: string;
    readonly effect?: string;
    readonly tolerationSeconds?: number;
  }[];
  readonly imagePullSecrets?: readonly { readonly name: string }[];
  readonly hostAliases?: readonly HostAlias[];
  /** Only where it is hardened. */
  readonly initContainers?: readonly [Container];
  readonly containers: readonly [Container];
  readonly volumes: readonly Volume[];
}

/** A DaemonSet. */
export interface DaemonSet {
  readonly apiVersion: "apps/v1";
  readonly kind: "DaemonSet";
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly updateStrategy: {
      readonly type: string;
      readonly rollingUpdate?: { readonly maxUnavailable?: number | string };
    };
    readonly template: {
      readonly metadata: {
        readonly labels: Readonly<Record<string, string>>;
        readonly annotations?: Readonly<Record<string, string>>;
      };
      readonly spec: PodSpec;
    };
  };
}

/** Everything that makes up a cluster's kube-proxy. */
export interface KubeProxyObjects {
  readonly serviceAccount: ServiceAccount;
  /** Only when an own ClusterRole was asked for. */
  readonly clusterRole?: RoleObject<"ClusterRole">;
  readonly clusterRoleBinding: BindingObject<"ClusterRoleBinding">;
  readonly role: RoleObject<"Role">;
  readonly roleBinding: BindingObject<"RoleBinding">;
  readonly configMap: ConfigMap;
  readonly daemonSet: DaemonSet;
}
