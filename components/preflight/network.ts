import { isIP } from "node:net";
import { parseYaml } from "../configuration/readYaml.ts";
import type { ClusterFacts } from "../facts/facts.ts";
import { isRecord } from "../input/record.ts";
import { hostOfEndpoint } from "../kubeadm/address.ts";
import type { Intent, WaveIntent } from "../plan/intent.ts";
import { type Check, type Finding, never, Severity, whenChanged, whenPodsStart } from "./check.ts";
import { cidrsOf, familiesOf, isWithin } from "./cidr.ts";
import { nodesNamed } from "./versions.ts";

/** Checks of addresses: those of pods, of Services and of the API server. */
export const networkChecks: readonly Check[] = [
  {
    name: "pod-subnet",
    tellsValues: true,
    needs: ["nodes", "clusterConfiguration"],
    severity: whenChanged,
    find: (facts, { waves }) => waves.flatMap((wave) => podSubnet(wave, kubeadmOf(facts).podSubnet)),
  },
  {
    name: "ip-families",
    needs: ["serviceCIDRs", "clusterConfiguration"],
    severity: whenPodsStart,
    find: (facts, { waves }) => waves.flatMap((wave) => families(wave, serviceCIDRsOf(facts))),
  },
  {
    name: "endpoint-service-ip",
    tellsValues: true,
    needs: ["serviceCIDRs", "clusterConfiguration"],
    severity: whenPodsStart,
    find: (facts, { settings }) => serviceEndpoint(facts, hostOf(settings.controlPlaneEndpoint)),
  },
  {
    name: "endpoint-unknown",
    tellsValues: true,
    needs: ["nodes", "configMaps", "clusterConfiguration", "apiServers"],
    severity: whenChanged,
    find: unknownEndpoint,
  },
  {
    name: "endpoint-single-node",
    tellsValues: true,
    needs: ["nodes"],
    severity: never,
    find: singleNode,
  },
];

/** What kubeadm was told, as far as it is looked at; empty where nobody left it, or it cannot be read. */
function kubeadmOf({ clusterConfiguration = "" }: ClusterFacts) {
  let read: unknown;
  try {
    read = parseYaml(clusterConfiguration);
  } catch {
    // Whoever takes settings from it says so.
  }
  const configuration = isRecord(read) ? read : {};
  const networking = isRecord(configuration["networking"]) ? configuration["networking"] : {};
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return {
    controlPlaneEndpoint: text(configuration["controlPlaneEndpoint"]),
    podSubnet: text(networking["podSubnet"]),
    serviceSubnet: text(networking["serviceSubnet"]),
  };
}

/** The Services' ranges, as the API server has them or, before it had objects for them, as kubeadm was told. */
function serviceCIDRsOf(facts: ClusterFacts): string[] {
  return facts.serviceCIDRs ?? cidrsOf(kubeadmOf(facts).serviceSubnet);
}

/** The ranges by which kube-proxy tells pods from others; none where it goes by something else. */
function clusterCIDRsOf({ configuration }: WaveIntent): string[] {
  return configuration.text("detectLocalMode") === "ClusterCIDR"
    ? cidrsOf(configuration.text("clusterCIDR"))
    : [];
}

function podSubnet(wave: WaveIntent, kubeadm: string): Finding[] {
  const cidrs = clusterCIDRsOf(wave);
  if (cidrs.length === 0) {
    return [];
  }
  const object = `ConfigMap ${wave.wave.configMap.metadata.name}`;
  const told = cidrsOf(kubeadm);
  const differs = told.length > 0 && told.toSorted().join() !== cidrs.toSorted().join();
  const outside = wave.nodes.filter(({ podCIDRs = [] }) =>
    podCIDRs.some(
      (own) =>
        familiesOf(cidrs).includes(familiesOf([own])[0] ?? "") && !cidrs.some((cidr) => isWithin(own, cidr)),
    ),
  );
  return [
    ...(differs
      ? [
          {
            object,
            wrong: `clusterCIDR is ${cidrs.join()}, but kubeadm's podSubnet is ${told.join()}`,
            remedy: "set podSubnet to what the pods' addresses are from",
          },
        ]
      : []),
    ...(outside.length > 0
      ? [
          {
            object: nodesNamed(outside),
            wrong: `podCIDR ${outside[0]?.podCIDRs?.join() ?? ""} is outside clusterCIDR ${cidrs.join()}: kube-proxy takes its pods' traffic for that of strangers`,
            remedy: "set podSubnet to what the pods' addresses are from",
          },
        ]
      : []),
  ];
}

