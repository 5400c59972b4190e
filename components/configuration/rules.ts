import type { Problem } from "../input/problems.ts";
import { Effective } from "./effective.ts";
import { isGateOn } from "./featureGates.ts";
import { cidrFamily, ipFamily, parseDecimal, splitHostPort } from "./goAddress.ts";
import { formatGoDuration } from "./goDuration.ts";

/** What a minor's kube-proxy demands of one field before it starts. */
interface Rule {
  /** The field, dotted. */
  readonly path: string;
  /** The first minor with the rule; absent when 1.15 had it. */
  readonly since?: number;
  /** The last minor with the rule; absent while it holds. */
  readonly until?: number;
  /** Where the rule holds only for some configurations. */
  readonly when?: (configuration: Effective) => boolean;
  /** What is accepted. */
  readonly accepted: string | ((configuration: Effective) => string);
  /** Whether the field's value, given or default, is accepted. */
  readonly holds: (configuration: Effective, path: string) => boolean;
  /** The same for each entry of a list, in place of `holds` for the whole. */
  readonly each?: (entry: unknown, configuration: Effective, index: number) => boolean;
}

type Row = Omit<Rule, "holds"> & { readonly holds?: Rule["holds"] };
type Life = Pick<Rule, "since" | "until" | "when">;

const gate = (configuration: Effective, name: string) =>
  isGateOn(name, configuration.mapping("featureGates"), configuration.minor);
const inMode = (mode: string) => (configuration: Effective) => configuration.text("mode") === mode;

function within(path: string, min: number, max: number, life: Life = {}): Row {
  return {
    path,
    ...life,
    accepted: `a whole number from ${min} to ${max}`,
    holds: (configuration) => configuration.number(path) >= min && configuration.number(path) <= max,
  };
}

function notNegative(path: string, life: Life = {}): Row {
  return {
    path,
    ...life,
    accepted: "a duration of 0s or more",
    holds: (configuration) => configuration.nanoseconds(path) >= 0n,
  };
}

function positive(path: string, life: Life = {}): Row {
  return {
    path,
    ...life,
    accepted: "a duration above 0s; 0s stands for the default",
    holds: (configuration) => configuration.nanoseconds(path) > 0n,
  };
}

function oneOf(path: string, values: (configuration: Effective) => readonly string[], life: Life = {}): Row {
  return {
    path,
    ...life,
    accepted: (configuration) => values(configuration).join(", "),
    holds: (configuration) => {
      const text = configuration.text(path);
      return text === "" || values(configuration).includes(text);
    },
  };
}

/** The three rules of a mode's sync periods. */
function syncPeriods(section: string, life: Life): Row[] {
  const [period, least] = [`${section}.syncPeriod`, `${section}.minSyncPeriod`];
  return [
    positive(period, life),
    notNegative(least, life),
    {
      path: period,
      ...life,
      accepted: (configuration) =>
        `at least ${least}, which is ${formatGoDuration(configuration.nanoseconds(least))}`,
      holds: (configuration) => configuration.nanoseconds(least) <= configuration.nanoseconds(period),
    },
  ];
}

const hostPort = (path: string): Row => ({
  path,
  accepted: "IP:port or an IP address, port 1 to 65535, IPv6 with a port in brackets",
  holds: (configuration) => {
    const parts = splitHostPort(configuration.text(path));
    const port = parseDecimal(parts?.port ?? "") ?? 0;
    return parts !== undefined && ipFamily(parts.host) !== undefined && port >= 1 && port <= 65535;
  },
});

const isCidr = (entry: unknown) => typeof entry === "string" && cidrFamily(entry) !== undefined;
const oneCidr = "one CIDR, such as 10.244.0.0/16";
const cidrPair = "one CIDR, or an IPv4 and an IPv6 one with a comma between";
const isDualStack = (configuration: Effective) => gate(configuration, "IPv6DualStack");

/** One CIDR, or two of different families. */
function isCidrPair(text: string): boolean {
  const families = text.split(",").map(cidrFamily);
  return families.length <= 2 && families.every(Boolean) && new Set(families).size === families.length;
}

function clusterCIDR(life: Life, accepted: string, accepts: (text: string) => boolean): Row {
  const path = "clusterCIDR";
  return {
    path,
    ...life,
    accepted,
    holds: (configuration) => configuration.text(path) === "" || accepts(configuration.text(path)),
  };
}

const schedulers = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "dh", "sed", "nq"];
const keywords = ["primary", "localhost", "all"];

