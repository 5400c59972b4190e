import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  readAnswers,
  type Answers,
  type Observation,
} from "../../../components/cluster/verify/observation.ts";
import type {
  Answered,
  Fleet,
  Node,
  Pod,
  Probed,
  ServiceAnswer,
} from "../../../components/cluster/verify/types.ts";

/** When the recorded process started, in seconds since 1970. */
export const recordedStart = 1795448272.62;

/** What a real kube-proxy v1.37.2 answered, see lab/kwok/metrics/README.md. */
export function answers(mode: "iptables" | "nftables" = "iptables", change: Partial<Answers> = {}): Answers {
  const metrics = join(import.meta.dirname, "..", "..", "..", "lab", "kwok", "metrics", `${mode}.txt`);
  return {
    metrics: readFileSync(metrics, "utf8"),
    proxyMode: mode,
    configz: JSON.stringify({ "kubeproxy.config.k8s.io": { ...loaded, mode } }),
    nodeTime: recordedStart + 10,
    localTime: recordedStart + 10,
    ...change,
  };
}

/** Recorded as well, without what no test looks at. */
const loaded = {
  kind: "KubeProxyConfiguration",
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  clientConnection: {
    kubeconfig: "/var/lib/kube-proxy/kubeconfig.conf",
    acceptContentTypes: "",
    contentType: "application/vnd.kubernetes.protobuf",
    qps: 5,
    burst: 10,
  },
  hostnameOverride: "node-0001",
  bindAddress: "0.0.0.0",
  healthzBindAddress: "0.0.0.0:10256",
  metricsBindAddress: "127.0.0.1:10249",
  bindAddressHardFail: false,
  enableProfiling: false,
  iptables: {
    masqueradeBit: 14,
    masqueradeAll: false,
    localhostNodePorts: true,
    syncPeriod: "30s",
    minSyncPeriod: "1s",
  },
  nftables: { masqueradeBit: 14, masqueradeAll: false, syncPeriod: "0s", minSyncPeriod: "0s" },
  detectLocalMode: "ClusterCIDR",
  clusterCIDR: "10.244.0.0/16",
  nodePortAddresses: null,
  oomScoreAdj: -999,
  conntrack: { maxPerCore: 0, min: 131072, tcpEstablishedTimeout: "24h0m0s" },
  configSyncPeriod: "15m0s",
  portRange: "",
};

/** An observation of the recorded kube-proxy with another metrics page. */
export function observed(change: (metrics: string) => string = (metrics) => metrics): Observation {
  const page = answers();
  const observation = readAnswers({ ...page, metrics: change(page.metrics) });
  if (typeof observation === "string") throw new Error(observation);
  return observation;
}

/** What a node answered; a Service does, too, unless it is said otherwise. */
export function answered(
  probed: Probed,
  service: ServiceAnswer = { verdict: "answers", seconds: 1.25 },
): Answered {
  return { probed, service };
}

/** A Ready node with one Ready pod. */
export function nodeWith(change: Partial<Pod> = {}, name = "node-1"): Node {
  const pod: Pod = {
    name: `kube-proxy-${name}`,
    node: name,
    address: "192.0.2.1",
    besideApiServer: false,
    notReady: undefined,
    revision: "new",
    token: "t2",
    configHash: "sha256:2",
    ...change,
  };
  return { name, created: "2026-11-01T00:00:00.000Z", notReady: undefined, pods: [pod] };
}

/** A fleet of these nodes. */
export function fleetOf(nodes: readonly Node[]): Fleet {
  return { revision: "new", configuration: { clusterCIDR: "10.244.0.0/16", mode: "" }, nodes };
}
