/** What a cluster says that only the checks before an `up` look at; a part of ClusterFacts. */

/** A namespace. */
export interface NamespaceFacts {
  /** What tells one cluster from another. */
  uid: string;
  labels: Record<string, string>;
}

/** A webhook that has to answer before an object is admitted. */
export interface WebhookFacts {
  /** Such as `ValidatingWebhookConfiguration policy`. */
  configuration: string;
  name: string;
  rules: WebhookRuleFacts[];
  namespaceSelector: SelectorFacts;
  objectSelector: SelectorFacts;
  /** Namespace and name of the Service behind it; absent where it is a URL. */
  service?: string;
  /** Whether it has conditions in CEL, which are not looked at. Default false. */
  conditional?: boolean;
}

/** Which requests a webhook is asked about; `*` stands for all. */
export interface WebhookRuleFacts {
  operations: string[];
  groups: string[];
  versions: string[];
  resources: string[];
  /** `Namespaced`, `Cluster` or `*`. */
  scope: string;
}

/** A label selector; an empty one selects everything. */
export interface SelectorFacts {
  matchLabels?: Record<string, string>;
  matchExpressions?: RequirementFacts[];
}

/** A requirement of a label. */
export interface RequirementFacts {
  key: string;
  operator: string;
  values?: string[];
}

/** A ResourceQuota. */
export interface QuotaFacts {
  name: string;
  hard: Record<string, string>;
  used: Record<string, string>;
  /** Which pods count: such as `NotBestEffort`. Default: all. */
  scopes?: string[];
  /** Which pods count, by name of the scope. Default: all. */
  scopeSelector?: ScopeFacts[];
}

/** A requirement of what a quota counts. */
export interface ScopeFacts {
  scopeName: string;
  operator: string;
  values?: string[];
}

/** A ClusterRole. */
export interface ClusterRoleFacts {
  name: string;
  rules: RuleFacts[];
}

/** A rule of a ClusterRole. */
export interface RuleFacts {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  /** Default: all. */
  resourceNames?: string[];
}

/** A DaemonSet that is not kube-proxy's as kubeadm makes it. */
export interface OtherDaemonSetFacts {
  namespace: string;
  name: string;
  /** Its pods' nodeSelector. */
  nodeSelector: Record<string, string>;
  /** Its pods' `spec.os.name`. */
  os?: string;
  /** The terms of its pods' required node affinity, of which one has to hold. Default: none. */
  terms?: SelectorFacts[];
  containers: ContainerFacts[];
}

/** What makes pods of kube-system, and adopts those that it selects and that belong to nobody. */
export interface ControllerFacts {
  /** `DaemonSet`, `ReplicaSet`, `StatefulSet`, `Job` or `ReplicationController`. */
  kind: string;
  name: string;
  selector: SelectorFacts;
}

/** A container of a pod template. */
export interface ContainerFacts {
  name: string;
  image: string;
  /** Command and arguments. */
  command: string[];
}

/** A pod that a kubelet runs from a file. */
export interface StaticPodFacts {
  namespace: string;
  name: string;
}

/** A setting of a network plugin. */
export interface DataPlaneFacts {
  /** Such as `Cilium`. */
  plugin: string;
  /** Where it was found, such as `kube-proxy-replacement in ConfigMap kube-system/cilium-config`. */
  setting: string;
  value: string;
}
