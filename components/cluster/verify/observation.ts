import { parseJson } from "../../input/json.ts";
import { isRecord } from "../../input/record.ts";
import { failureCounters as counters, metrics as table } from "../../monitoring/metrics.ts";
import { samplesOf } from "./metrics.ts";

/** What a kube-proxy answers at its metrics address, as it was received. */
export interface Answers {
  /** Body of `/metrics`. */
  readonly metrics: string;
  /** Body of `/proxyMode`. */
  readonly proxyMode: string;
  /** Body of `/configz`. */
  readonly configz: string;
  /** The node's own clock when it answered (the header `Date`), in seconds since 1970. */
  readonly nodeTime: number;
  /** This machine's clock when the answer had arrived, in seconds since 1970. */
  readonly localTime: number;
}

/** What a kube-proxy's metrics tell. Times are seconds since 1970 on the node's clock. */
export interface Metrics {
  readonly processStart: number;
  /** By IP family, or by "" where the release does not tell them apart: when rules were last synced. */
  readonly lastSync: ReadonlyMap<string, number>;
  /** Likewise: when a sync was last asked for. */
  readonly lastQueued: ReadonlyMap<string, number>;
  /** Counters of failures that are not zero, by name. */
  readonly failures: ReadonlyMap<string, number>;
  /** The Kubernetes minor that it is of; 0 where it does not say. */
  readonly minor: number;
  /** Its version, such as `v1.37.2`; empty where it does not say. */
  readonly version: string;
}

/** What is known of one running kube-proxy. */
export interface Observation extends Metrics {
  readonly nodeTime: number;
  readonly localTime: number;
  /** The mode it runs in: `iptables`, `ipvs` or `nftables`. */
  readonly mode: string;
  /** The configuration it has loaded, see {@link differingFields}. */
  readonly configuration: Readonly<Record<string, unknown>>;
}

const processStart = table.processStart.name;
const lastSync = table.lastSync.name;
const lastQueued = table.lastQueued.name;
const buildInfo = table.buildInfo.name;
const failureCounters = new Set(counters.map(({ name }) => name));
const wanted = new Set([processStart, lastSync, lastQueued, buildInfo, ...failureCounters]);

/** More samples of the wanted names than any kube-proxy has: about ten. */
const mostSamples = 100;

/** More than a configuration has: about a hundred fields and list items, in names of some twenty letters. */
const mostFields = 10_000;
const longestName = 253;

/**
 * Reads what a kube-proxy answered.
 *
 * @returns the observation, or in one sentence why these are no kube-proxy's answers
 *
 * Source: Kubernetes' `cmd/kube-proxy/app/server.go`.
 */
export function readAnswers(answers: Answers): Observation | string {
  const metrics = readMetrics(answers.metrics);
  if (typeof metrics === "string") return metrics;
  const mode = answers.proxyMode.trim();
  if (!/^[a-z]{1,20}$/.test(mode)) {
    return `its /proxyMode is not kube-proxy's: ${JSON.stringify(mode.slice(0, 40))}`;
  }
  const configuration = loadedConfiguration(answers.configz);
  if (configuration === undefined) {
    return "its /configz is not kube-proxy's: it has no configuration of group kubeproxy.config.k8s.io, or one beyond all measure";
  }
  const { nodeTime, localTime } = answers;
  return { ...metrics, nodeTime, localTime, mode, configuration };
}

/**
 * Reads a metrics page.
 *
 * @returns what it tells, or in one sentence why it is no kube-proxy's
 *
 * Source: Kubernetes' `pkg/proxy/metrics/metrics.go`.
 */
export function readMetrics(page: string): Metrics | string {
  const samples = samplesOf(page, (name) => wanted.has(name), mostSamples);
  if (samples.length >= mostSamples) {
    return `its /metrics is not kube-proxy's: it has ${mostSamples} samples or more of those that are looked at`;
  }
  const start = samples.find(({ name }) => name === processStart)?.value;
  if (start === undefined || !Number.isFinite(start)) {
    return `its /metrics is not kube-proxy's: it has no ${processStart}`;
  }
  const byFamily = (metric: string): Map<string, number> =>
    new Map(
      samples
        // Releases that declare the time without a family show 0 until it is set.
        .filter(({ name, value }) => name === metric && value > 0)
        .map(({ labels, value }) => [labels["ip_family"] ?? "", value]),
    );
  const failures = new Map<string, number>();
  for (const { name, value } of samples) {
    if (failureCounters.has(name) && value !== 0) failures.set(name, (failures.get(name) ?? 0) + value);
  }
  const build = samples.find(({ name }) => name === buildInfo)?.labels ?? {};
  return {
    processStart: start,
    lastSync: byFamily(lastSync),
    lastQueued: byFamily(lastQueued),
    failures,
    minor: Number.parseInt(build["minor"] ?? "0"),
    version: build["git_version"] ?? "",
  };
}

function loadedConfiguration(configz: string): Record<string, unknown> | undefined {
  let page: unknown;
  try {
    page = parseJson(configz);
  } catch {
    return undefined;
  }
  const configuration = isRecord(page) ? page["kubeproxy.config.k8s.io"] : undefined;
  return isRecord(configuration) && isMeasured(configuration) ? configuration : undefined;
}

/** Whether there is as much as a reader can compare, name by name, with what other nodes have. */
function isMeasured(configuration: object): boolean {
  const left: object[] = [configuration];
  let fields = 0;
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    for (const [name, value] of Object.entries(next) as [string, unknown][]) {
      fields += 1;
      if (fields > mostFields || name.length > longestName) return false;
      if (typeof value === "object" && value !== null) left.push(value);
    }
  }
  return true;
}

/** Seconds from the start of the process to its latest sync, of the slower family; undefined before the first one. */
export function syncDelay({ lastSync, processStart }: Observation): number | undefined {
  return lastSync.size === 0 ? undefined : Math.max(...lastSync.values()) - processStart;
}

/** Seconds since the process started, by the node's own clock. */
export function processAge({ nodeTime, processStart }: Observation): number {
  return Math.max(0, nodeTime - processStart);
}

/**
 * Why a process cannot be said to have synced its rules, one sentence for each IP family; empty when it has.
 *
 * An idle kube-proxy never syncs again, so that the time of the last sync may be old: it has to be later than the
 * start of the process, not recent.
 */
export function syncReasons({ processStart, lastSync, lastQueued }: Observation): string[] {
  if (lastSync.size === 0) return ["it has never synced its rules"];
  const families = new Set(lastSync.keys());
  // A release that tells families apart in both shows by the queue which of them it serves.
  if (!families.has("")) for (const family of lastQueued.keys()) if (family !== "") families.add(family);
  return [...families].flatMap((family) => {
    const name = family === "" ? "" : ` for ${family}`;
    const last = lastSync.get(family);
    if (last === undefined) return [`it has never synced its rules${name}`];
    return last > processStart
      ? []
      : [
          `its rules${name} were last synced ${(processStart - last).toFixed(1)} s before its process started`,
        ];
  });
}
