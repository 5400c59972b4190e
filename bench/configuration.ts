// What reading, checking and rendering configurations costs. Alone: `node bench/configuration.ts`.
import { checkConfiguration } from "../components/configuration/check.ts";
import { kubeProxyObjects } from "../components/kubeadm/manifests.ts";
import { minors } from "../components/kubeadm/minors.ts";
import { validateFile } from "../components/kubeadm/validate.ts";
import { median } from "./statistics.ts";

/** One measured cost. */
interface Cost {
  readonly what: string;
  /** Median, in milliseconds. */
  readonly ms: number;
  /** What it is to stay below, in milliseconds; absent where there is no goal. */
  readonly goal?: number;
}

const configuration = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: 10.244.0.0/16,fd00:10:244::/56
clientConnection: {qps: 12.5, burst: 25}
conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 24h, udpTimeout: 30s}
featureGates: {AllBeta: true}
logging: {flushFrequency: 5s, verbosity: 2, vmodule: [{filePattern: "proxier*", verbosity: 4}]}
nftables: {syncPeriod: 30s, minSyncPeriod: 1s, masqueradeBit: 14}
nodePortAddresses: [192.0.2.0/24, primary]
oomScoreAdj: -998
`;

/** Medians of some runs, the first of which, cold, is a row of its own. */
export function measureConfiguration(runs: number): Cost[] {
  const renderAll = () => {
    for (const { minor } of minors) {
      kubeProxyObjects({ kubernetesVersion: `v1.${minor}.0`, controlPlaneEndpoint: "api.example.com:6443" });
    }
  };
  const validateOne = () => {
    validateFile(configuration, "v1.37.2");
  };
  const documents = (count: number) => () => {
    for (let i = 0; i < count; i++) {
      validateOne();
    }
  };
  return [
    { what: `render all ${minors.length} minors, first time`, ms: timed(renderAll), goal: 200 },
    { what: `render all ${minors.length} minors`, ms: repeated(runs, renderAll), goal: 200 },
    { what: "validate a configuration, first time", ms: timed(validateOne) },
    { what: "validate a configuration", ms: repeated(runs * 10, validateOne), goal: 5 },
    {
      what: "of it, without reading YAML",
      ms: repeated(runs * 10, () => checkConfiguration({ mode: "nftables" }, 37, "")),
    },
    ...[10, 100, 1000].map((count) => ({
      what: `validate ${count} documents`,
      ms: repeated(3, documents(count)),
    })),
  ];
}

function repeated(runs: number, work: () => void): number {
  return median(Array.from({ length: runs }, () => timed(work)));
}

function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

/** The costs as a text table. */
export function formatCosts(costs: readonly Cost[]): string {
  return costs
    .map(
      ({ what, ms, goal }) =>
        `${what.padEnd(36)}${ms.toFixed(2).padStart(10)} ms${goal === undefined ? "" : `   goal: below ${goal} ms`}`,
    )
    .join("\n");
}

if (import.meta.main) {
  console.log(formatCosts(measureConfiguration(20)));
}
