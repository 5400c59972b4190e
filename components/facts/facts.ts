import type {
  ClusterRoleFacts,
  ControllerFacts,
  DataPlaneFacts,
  NamespaceFacts,
  OtherDaemonSetFacts,
  QuotaFacts,
  StaticPodFacts,
  WebhookFacts,
} from "./surroundings.ts";

/** What a running cluster says that decides what an `up` does. */
export interface ClusterFacts {
  /** All nodes. */
  nodes: NodeFacts[];
  /** The DaemonSets in kube-system whose pods have label `k8s-app=kube-proxy`. */
  daemonSets: DaemonSetFacts[];
  /** The ConfigMaps in kube-system with label `app=kube-proxy`: kubeadm's one and those of pools. */
  configMaps: ConfigMapFacts[];
  /** Those of them that this program has made to be immutable, see `immutableLabel`; none of them is in the list above. */
  immutableConfigs?: ConfigMapFacts[];
  /** The pods that help in a switch between modes which has not ended. */
  helpers: HelperFacts[];
  /** kube-proxy's objects by kubeadm's names, as far as they exist, as a list in JSON: what `adopt` takes over. */
  objects?: string;
  /** kubeadm's own ClusterConfiguration, as YAML; absent where kubeadm left none. */
  clusterConfiguration?: string;
  /** What could not be read, by its name here, and why; it is empty or absent then. Default: everything was read. */
  unread?: Record<string, string>;
  /** URL of the API server, as the program reaches it. */
  server?: string;
  /** Context of the kubeconfig by which it was reached; absent within a cluster, where there is no kubeconfig. */
  context?: string;
  /** Version of the API server, such as `v1.37.2`. */
  serverVersion?: string;
  /** Namespace kube-system. */
  namespace?: NamespaceFacts;
  /** Webhooks that the API server asks before it admits an object, and whose failure is a refusal. */
  webhooks?: WebhookFacts[];
  /** ResourceQuotas of kube-system. */
  quotas?: QuotaFacts[];
  /** ClusterRole `system:node-proxier`, where there is one. */
  clusterRoles?: ClusterRoleFacts[];
  /** Names of the PriorityClasses. */
  priorityClasses?: string[];
  /** The Services' ranges of addresses. */
  serviceCIDRs?: string[];
  /** Addresses that the API servers themselves say they have. */
  apiServers?: string[];
  /** All DaemonSets but those in {@link daemonSets}. */
  otherDaemonSets?: OtherDaemonSetFacts[];
  /** Everything in kube-system that makes pods, with what it selects. */
  controllers?: ControllerFacts[];
  /** Pods of kube-proxy that a kubelet runs from a file, without a DaemonSet. */
  staticPods?: StaticPodFacts[];
  /** Settings by which a network plugin says whether it does kube-proxy's work itself. */
  dataPlanes?: DataPlaneFacts[];
  /** Rights that whoever runs the program lacks, in the words of `describeAccess`. */
  denied?: string[];
}

/** The facts without which nothing can be said of what an `up` does. */
const decisive = [
  "nodes",
  "daemonSets",
  "configMaps",
  "helpers",
  "objects",
  "clusterConfiguration",
  // Without its UID it could be any cluster.
  "namespace",
];

/** Whether a fact, by its name, decides what an `up` does. */
export function isDecisive(name: string): boolean {
  return decisive.includes(name);
}

/** The facts, unless one of those that decide what an `up` does could not be read. */
export function wholeFacts(facts: ClusterFacts | undefined): ClusterFacts | undefined {
  return Object.keys(facts?.unread ?? {}).some(isDecisive) ? undefined : facts;
}

/** A node. */
export interface NodeFacts {
  name: string;
  labels: Record<string, string>;
  taints: TaintFacts[];
  /** Status of its condition Ready: `True`, `False`, or `Unknown` when its kubelet does not answer, or has never yet. */
  ready: string;
  /** Whether it is cordoned. Default false. */
  unschedulable?: boolean;
  /** Ranges of addresses of its pods. Default: none. */
  podCIDRs?: string[];
  /** Addresses and names of its own. Default: none. */
  addresses?: string[];
  /** What its kubelet says of itself; absent until it has. */
  system?: NodeSystemFacts;
}

/** What a kubelet says of itself and its machine. */
export interface NodeSystemFacts {
  /** Such as `v1.37.2`. */
  kubelet: string;
  /** Such as `6.12.0-amd64`. */
  kernel: string;
  /** `linux` or `windows`. */
  os: string;
  /** Such as `Debian GNU/Linux 13 (trixie)`; absent where it is empty. */
  osImage?: string;
  /** Such as `amd64`. */
  architecture: string;
}

/** A taint of a node. */
export interface TaintFacts {
  key: string;
  value?: string;
  /** `NoSchedule`, `PreferNoSchedule` or `NoExecute`. */
  effect: string;
}

/** A DaemonSet of kube-proxy. */
export interface DaemonSetFacts {
  name: string;
  uid: string;
  /** Its annotations whose keys begin with `kube-proxy/` or `pulumi.com/`. */
  annotations: Record<string, string>;
  /** The API server adds one with every change of the spec. */
  generation: number;
  /** Its spec, with what the API server has filled in. */
  // Pulumi's schema of the component has no word for "unknown".
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  spec: Record<string, any>;
  /** Who has written to it, as the API server calls them (`kubeadm`, `kubectl-edit`), the last one first. */
  managers: string[];
  /** Fields of its spec that others than this program and kubeadm have written, as paths; default none. */
  written?: string[];
  /** The token of its pods before somebody wrote it anew; read only where somebody has, and it had one. */
  restarted?: string;
  /** Nodes that should have a pod of it. */
  desired: number;
  /** Nodes that have one which serves. */
  available: number;
  /** Nodes that have one of the newest template. Default: all. */
  updated?: number;
  /** Whether its controller has seen its newest change. Default true. */
  observed?: boolean;
}

/** A ConfigMap of kube-proxy. */
export interface ConfigMapFacts {
  name: string;
  /** Another one with every change. */
  resourceVersion: string;
  /** `config.conf` and `kubeconfig.conf`, and whatever else somebody put there. */
  data: Record<string, string>;
  /** When it was made, RFC 3339; told of immutable ones alone. */
  created?: string;
}

/** A pod that helps in a switch between modes. */
export interface HelperFacts {
  uid: string;
  /** The mode whose rules it makes; `clearing` for one that removes rules, `counting` for one that looks at ipvs. */
  mode: string;
  /** The mode of the kube-proxy that it stands beside, where that has said it. */
  beside?: string;
}
