import type { Yaml } from "./goYaml.ts";

/**
 * The Go type of a field, which decides what is written when it is unset: the zero value of a plain type, `null` for
 * a pointer or a list, nothing at all for `omitempty`.
 */
export const Kind = {
  string: "string",
  bool: "bool",
  int32: "int32",
  uint32: "uint32",
  float32: "float32",
  /** `metav1.Duration`. */
  duration: "duration",
  /** `logsapi.TimeOrMetaDuration`: a duration, or nanoseconds as a number. */
  durationOrNanoseconds: "durationOrNanoseconds",
  /** `resource.QuantityValue`. */
  quantity: "quantity",
  boolPointer: "boolPointer",
  int32Pointer: "int32Pointer",
  durationPointer: "durationPointer",
  strings: "strings",
  stringOmitEmpty: "stringOmitEmpty",
  boolOmitEmpty: "boolOmitEmpty",
  /** `map[string]bool`, omitempty. */
  boolsByName: "boolsByName",
  /** `[]VModuleItem`, omitempty. */
  vmodule: "vmodule",
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** One field of KubeProxyConfiguration v1alpha1. */
export interface Field {
  /** Its path, dotted. */
  readonly path: string;
  readonly kind: Kind;
  /** The first minor that has it; 15 stands for 1.15, the oldest one that this project knows. */
  readonly since: number;
  /** The last minor that has it; absent while it exists. */
  readonly until?: number;
  /** What kube-proxy of 1.15 and 1.16 puts in for the zero value, and kubeadm of these minors writes out. */
  readonly defaulted?: Yaml;
}

interface Life {
  since?: number;
  until?: number;
  defaulted?: Yaml;
}

function field(path: string, kind: Kind, { since = 15, ...rest }: Life = {}): Field {
  return { path, kind, since, ...rest };
}

/**
 * Every field of KubeProxyConfiguration v1alpha1 in 1.15 to 1.37.
 *
 * Source: k8s.io/kube-proxy/config/v1alpha1 `types.go`, k8s.io/component-base `config` and `logs/api/v1`, at each
 * minor; defaults of 1.15 from pkg/proxy/apis/config/v1alpha1 `defaults.go`.
 */
export const fields: readonly Field[] = [
  field("bindAddress", Kind.string, { defaulted: "0.0.0.0" }),
  field("bindAddressHardFail", Kind.bool, { since: 19 }),
  field("clientConnection.acceptContentTypes", Kind.string),
  field("clientConnection.burst", Kind.int32, { defaulted: 10 }),
  field("clientConnection.contentType", Kind.string, { defaulted: "application/vnd.kubernetes.protobuf" }),
  field("clientConnection.kubeconfig", Kind.string),
  field("clientConnection.qps", Kind.float32, { defaulted: 5 }),
  field("clusterCIDR", Kind.string),
  field("configSyncPeriod", Kind.duration, { defaulted: "15m0s" }),
  field("conntrack.maxPerCore", Kind.int32Pointer, { defaulted: 32768 }),
  field("conntrack.min", Kind.int32Pointer, { defaulted: 131072 }),
  field("conntrack.tcpBeLiberal", Kind.bool, { since: 29 }),
  field("conntrack.tcpCloseWaitTimeout", Kind.durationPointer, { defaulted: "1h0m0s" }),
  field("conntrack.tcpEstablishedTimeout", Kind.durationPointer, { defaulted: "24h0m0s" }),
  field("conntrack.udpStreamTimeout", Kind.duration, { since: 29 }),
  field("conntrack.udpTimeout", Kind.duration, { since: 29 }),
  field("detectLocal.bridgeInterface", Kind.string, { since: 24 }),
  field("detectLocal.interfaceNamePrefix", Kind.string, { since: 24 }),
  field("detectLocalMode", Kind.string, { since: 18 }),
  field("enableProfiling", Kind.bool),
  field("featureGates", Kind.boolsByName),
  field("healthzBindAddress", Kind.string, { defaulted: "0.0.0.0:10256" }),
  field("hostnameOverride", Kind.string),
  field("iptables.localhostNodePorts", Kind.boolPointer, { since: 26 }),
  field("iptables.masqueradeAll", Kind.bool),
  field("iptables.masqueradeBit", Kind.int32Pointer, { defaulted: 14 }),
  field("iptables.minSyncPeriod", Kind.duration),
  field("iptables.syncPeriod", Kind.duration, { defaulted: "30s" }),
  field("ipvs.excludeCIDRs", Kind.strings),
  field("ipvs.minSyncPeriod", Kind.duration),
  field("ipvs.scheduler", Kind.string),
  field("ipvs.strictARP", Kind.bool),
  field("ipvs.syncPeriod", Kind.duration, { defaulted: "30s" }),
  field("ipvs.tcpFinTimeout", Kind.duration, { since: 18 }),
  field("ipvs.tcpTimeout", Kind.duration, { since: 18 }),
  field("ipvs.udpTimeout", Kind.duration, { since: 18 }),
  field("logging.flushFrequency", Kind.durationOrNanoseconds, { since: 28 }),
  field("logging.format", Kind.stringOmitEmpty, { since: 28 }),
  field("logging.options.json.infoBufferSize", Kind.quantity, { since: 28 }),
  field("logging.options.json.splitStream", Kind.boolOmitEmpty, { since: 28 }),
  field("logging.options.text.infoBufferSize", Kind.quantity, { since: 30 }),
  field("logging.options.text.splitStream", Kind.boolOmitEmpty, { since: 30 }),
  field("logging.verbosity", Kind.uint32, { since: 28 }),
  field("logging.vmodule", Kind.vmodule, { since: 28 }),
  field("metricsBindAddress", Kind.string, { defaulted: "127.0.0.1:10249" }),
  field("mode", Kind.string),
  field("nftables.masqueradeAll", Kind.bool, { since: 29 }),
  field("nftables.masqueradeBit", Kind.int32Pointer, { since: 29 }),
  field("nftables.minSyncPeriod", Kind.duration, { since: 29 }),
  field("nftables.syncPeriod", Kind.duration, { since: 29 }),
  field("nodePortAddresses", Kind.strings),
  field("oomScoreAdj", Kind.int32Pointer, { defaulted: -999 }),
  field("portRange", Kind.string),
  field("resourceContainer", Kind.string, { until: 15, defaulted: "/kube-proxy" }),
  field("showHiddenMetricsForVersion", Kind.string, { since: 18 }),
  field("udpIdleTimeout", Kind.duration, { until: 25, defaulted: "250ms" }),
  field("windowsRunAsService", Kind.boolOmitEmpty, { since: 31 }),
  field("winkernel.enableDSR", Kind.bool),
  field("winkernel.forwardHealthCheckVip", Kind.bool, { since: 24 }),
  field("winkernel.networkName", Kind.string),
  field("winkernel.rootHnsEndpointName", Kind.string, { since: 24 }),
  field("winkernel.sourceVip", Kind.string),
];

/** A field that was there before 1.15 and is known to no minor of this project. */
interface FormerField {
  readonly path: string;
  /** The last minor that had it. */
  readonly until: number;
  /** What to do, as a part of a sentence. */
  readonly instead: string;
}

/**
 * Fields of older releases, which old files and old advice still have.
 *
 * Source: pkg/proxy/apis/config/v1alpha1 `types.go` up to 1.14.
 */
export const formerFields: readonly FormerField[] = [
  { path: "conntrack.max", until: 14, instead: "set conntrack.maxPerCore and conntrack.min in its place" },
];

const fieldsByMinor = new Map<number, readonly Field[]>();

/** The fields that a minor has; of any minor when none is given. */
export function fieldsOf(minor: number | undefined): readonly Field[] {
  if (minor === undefined) {
    return fields;
  }
  const known =
    fieldsByMinor.get(minor) ??
    fields.filter(({ since, until }) => since <= minor && (until === undefined || minor <= until));
  fieldsByMinor.set(minor, known);
  return known;
}