function isPortRange(given: string): boolean {
  const text = given.trim();
  const parts = text.split(/[-+]/);
  const [low, second = low] = parts.map(parseDecimal);
  if (text === "" || low === undefined || second === undefined || parts.length > 2) {
    return text === "";
  }
  const high = text.includes("+") ? low + second : second;
  return low <= 65535 && high <= 65535 && high >= low;
}

const isFilePattern = (item: unknown) => {
  const pattern = (item as { filePattern?: unknown } | null)?.filePattern;
  return typeof pattern === "string" && pattern !== "" && !/[=,]/.test(pattern);
};

const maxVerbosity = 2 ** 31 - 1;

/**
 * Every rule, in the order of the fields' names.
 *
 * Source: pkg/proxy/apis/config/validation `validation.go`, component-base logs/api/v1 `options.go`, at each minor;
 * for detectLocalMode up to 1.27 cmd/kube-proxy/app `getDetectLocalMode`.
 */
const rules: readonly Row[] = [
  {
    path: "bindAddress",
    accepted: "an IP address, such as 0.0.0.0 or ::",
    holds: (configuration, path) => ipFamily(configuration.text(path)) !== undefined,
  },
  within("clientConnection.burst", 0, 2 ** 31 - 1),
  clusterCIDR({ until: 15 }, oneCidr, isCidr),
  // 1.16 and 1.17 look at the configuration alone, and count neither CIDRs nor families.
  clusterCIDR(
    { since: 16, until: 17, when: (c) => c.mapping("featureGates")["IPv6DualStack"] !== true },
    `${oneCidr}; more only with feature gate IPv6DualStack`,
    isCidr,
  ),
  clusterCIDR(
    { since: 16, until: 17, when: (c) => c.mapping("featureGates")["IPv6DualStack"] === true },
    "CIDRs with a comma between",
    (text) => text.split(",").every(isCidr),
  ),
  clusterCIDR(
    { since: 18, until: 22, when: (c) => !isDualStack(c) },
    `${oneCidr}; a pair only with feature gate IPv6DualStack`,
    isCidr,
  ),
  clusterCIDR({ since: 18, until: 22, when: isDualStack }, cidrPair, isCidrPair),
  clusterCIDR({ since: 23, until: 30 }, cidrPair, isCidrPair),
  clusterCIDR({ since: 31, when: (c) => c.text("detectLocalMode") === "ClusterCIDR" }, cidrPair, isCidrPair),
  positive("configSyncPeriod"),
  within("conntrack.maxPerCore", 0, 2 ** 31 - 1),
  within("conntrack.min", 0, 2 ** 31 - 1),
  notNegative("conntrack.tcpCloseWaitTimeout"),
  notNegative("conntrack.tcpEstablishedTimeout"),
  notNegative("conntrack.udpStreamTimeout", { since: 29 }),
  notNegative("conntrack.udpTimeout", { since: 29 }),
  ...["BridgeInterface", "InterfaceNamePrefix"].map((mode): Row => {
    const path = `detectLocal.${mode.charAt(0).toLowerCase()}${mode.slice(1)}`;
    return {
      path,
      since: 24,
      when: (configuration) => configuration.text("detectLocalMode") === mode,
      accepted: `a name; detectLocalMode ${mode} needs it`,
      holds: (configuration) => configuration.text(path) !== "",
    };
  }),
  oneOf("detectLocalMode", () => ["ClusterCIDR", "NodeCIDR"], { since: 18, until: 23 }),
  oneOf("detectLocalMode", () => ["ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix"], {
    since: 24,
  }),
  {
    path: "featureGates",
    since: 20,
    until: 20,
    when: isDualStack,
    accepted: "EndpointSlice true where IPv6DualStack is true",
    holds: (configuration) => gate(configuration, "EndpointSlice"),
  },
  hostPort("healthzBindAddress"),
  within("iptables.masqueradeBit", 0, 31),
  ...syncPeriods("iptables", { until: 30 }),
  ...syncPeriods("iptables", { since: 31, when: (c) => !["ipvs", "nftables"].includes(c.text("mode")) }),
  { path: "ipvs.excludeCIDRs", when: inMode("ipvs"), accepted: "a CIDR", each: isCidr },
  oneOf("ipvs.scheduler", () => schedulers, { until: 26, when: inMode("ipvs") }),
  ...syncPeriods("ipvs", { when: inMode("ipvs") }),
  notNegative("ipvs.tcpFinTimeout", { since: 18, when: inMode("ipvs") }),
  notNegative("ipvs.tcpTimeout", { since: 18, when: inMode("ipvs") }),
  notNegative("ipvs.udpTimeout", { since: 18, when: inMode("ipvs") }),
  positive("logging.flushFrequency", { since: 35 }),
  oneOf("logging.format", (c) => (gate(c, "LoggingBetaOptions") ? ["text", "json"] : ["text"]), {
    since: 28,
  }),
  ...(["json", "text"] as const).map((format): Row => {
    const path = `logging.options.${format}.infoBufferSize`;
    return {
      path,
      since: format === "json" ? 28 : 30,
      when: (configuration) => !gate(configuration, "LoggingAlphaOptions"),
      accepted: "0; any other size needs feature gate LoggingAlphaOptions",
      holds: (configuration) => configuration.amount(path) === 0n,
    };
  }),
  within("logging.verbosity", 0, maxVerbosity, { since: 28 }),
  {
    path: "logging.vmodule",
    since: 28,
    when: (configuration) => configuration.text("logging.format") !== "text",
    accepted: "nothing, as logging.format is not text",
    holds: (configuration, path) => configuration.list(path).length === 0,
  },
  {
    path: "logging.vmodule",
    since: 28,
    accepted: "a filePattern without = and comma",
    each: isFilePattern,
  },
  {
    path: "logging.vmodule",
    since: 28,
    accepted: `a verbosity from 0 to ${maxVerbosity}`,
    each: (item) => ((item as { verbosity?: number } | null)?.verbosity ?? 0) <= maxVerbosity,
  },
  hostPort("metricsBindAddress"),
  oneOf("mode", () => ["iptables", "ipvs", "userspace"], { until: 25 }),
  oneOf("mode", () => ["iptables", "ipvs"], { since: 26, until: 28 }),
  oneOf("mode", (c) => ["iptables", "ipvs", ...(gate(c, "NFTablesProxyMode") ? ["nftables"] : [])], {
    since: 29,
    until: 32,
  }),
  oneOf("mode", () => ["iptables", "ipvs", "nftables"], { since: 33, until: 36 }),
  oneOf("mode", (c) => ["iptables", ...(gate(c, "KubeProxyIPVS") ? ["ipvs"] : []), "nftables"], {
    since: 37,
  }),
  within("nftables.masqueradeBit", 0, 31, { since: 29, when: inMode("nftables") }),
  ...syncPeriods("nftables", { since: 29, when: inMode("nftables") }),
  { path: "nodePortAddresses", until: 30, accepted: "a CIDR", each: isCidr },
  {
    path: "nodePortAddresses",
    since: 31,
    until: 36,
    accepted: "a CIDR, or primary as the only entry",
    each: (entry, c) => isCidr(entry) || (entry === "primary" && c.list("nodePortAddresses").length === 1),
  },
  {
    path: "nodePortAddresses",
    since: 37,
    accepted: `a CIDR, or one of ${keywords.join(", ")}, each once`,
    each: (entry, c, index) =>
      isCidr(entry) ||
      (keywords.some((word) => word === entry) && c.list("nodePortAddresses").indexOf(entry) === index),
  },
  within("oomScoreAdj", -1000, 1000),
  {
    path: "portRange",
    until: 30,
    accepted: "a range of ports such as 300-2000 or 300+1700, a port, or nothing",
    holds: (configuration, path) => isPortRange(configuration.text(path)),
  },
  oneOf("showHiddenMetricsForVersion", ({ minor }) => [`1.${minor - 1}`], { since: 18 }),
  positive("udpIdleTimeout", { until: 25 }),
];

/**
 * Finds the rules of a minor's kube-proxy that a configuration breaks.
 *
 * @param given - the configuration as the user wrote it
 */
export function brokenRules(given: object, minor: number): Problem[] {
  const configuration = new Effective(given, minor);
  return rules
    .filter(({ since = 0, until = Infinity }) => since <= minor && minor <= until)
    .filter(({ when }) => when?.(configuration) ?? true)
    .flatMap((rule) => violations(rule, configuration));
}

function violations({ path, accepted, holds, each }: Row, configuration: Effective): Problem[] {
  const text = typeof accepted === "string" ? accepted : accepted(configuration);
  if (each !== undefined) {
    return configuration
      .list(path)
      .flatMap((entry, index) =>
        each(entry ?? "", configuration, index)
          ? []
          : [{ path: `${path}[${index}]`, value: entry, accepted: text }],
      );
  }
  const value = configuration.given(path);
  return (holds?.(configuration, path) ?? true)
    ? []
    : [{ path, ...(value !== undefined && { value }), accepted: text }];
}