function families(wave: WaveIntent, serviceCIDRs: readonly string[]): Finding[] {
  const [pods, services] = [familiesOf(clusterCIDRsOf(wave)), familiesOf(serviceCIDRs)];
  const missing = services.filter((family) => !pods.includes(family));
  if (pods.length === 0 || missing.length === 0) {
    return [];
  }
  const isFatal = missing.length === services.length;
  return [
    {
      object: `ConfigMap ${wave.wave.configMap.metadata.name}`,
      wrong:
        `clusterCIDR has no ${missing.join(" and ")}, but Services have: ` +
        (isFatal ? "kube-proxy exits" : "pods' traffic of that family is taken for that of strangers"),
      remedy: "set podSubnet to a range of each family",
      ...(!isFatal && { severity: Severity.warning }),
    },
  ];
}

function serviceEndpoint(facts: ClusterFacts, host: string): Finding[] {
  const isName = /^kubernetes(\.default(\.svc(\..*)?)?)?$/.test(host);
  return isName || serviceCIDRsOf(facts).some((cidr) => isWithin(host, cidr))
    ? [
        {
          object: "controlPlaneEndpoint",
          wrong: `${host} is a Service, which kube-proxy itself makes reachable: without it no kube-proxy starts`,
          remedy: "set it to an address of the API server, or of a load balancer before it",
        },
      ]
    : [];
}

/** An address that nobody else knows is a slip; of a name nobody knows where it leads. */
function unknownEndpoint(facts: ClusterFacts, { settings }: Intent): Finding[] {
  const host = hostOf(settings.controlPlaneEndpoint);
  const kubeadm = hostOf(kubeadmOf(facts).controlPlaneEndpoint);
  const inUse = facts.configMaps.map(({ data }) => serverOf(data["kubeconfig.conf"] ?? ""));
  const known = [kubeadm, ...inUse, urlHost(facts.server ?? ""), ...(facts.apiServers ?? [])];
  const isLocal = host === "localhost" || host === "::1" || host.startsWith("127.");
  const isNodes = facts.nodes.some(({ addresses = [] }) => addresses.includes(host));
  const object = "controlPlaneEndpoint";
  // Before 1.21 the API servers' own addresses are not to be had here.
  const isKnown = isLocal || isNodes || known.includes(host) || serviceEndpoint(facts, host).length > 0;
  if (isIP(host) !== 0 && facts.apiServers !== undefined && !isKnown) {
    return [
      {
        object,
        wrong:
          `${host} is no address that this cluster knows of its API server: not in kubeadm's ClusterConfiguration, ` +
          "in Service kubernetes, on a node, in kube-proxy's kubeconfig.conf or in the kubeconfig in use",
        remedy: `set it to one of those, such as ${facts.apiServers[0] ?? kubeadm}`,
      },
    ];
  }
  return kubeadm !== "" && kubeadm !== host && !isLocal
    ? [
        {
          object,
          wrong: `${host} is not what kubeadm gave the nodes, ${kubeadm}`,
          remedy: "see that every node reaches it",
          severity: Severity.warning,
        },
      ]
    : [];
}

function singleNode({ nodes }: ClusterFacts, { settings }: Intent): Finding[] {
  const host = hostOf(settings.controlPlaneEndpoint);
  const roles = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
  const controlPlanes = nodes.filter(({ labels }) => roles.some((role) => role in labels));
  const one = controlPlanes.find(({ name, addresses = [] }) => [name, ...addresses].includes(host));
  return one !== undefined && host !== "localhost" && controlPlanes.length > 1
    ? [
        {
          object: `Node ${one.name}`,
          wrong: `is one of ${controlPlanes.length} control planes, and controlPlaneEndpoint is its own address, ${host}: when it is away, no kube-proxy learns of any change`,
          remedy: "set controlPlaneEndpoint to a load balancer before all of them",
        },
      ]
    : [];
}

function hostOf(endpoint: string): string {
  return hostOfEndpoint(endpoint) ?? "";
}

function serverOf(kubeconfig: string): string {
  return urlHost(/^ *server: *["']?([^\s"']+)/m.exec(kubeconfig)?.[1] ?? "");
}

function urlHost(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, "") : "";
}
