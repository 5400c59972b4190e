/**
 * KubeProxyConfiguration of API version `kubeproxy.config.k8s.io/v1alpha1`, with every field that a minor from 1.15 to
 * 1.37 has. Durations are Go durations with a unit (`30s`, `1h30m`). A default is what kube-proxy applies when the
 * field is unset, zero or empty.
 *
 * Source: k8s.io/kube-proxy/config/v1alpha1 `types.go`; `fields.ts` says which minor has which field.
 */
export interface KubeProxyConfiguration {
  /** Only `kubeproxy.config.k8s.io/v1alpha1`; may be left out. */
  apiVersion?: string;
  /** Only `KubeProxyConfiguration`; may be left out. */
  kind?: string;
  /** IP address whose family is the node's primary one: `0.0.0.0` (default) or `::`. No socket is bound to it. */
  bindAddress?: string;
  /** Exit when a port for healthz or metrics cannot be bound. Default false. Since 1.19. */
  bindAddressHardFail?: boolean;
  /** How kube-proxy talks to the API server. */
  clientConnection?: ClientConnection;
  /** The pods' CIDR, or an IPv4,IPv6 pair. Default: networking.podSubnet. */
  clusterCIDR?: string;
  /** How often all configuration is refreshed from the API server. Default 15m. */
  configSyncPeriod?: string;
  /** Connection tracking in the kernel. */
  conntrack?: Conntrack;
  /** How pod traffic is told apart, for `detectLocalMode` BridgeInterface and InterfaceNamePrefix. Since 1.24. */
  detectLocal?: DetectLocal;
  /** `ClusterCIDR` (default), `NodeCIDR`, since 1.24 also `BridgeInterface` and `InterfaceNamePrefix`. Since 1.18. */
  detectLocalMode?: string;
  /** Serve pprof on the metrics port. Default false. */
  enableProfiling?: boolean;
  /** Feature gates by name; kube-proxy exits on an unknown one. */
  featureGates?: Record<string, boolean>;
  /** `IP:port` of `/healthz` and `/livez`. Default `0.0.0.0:10256`. */
  healthzBindAddress?: string;
  /** The node's name. kubeadm's DaemonSet overrides it by a flag, so it has no effect here. */
  hostnameOverride?: string;
  /** Settings of mode iptables. */
  iptables?: IptablesConfiguration;
  /** Settings of mode ipvs, which is deprecated since 1.35. */
  ipvs?: IpvsConfiguration;
  /** Log format and verbosity. Since 1.28. */
  logging?: LoggingConfiguration;
  /** `IP:port` of `/metrics` and `/proxyMode`, without authentication. Default `127.0.0.1:10249`. */
  metricsBindAddress?: string;
  /** `iptables`, `ipvs`, `nftables` (beta 1.31, GA 1.33). Default on Linux: iptables. */
  mode?: string;
  /** Settings of mode nftables. Since 1.29. */
  nftables?: NftablesConfiguration;
  /** CIDRs of the node's addresses that answer NodePorts, or `primary`. Default: all; nftables: primary. */
  nodePortAddresses?: string[];
  /** OOM score of the process, -1000 to 1000. Default -999. */
  oomScoreAdj?: number;
  /** Unused since mode userspace is gone (1.26). */
  portRange?: string;
  /** Only 1.15. */
  resourceContainer?: string;
  /** Previous minor whose hidden metrics are shown, such as `1.36`. Since 1.18. */
  showHiddenMetricsForVersion?: string;
  /** Only up to 1.25. Default 250ms. */
  udpIdleTimeout?: string;
  /** Windows only. Since 1.31. */
  windowsRunAsService?: boolean;
  /** Windows only. */
  winkernel?: WinkernelConfiguration;
}

/** How kube-proxy talks to the API server. */
export interface ClientConnection {
  /** Accept header. Default: the content type. */
  acceptContentTypes?: string;
  /** Requests allowed above `qps` for a moment. Default 10. */
  burst?: number;
  /** Default `application/vnd.kubernetes.protobuf`. */
  contentType?: string;
  /** Path of the kubeconfig in the container. Default, as kubeadm sets it: `/var/lib/kube-proxy/kubeconfig.conf`. */
  kubeconfig?: string;
  /** Requests a second. Default 5. */
  qps?: number;
}

