/** What kube-proxy's pods can have beside what kubeadm makes, in Kubernetes' own words: the part of its API that settings take. */

/** A requirement of a node's label, as in a nodeAffinity's `matchExpressions`. */
export interface NodeSelectorRequirement {
  /** The label's key. */
  key: string;
  /** `In`, `NotIn`, `Exists` or `DoesNotExist`. */
  operator: string;
  /** Values of the label: one or more with In and NotIn, none otherwise. */
  values?: string[];
}

/** A header of a probe's request. */
export interface HTTPHeader {
  /** Its name. */
  name: string;
  /** Its value. */
  value: string;
}

/** A probe's HTTP request. */
export interface HTTPGetAction {
  /** Path on the server. API default `/`. */
  path?: string;
  /** Its port, 1 to 65535; kube-proxy's `/healthz` and `/livez` are at 10256. */
  port: number;
  /** Host to connect to. API default: the pod's IP, which is the node's. */
  host?: string;
  /** `HTTP` (default) or `HTTPS`. */
  scheme?: string;
  /** Headers of the request. Default: none. */
  httpHeaders?: HTTPHeader[];
}

/** A probe's connection. */
export interface TCPSocketAction {
  /** Its port, 1 to 65535. */
  port: number;
  /** Host to connect to. API default: the pod's IP, which is the node's. */
  host?: string;
}

/** A probe's command. */
export interface ExecAction {
  /** The command and its arguments; there is no shell. */
  command: string[];
}

/** A probe of kube-proxy's container: one of httpGet, tcpSocket and exec, and when it is asked. */
export interface Probe {
  /** A request that has to be answered by a status from 200 to 399. */
  httpGet?: HTTPGetAction;
  /** A connection that has to be accepted. */
  tcpSocket?: TCPSocketAction;
  /** A command in the container that has to end with 0. */
  exec?: ExecAction;
  /** Seconds before the first one. API default 0. */
  initialDelaySeconds?: number;
  /** Seconds between two. API default 10. */
  periodSeconds?: number;
  /** Seconds until one has failed. API default 1. */
  timeoutSeconds?: number;
  /** Successes after which it is well again. API default 1. */
  successThreshold?: number;
  /** Failures after which it is not well. API default 3. */
  failureThreshold?: number;
  /** Seconds that the container has to end after a failed liveness or startup probe. Default: the pod's. */
  terminationGracePeriodSeconds?: number;
}

/** Names of an IP address, for the pods' /etc/hosts. */
export interface HostAlias {
  /** The address. */
  ip: string;
  /** Its names. */
  hostnames: string[];
}

/** A key of a ConfigMap or a Secret as a file. */
export interface KeyToPath {
  /** The key. */
  key: string;
  /** The file's path in the volume. */
  path: string;
  /** The file's mode, 0 to 511. Default: the volume's. */
  mode?: number;
}

/** A file or folder of the node as a volume. */
export interface HostPathVolumeSource {
  /** Its absolute path. */
  path: string;
  /** What it has to be, such as `Directory` or `FileOrCreate`. API default: anything. */
  type?: string;
}

/** A ConfigMap of kube-system as a volume. */
export interface ConfigMapVolumeSource {
  /** Its name. */
  name: string;
  /** Mode of its files, 0 to 511. API default 420, which is 0644. */
  defaultMode?: number;
  /** Which keys are files. Default: all. */
  items?: KeyToPath[];
  /** Whether pods start without it. API default false. */
  optional?: boolean;
}

/** A Secret of kube-system as a volume. */
export interface SecretVolumeSource {
  /** Its name. */
  secretName: string;
  /** Mode of its files, 0 to 511. API default 420, which is 0644. */
  defaultMode?: number;
  /** Which keys are files. Default: all. */
  items?: KeyToPath[];
  /** Whether pods start without it. API default false. */
  optional?: boolean;
}

/** A folder that lives as long as the pod. */
export interface EmptyDirVolumeSource {
  /** `Memory`, or the node's disk by default. */
  medium?: string;
  /** How much it holds, a quantity such as `64Mi`. Default: what the node has. */
  sizeLimit?: string;
}

/** A volume of kube-proxy's pods beside kubeadm's three: its name and one of the others. */
export interface Volume {
  /** A DNS label; not that of a volume of kubeadm's. */
  name: string;
  /** A file or folder of the node. */
  hostPath?: HostPathVolumeSource;
  /** A ConfigMap of kube-system. */
  configMap?: ConfigMapVolumeSource;
  /** A Secret of kube-system. */
  secret?: SecretVolumeSource;
  /** A folder that lives as long as the pod. */
  emptyDir?: EmptyDirVolumeSource;
}

/** Where a volume is in kube-proxy's container. */
export interface VolumeMount {
  /** Name of one of {@link PodSettings.volumes}. */
  name: string;
  /** Absolute path in the container. */
  mountPath: string;
  /** Whether it can only be read. API default false. */
  readOnly?: boolean;
  /** Path in the volume. Default: its root. */
  subPath?: string;
  /** `None` (default), `HostToContainer` or `Bidirectional`. */
  mountPropagation?: string;
}

/** What real clusters' pods of kube-proxy have beside kubeadm's, in Kubernetes' own words. */
export interface PodSettings {
  /** Nodes that match one of these get no kube-proxy. Default: none. */
  excludeNodes?: NodeSelectorRequirement[];
  /** Name of the pods' PriorityClass. Default `system-node-critical`, as kubeadm. */
  priorityClassName?: string;
  /** Names for the pods' /etc/hosts. Default: none. */
  hostAliases?: HostAlias[];
  /** Volumes beside kubeadm's. Default: none. */
  volumes?: Volume[];
  /** Where they are in the container. Default: none. */
  volumeMounts?: VolumeMount[];
  /** Restarts the container when it fails. Default: none, as kubeadm. */
  livenessProbe?: Probe;
  /** Says when the pod is ready. Default: none, as kubeadm. */
  readinessProbe?: Probe;
  /** Holds the other probes back until it succeeds. Default: none, as kubeadm. */
  startupProbe?: Probe;
}
