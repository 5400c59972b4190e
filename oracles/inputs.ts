import fc from "fast-check";
import { readYaml } from "../components/configuration/readYaml.ts";
import { validateFile } from "../components/kubeadm/validate.ts";
import { releaseOf } from "./build.ts";
import { configurations } from "./generate.ts";

/** What kubeadm is given: the file for `--config`, and proxy variables of its process. */
export interface Input {
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Parts {
  readonly advertiseAddress: string;
  readonly controlPlaneEndpoint?: string | undefined;
  readonly podSubnet?: string | undefined;
  readonly imageRepository?: string | undefined;
  /** A KubeProxyConfiguration document, as YAML. */
  readonly configuration?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

const header = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";
const ipv4 = "192.0.2.10";
const ipv6 = "2001:db8::10";

/** The inputs whose outputs are recorded for the tests. */
const fixed: Readonly<Record<string, Parts>> = {
  plain: { advertiseAddress: ipv4 },
  ipv6: { advertiseAddress: ipv6, podSubnet: "fd00:10:244::/56" },
  "dual stack": { advertiseAddress: ipv4, podSubnet: "10.244.0.0/16,fd00:10:244::/56" },
  "dual stack, IPv6 first": { advertiseAddress: ipv6, podSubnet: "fd00:10:244::/56,10.244.0.0/16" },
  "endpoint with a port": { advertiseAddress: ipv4, controlPlaneEndpoint: "api.example.com:9443" },
  "endpoint without a port": { advertiseAddress: ipv4, controlPlaneEndpoint: "api.example.com" },
  "IPv6 endpoint": { advertiseAddress: ipv6, controlPlaneEndpoint: "'[2001:db8::1]:6443'" },
  repository: { advertiseAddress: ipv4, imageRepository: "registry.example.com:5000/k8s" },
  "proxy variables": {
    advertiseAddress: ipv4,
    env: { HTTPS_PROXY: "http://p:3128", HTTP_PROXY: "http://p:3128", no_proxy: "10.0.0.0/8,.local" },
  },
  "a configuration of its header alone": { advertiseAddress: ipv4, configuration: header },
  "a configuration that overrides": {
    advertiseAddress: ipv4,
    podSubnet: "10.244.0.0/16",
    configuration: `${header}mode: ipvs\nbindAddress: "::"\nclusterCIDR: 10.0.0.0/8\nipvs: {scheduler: wrr, strictARP: true, excludeCIDRs: [10.96.0.10/32, "fd00::/8"], syncPeriod: 45s}\nclientConnection: {qps: 0.1, kubeconfig: /x}\nconntrack: {maxPerCore: 0, tcpEstablishedTimeout: 90m}\nfeatureGates: {AllBeta: true, AllAlpha: false}\noomScoreAdj: -998\n`,
  },
  "a configuration of odd values": {
    advertiseAddress: ipv4,
    configuration: `${header}iptables: {minSyncPeriod: .5s, syncPeriod: 1.5h, masqueradeBit: 017}\nconfigSyncPeriod: 1h30m5.000000001s\nhostnameOverride: "a: b"\nmetricsBindAddress: "010.0.0.1"\nnodePortAddresses: []\nlogging: {flushFrequency: 5000000000, vmodule: [{filePattern: "yes"}]}\nwinkernel: {networkName: "é\\t\\u2603", sourceVip: "010"}\n`,
  },
};

/** The inputs whose outputs are recorded, by name, for a minor. */
export function fixedInputs(minor: number): Readonly<Record<string, Input>> {
  return Object.fromEntries(Object.entries(fixed).map(([name, parts]) => [name, inputOf(parts, minor)]));
}

/** Inputs of every shape for a minor; their configurations are valid ones. */
export function inputs(minor: number): fc.Arbitrary<Input> {
  const maybe = (...values: readonly string[]) => fc.constantFrom(undefined, ...values);
  return fc
    .record({
      advertiseAddress: fc.constantFrom(ipv4, ipv6, "10.0.0.1", "fd00::1"),
      controlPlaneEndpoint: maybe(
        "api.example.com",
        "api.example.com:9443",
        "10.1.2.3",
        "10.1.2.3:443",
        "'[fd00::2]:443'",
        "a-b.c",
      ),
      podSubnet: maybe("10.244.0.0/16", "fd00::/48", "10.244.0.0/16,fd00::/48", "fd00::/48,10.244.0.0/16"),
      imageRepository: maybe("registry.example.com", "localhost:5000/a/b-c", "a.b/c"),
      configuration: fc.option(
        configurations(minor).filter((text) => isValid(text, minor)),
        { nil: undefined },
      ),
      env: fc.constantFrom(
        {},
        { HTTPS_PROXY: "http://p", NO_PROXY: "a,b" },
        { http_proxy: "x" },
        { FTP_PROXY: "" },
      ),
    })
    .map((parts) => inputOf(parts, minor));
}

/** Valid, and one document: kubeadm reads more than the first. */
function isValid(text: string, minor: number): boolean {
  return readYaml(text).length === 1 && validateFile(text, `v1.${minor}.0`).errors.length === 0;
}

const firstWithV1beta4 = 31;

function inputOf(parts: Parts, minor: number): Input {
  const version = `apiVersion: kubeadm.k8s.io/${minor >= firstWithV1beta4 ? "v1beta4" : "v1beta3"}`;
  const {
    advertiseAddress,
    controlPlaneEndpoint,
    podSubnet,
    imageRepository,
    configuration,
    env = {},
  } = parts;
  const documents = [
    `${version}\nkind: InitConfiguration\nlocalAPIEndpoint: {advertiseAddress: "${advertiseAddress}", bindPort: 6443}\nnodeRegistration: {name: node, criSocket: "unix:///run/containerd/containerd.sock"}\n`,
    [
      `${version}\nkind: ClusterConfiguration\nkubernetesVersion: ${releaseOf(minor)}`,
      ...(controlPlaneEndpoint === undefined ? [] : [`controlPlaneEndpoint: ${controlPlaneEndpoint}`]),
      ...(podSubnet === undefined ? [] : [`networking: {podSubnet: "${podSubnet}"}`]),
      ...(imageRepository === undefined ? [] : [`imageRepository: ${imageRepository}`]),
      "",
    ].join("\n"),
    ...(configuration === undefined ? [] : [configuration]),
  ];
  return { config: documents.join("---\n"), env };
}