/** Connection tracking in the kernel; 0 leaves the kernel's value. */
export interface Conntrack {
  /** Connections for each CPU. Default 32768. */
  maxPerCore?: number;
  /** Connections at least. Default 131072. */
  min?: number;
  /** Accept packets outside the TCP window. Default false. Since 1.29. */
  tcpBeLiberal?: boolean;
  /** Default 1h. */
  tcpCloseWaitTimeout?: string;
  /** Default 24h. */
  tcpEstablishedTimeout?: string;
  /** Default: the kernel's. Since 1.29. */
  udpStreamTimeout?: string;
  /** Default: the kernel's. Since 1.29. */
  udpTimeout?: string;
}

/** How pod traffic is told apart by its interface. */
export interface DetectLocal {
  /** Bridge of the pods. */
  bridgeInterface?: string;
  /** What the names of the pods' interfaces begin with. */
  interfaceNamePrefix?: string;
}

/** Settings of mode iptables. */
export interface IptablesConfiguration {
  /** Let NodePorts answer on 127.0.0.1. Default true. Since 1.26. */
  localhostNodePorts?: boolean;
  /** Masquerade all Service traffic. Default false. */
  masqueradeAll?: boolean;
  /** Bit of the packet mark, 0 to 31. Default 14. */
  masqueradeBit?: number;
  /** Shortest time between two syncs. Default 1s (up to 1.18: 0s). */
  minSyncPeriod?: string;
  /** Time between full checks. Default 30s. */
  syncPeriod?: string;
}

/** Settings of mode ipvs. */
export interface IpvsConfiguration {
  /** CIDRs whose virtual servers kube-proxy leaves alone. */
  excludeCIDRs?: string[];
  /** Shortest time between two syncs. Default 0s. */
  minSyncPeriod?: string;
  /** Scheduler such as rr, wrr, lc. Default rr. */
  scheduler?: string;
  /** Answer ARP only for an interface's own addresses; MetalLB needs it. Default false. */
  strictARP?: boolean;
  /** Time between full checks. Default 30s. */
  syncPeriod?: string;
  /** Default: the kernel's. Since 1.18. */
  tcpFinTimeout?: string;
  /** Default: the kernel's. Since 1.18. */
  tcpTimeout?: string;
  /** Default: the kernel's. Since 1.18. */
  udpTimeout?: string;
}

/** Settings of mode nftables. */
export interface NftablesConfiguration {
  /** Masquerade all Service traffic. Default false. */
  masqueradeAll?: boolean;
  /** Bit of the packet mark, 0 to 31. Default 14. */
  masqueradeBit?: number;
  /** Shortest time between two syncs. Default 1s. */
  minSyncPeriod?: string;
  /** Time between full checks. Default 30s. */
  syncPeriod?: string;
}

/** Log format and verbosity (component-base's LoggingConfiguration). */
export interface LoggingConfiguration {
  /** Longest time between two flushes. Default 5s. */
  flushFrequency?: string;
  /** `text` (default) or `json`. */
  format?: string;
  /** Settings of each format; needs feature gate LoggingAlphaOptions. */
  options?: LoggingOptions;
  /** Threshold, 0 (default) and up. */
  verbosity?: number;
  /** Thresholds by source file; text format only. */
  vmodule?: VModuleItem[];
}

/** Settings of each log format. */
export interface LoggingOptions {
  /** Format json. */
  json?: LoggingFormatOptions;
  /** Format text. Since 1.30. */
  text?: LoggingFormatOptions;
}

/** Settings of one log format. */
export interface LoggingFormatOptions {
  /** Size of the buffer for info messages when the stream is split, such as `64Ki`. Default 0. */
  infoBufferSize?: string;
  /** Errors to standard error, info to standard output. Default false. */
  splitStream?: boolean;
}

/** A log threshold for some source files. */
export interface VModuleItem {
  /** File name without `.go`, with wildcards. */
  filePattern: string;
  /** Threshold, 0 and up. */
  verbosity: number;
}

/** Windows only. */
export interface WinkernelConfiguration {
  /** Direct server return. Default false. */
  enableDSR?: boolean;
  /** Forward health check packets to the virtual IP. Default false. Since 1.24. */
  forwardHealthCheckVip?: boolean;
  /** Name of the HNS network. */
  networkName?: string;
  /** Name of the root HNS endpoint. Since 1.24. */
  rootHnsEndpointName?: string;
  /** IP address of the source virtual IP. */
  sourceVip?: string;
}
