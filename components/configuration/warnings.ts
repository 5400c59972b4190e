import { advisoryOf } from "../advisories/advisories.ts";
import { Effective } from "./effective.ts";
import { gatesOf } from "./featureGates.ts";
import { splitHostPort } from "./goAddress.ts";
import { parseGoDuration } from "./goDuration.ts";

/** Something that is legal, but has no effect or is unwise. */
export interface Warning {
  /** Path of the field in the user's own spelling. */
  readonly path: string;
  /** The value as it was given; absent where none was. */
  readonly value?: unknown;
  /** What is wrong with it, and what to do. */
  readonly reason: string;
  /** Since when that is so: a Kubernetes release and its month. */
  readonly date: string;
}

interface Row {
  /** The field, dotted. */
  readonly path: string;
  /** The first minor that it is said of; absent for all. */
  readonly since?: number;
  readonly when: (configuration: Effective, path: string) => boolean;
  readonly reason: string;
  readonly date: string;
}

const always = "1.15 (June 2019)";
const isGiven = (configuration: Effective, path: string) => configuration.given(path) !== undefined;
/** Given, and not the zero value, which Go cannot tell from unset. */
const isSet = (configuration: Effective, path: string) => Boolean(configuration.given(path));
const mode = (configuration: Effective) => configuration.text("mode");
const hostOf = (configuration: Effective, path: string) =>
  splitHostPort(configuration.text(path))?.host ?? "";
const isLoopback = (host: string) => host.startsWith("127.") || host === "::1";
const isZero = (configuration: Effective, path: string) => {
  const given = configuration.given(path);
  return typeof given === "string" && parseGoDuration(given) === 0n;
};

function onlyIn(modes: readonly string[], paths: readonly string[]): Row[] {
  return paths.map((path) => ({
    path,
    when: (configuration) => isSet(configuration, path) && !modes.includes(mode(configuration)),
    reason: `has no effect: only mode ${modes.join(" and ")} reads it`,
    date: always,
  }));
}

function onlyWith(path: string, detectLocalMode: string, since: number, date: string): Row {
  return {
    path,
    since,
    when: (configuration) =>
      isSet(configuration, path) && configuration.text("detectLocalMode") !== detectLocalMode,
    reason: `has no effect: only detectLocalMode ${detectLocalMode} reads it`,
    date,
  };
}

/** What an advisory says; here it is said for every version. */
function toldBy(name: string): Pick<Row, "reason" | "date"> {
  const { what, remedy, date } = advisoryOf(name);
  return { reason: `${what}; ${remedy}`, date };
}

const longest = 30_000_000_000n;
const defaultsToOneSecond = 19;

/**
 * Every warning, in the order of the fields' names.
 *
 * Source: kube-proxy's `server_linux.go` and release notes, the Kubernetes page "Virtual IPs and Service Proxies",
 * kubescape's control C-0291.
 */
