import { parseGoDuration } from "../../configuration/goDuration.ts";
import { isRecord } from "../../input/record.ts";

/** A field whose loaded value is not the declared one. */
export interface Difference {
  /** Path of the field in a KubeProxyConfiguration, such as `iptables.syncPeriod`. */
  readonly path: string;
  readonly declared: unknown;
  readonly loaded: unknown;
}

/** A difference in these says nothing: the command line overrides them, or kube-proxy drops them. */
const skipped: ReadonlySet<string> = new Set([
  "apiVersion",
  "kind",
  "hostnameOverride",
  "logging",
  "portRange",
  "winkernel",
]);

/** Sections of which kube-proxy keeps only its own mode's whole. */
const modeSections: ReadonlySet<string> = new Set(["iptables", "ipvs", "nftables"]);

/**
 * Fields of Kubernetes' internal configuration type, which `/configz` shows in releases that do not convert it: Go's
 * names, the first of each list that is there.
 */
const internalNames: Readonly<Record<string, readonly (readonly string[])[]>> = {
  bindAddress: [["BindAddress"]],
  clusterCIDR: [["ClusterCIDR"], ["DetectLocal", "ClusterCIDRs"]],
  detectLocalMode: [["DetectLocalMode"]],
  enableProfiling: [["EnableProfiling"]],
  healthzBindAddress: [["HealthzBindAddress"]],
  metricsBindAddress: [["MetricsBindAddress"]],
  mode: [["Mode"]],
};

/**
 * Compares the configuration that a kube-proxy has loaded with the declared one.
 *
 * Where `/configz` shows `v1alpha1` (1.37 does), every field is compared that the declaration sets. Where it shows the
 * internal type, only those in {@link internalNames} are: the others moved and changed their form between minors.
 *
 * Never compared: fields that the declaration leaves unset, null, zero or empty, because kube-proxy then puts in its
 * minor's default; `hostnameOverride` and `logging`, which flags override; `portRange` and the
 * sections of other modes, which kube-proxy drops when it reads them; and fields the release does not show.
 *
 * @param declared - the content of `config.conf` as an object
 * @param loaded - what `/configz` shows below `kubeproxy.config.k8s.io`
 *
 * Source: `/configz` of kube-proxy 1.37.2 as recorded, and Kubernetes' `pkg/proxy/apis/config/v1alpha1/conversion.go`.
 */
export function differingFields(
  declared: Readonly<Record<string, unknown>>,
  loaded: Readonly<Record<string, unknown>>,
): Difference[] {
  const mode = declared["mode"] || "iptables";
  const set = Object.entries(declared).filter(
    ([name, value]) => !skipped.has(name) && !(modeSections.has(name) && name !== mode) && isSet(value),
  );
  if (loaded["apiVersion"] !== undefined) {
    return set.flatMap(([name, value]) => compare(name, value, own(loaded, name)));
  }
  return set.flatMap(([name, value]) => {
    const found = (own(internalNames, name) ?? [])
      .map((path) => at(loaded, path))
      .find((v) => v !== undefined);
    return found === undefined ? [] : compare(name, value, Array.isArray(found) ? found.join(",") : found);
  });
}

/** The `detectLocalMode` of a configuration as it was loaded, in either form; empty where it shows none. */
export function detectLocalModeOf(loaded: Readonly<Record<string, unknown>>): string {
  const found = own(loaded, "detectLocalMode") ?? own(loaded, "DetectLocalMode");
  return typeof found === "string" ? found : "";
}

function compare(path: string, declared: unknown, loaded: unknown): Difference[] {
  if (isRecord(declared)) {
    const other = isRecord(loaded) ? loaded : {};
    return Object.entries(declared)
      .filter(([, value]) => isSet(value))
      .flatMap(([name, value]) => compare(`${path}.${name}`, value, own(other, name)));
  }
  return isSame(declared, loaded) ? [] : [{ path, declared, loaded }];
}

function isSame(declared: unknown, loaded: unknown): boolean {
  if (Array.isArray(declared) && Array.isArray(loaded)) {
    return declared.length === loaded.length && declared.every((value, i) => isSame(value, loaded[i]));
  }
  if (typeof declared === "string" && typeof loaded === "string" && declared !== loaded) {
    const duration = parseGoDuration(declared);
    return duration !== undefined && duration === parseGoDuration(loaded);
  }
  return declared === (loaded ?? (declared === false ? false : undefined));
}

function isSet(value: unknown): boolean {
  if (value === null || value === undefined || value === "" || value === 0) return false;
  if (typeof value === "string") return parseGoDuration(value) !== 0n;
  return !(typeof value === "object" && Object.keys(value).length === 0);
}

/** A field by a name that somebody else has chosen: also objects without fields have a `constructor`. */
function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((part, name) => (isRecord(part) ? own(part, name) : undefined), value);
}