const rows: readonly Row[] = [
  {
    path: "bindAddress",
    when: (configuration, path) =>
      isSet(configuration, path) && !["0.0.0.0", "::"].includes(configuration.text(path)),
    reason: "is one node's address, but every node gets it; no socket is bound to it: write 0.0.0.0 or ::",
    date: "1.37 (August 2026), since which kubeadm warns of it",
  },
  onlyWith("clusterCIDR", "ClusterCIDR", 18, "1.18 (March 2020)"),
  {
    path: "conntrack.min",
    when: (configuration, path) =>
      isSet(configuration, path) && configuration.given("conntrack.maxPerCore") === 0,
    reason: "has no effect: conntrack.maxPerCore 0 leaves the kernel's limit as it is",
    date: always,
  },
  onlyWith("detectLocal.bridgeInterface", "BridgeInterface", 24, "1.24 (May 2022)"),
  onlyWith("detectLocal.interfaceNamePrefix", "InterfaceNamePrefix", 24, "1.24 (May 2022)"),
  {
    path: "enableProfiling",
    when: (configuration, path) =>
      isSet(configuration, path) && !isLoopback(hostOf(configuration, "metricsBindAddress")),
    reason:
      "serves profiles of the process to everybody who reaches the node: bind metricsBindAddress to loopback",
    date: always,
  },
  {
    path: "healthzBindAddress",
    when: (configuration, path) => isLoopback(hostOf(configuration, path)),
    reason: "is closed: load balancers cannot ask for the node's health, and take it out of service",
    date: always,
  },
  {
    path: "hostnameOverride",
    when: isSet,
    reason: "has no effect: kubeadm's DaemonSet passes --hostname-override, which wins",
    date: always,
  },
  ...onlyIn(["iptables"], ["iptables.localhostNodePorts", "iptables.minSyncPeriod", "iptables.syncPeriod"]),
  ...onlyIn(["iptables", "ipvs"], ["iptables.masqueradeAll", "iptables.masqueradeBit"]),
  ...onlyIn(
    ["ipvs"],
    "excludeCIDRs minSyncPeriod scheduler strictARP syncPeriod tcpFinTimeout tcpTimeout udpTimeout"
      .split(" ")
      .map((field) => `ipvs.${field}`),
  ),
  ...["iptables", "ipvs", "nftables"].flatMap((section): Row[] => [
    {
      path: `${section}.minSyncPeriod`,
      when: (configuration, path) => mode(configuration) === section && isZero(configuration, path),
      reason:
        "0s either stands for the default or syncs the rules at each single change, which large clusters do not bear: leave it out",
      date: `1.${defaultsToOneSecond} (August 2020), since which the default is 1s`,
    },
    {
      path: `${section}.syncPeriod`,
      when: (configuration, path) =>
        mode(configuration) === section && configuration.nanoseconds(path) > longest,
      reason:
        "is long: a lost rule stays lost for as long, and /healthz needs twice the time to tell; changes do not need it",
      date: "1.28 (August 2023), since which iptables mode writes only what has changed",
    },
  ]),
  ...["json", "text"].map((format) => ({
    path: `logging.options.${format}.splitStream`,
    when: isSet,
    reason: "has no effect: kube-proxy resets it to its flag's default, false",
    date: "1.28 (August 2023)",
  })),
  {
    path: "metricsBindAddress",
    when: (configuration, path) => !isSet(configuration, path),
    reason:
      "is empty: it means 127.0.0.1:10249, but scanners such as kubescape (C-0291) take it for open: write it out",
    date: always,
  },
  {
    path: "metricsBindAddress",
    when: (configuration, path) => isSet(configuration, path) && !isLoopback(hostOf(configuration, path)),
    reason:
      "is open: it needs no authentication, so everybody who reaches the node reads metrics and configuration",
    date: always,
  },
  {
    path: "mode",
    when: (configuration, path) => !isSet(configuration, path),
    ...toldBy("mode-unset"),
  },
  {
    path: "mode",
    when: (configuration) => mode(configuration) === "ipvs",
    ...toldBy("ipvs-deprecated"),
  },
  ...onlyIn(
    ["nftables"],
    ["masqueradeAll", "masqueradeBit", "minSyncPeriod", "syncPeriod"].map((field) => `nftables.${field}`),
  ),
  ...["portRange", "udpIdleTimeout"].map((path) => ({
    path,
    when: (configuration: Effective) => isSet(configuration, path) && mode(configuration) !== "userspace",
    reason: "has no effect: only mode userspace read it, which is gone since 1.26",
    date: "1.26 (December 2022)",
  })),
  ...[
    "windowsRunAsService",
    ..."enableDSR forwardHealthCheckVip networkName rootHnsEndpointName sourceVip"
      .split(" ")
      .map((field) => `winkernel.${field}`),
  ].map((path) => ({
    path,
    when: isSet,
    reason: "has no effect: only Windows reads it, and kubeadm's DaemonSet runs on Linux",
    date: always,
  })),
];

/**
 * Finds what is legal in a minor, but without effect or unwise.
 *
 * @param given - the configuration as the user wrote it
 */
export function warningsOf(given: object, minor: number): Warning[] {
  const configuration = new Effective(given, minor);
  const found = rows
    .filter(({ since = 0, path, when }) => since <= minor && when(configuration, path))
    .map(({ path, reason, date }) => ({ path, ...valueAt(configuration, path), reason, date }));
  return [...found, ...gateWarnings(configuration)];
}

function valueAt(configuration: Effective, path: string): { value?: unknown } {
  return isGiven(configuration, path) ? { value: configuration.given(path) } : {};
}

function gateWarnings(configuration: Effective): Warning[] {
  const gates = gatesOf(configuration.minor);
  return Object.entries(configuration.mapping("featureGates")).flatMap(([name, value]) => {
    const stage = gates.get(name)?.stage;
    return stage === "GA" || stage === "deprecated"
      ? [
          {
            path: `featureGates.${name}`,
            value,
            reason: `is ${stage}: a later minor removes the gate, and its kube-proxy exits on the name; leave it out`,
            date: `1.${configuration.minor}`,
          },
        ]
      : [];
  });
}
