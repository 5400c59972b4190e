import { Unset } from "../configuration/render.ts";

/** What kubeadm of one Kubernetes minor does differently from the others. */
export interface Minor {
  /** The minor's number: 37 for 1.37. */
  readonly minor: number;
  /** Where images come from when no `imageRepository` is given, from which patch on; the last row that fits holds. */
  readonly imageRepository: readonly { readonly sincePatch: number; readonly repository: string }[];
  /** Label that selects Linux nodes. */
  readonly osLabel: "beta.kubernetes.io/os" | "kubernetes.io/os";
  /** Whether the CriticalAddonsOnly toleration stands before the one for all taints. */
  readonly toleratesCriticalAddons: boolean;
  /** Whether the ConfigMap carries the component-config hash when the user gave no configuration. */
  readonly hashesConfiguration: boolean;
  /** Whether API servers know immutable ConfigMaps without a feature gate. */
  readonly immutableConfigMaps: boolean;
  /** How unset configuration fields are filled. */
  readonly unset: Unset;
  /** Whether kubeadm overwrites the user's bindAddress by that of the advertise address' family. */
  readonly forcesBindAddress: boolean;
  /** What kubeadm writes into an empty `mode`. */
  readonly mode: "" | "iptables";
  /** ClusterConfiguration feature gates that kubeadm copies into the configuration. */
  readonly copiedFeatureGates: readonly string[];
  /** How many minors kube-proxy may be apart from its kubelet, and older than the API server. */
  readonly versionSkew: number;
  /** Which architectures Kubernetes' own image of kube-proxy is made for. */
  readonly architectures: readonly string[];
  /** From which patch on `kubeadm upgrade` leaves kube-proxy alone where ClusterConfiguration has `proxy.disabled`. */
  readonly upgradeObeysProxyDisabled?: number;
  /** Which API versions of kubeadm's own file it reads: `v1beta4` and the like. */
  readonly apiVersions: readonly string[];
  /** Whether `kubeadm init` and `kubeadm upgrade` patch the DaemonSet by files of target `kubeproxydaemonset`. */
  readonly patchesDaemonSet: boolean;
  /** Whether kube-proxy knows `--init-only`. */
  readonly initOnly: boolean;
  /** Whether the API server's bootstrap ClusterRole `system:node-proxier` may read each kind. */
  readonly nodeProxier: {
    readonly watchesNodes: boolean;
    readonly newEvents: boolean;
    readonly endpointSlices: boolean;
    readonly serviceCIDRs: boolean;
  };
}

const google = [{ sincePatch: 0, repository: "k8s.gcr.io" }] as const;
const community = [{ sincePatch: 0, repository: "registry.k8s.io" }] as const;

/** From which patch on an old minor got the new default registry (k/k #109938, backported in December 2022). */
function communitySince(patch: number): Minor["imageRepository"] {
  return [...google, { sincePatch: patch, repository: "registry.k8s.io" }];
}

const sixtyFourBits = ["arm64", "ppc64le", "s390x"] as const;

const v1_15: Minor = {
  minor: 15,
  imageRepository: google,
  osLabel: "beta.kubernetes.io/os",
  toleratesCriticalAddons: true,
  hashesConfiguration: false,
  immutableConfigMaps: false,
  unset: Unset.defaulted,
  forcesBindAddress: true,
  mode: "",
  copiedFeatureGates: [],
  versionSkew: 2,
  architectures: ["amd64", "arm", ...sixtyFourBits],
  apiVersions: ["v1beta1", "v1beta2"],
  patchesDaemonSet: false,
  initOnly: false,
  nodeProxier: { watchesNodes: false, newEvents: false, endpointSlices: false, serviceCIDRs: false },
};

/** Each row says only what is new in its minor; everything else stays as in the row above. */
const changes: readonly (Partial<Minor> & { readonly minor: number })[] = [
  {
    minor: 16,
    forcesBindAddress: false,
    copiedFeatureGates: ["IPv6DualStack"],
    nodeProxier: { ...v1_15.nodeProxier, newEvents: true },
  },
  { minor: 17, unset: Unset.zero },
  {
    minor: 18,
    osLabel: "kubernetes.io/os",
    nodeProxier: { watchesNodes: true, newEvents: true, endpointSlices: true, serviceCIDRs: false },
  },
  { minor: 19, hashesConfiguration: true, immutableConfigMaps: true },
  { minor: 20 },
  { minor: 21 },
  {
    minor: 22,
    toleratesCriticalAddons: false,
    imageRepository: communitySince(17),
    apiVersions: ["v1beta2", "v1beta3"],
  },
  { minor: 23, imageRepository: communitySince(15) },
  { minor: 24, imageRepository: communitySince(9), copiedFeatureGates: [] },
  { minor: 25, imageRepository: community, versionSkew: 3 },
  { minor: 26 },
  { minor: 27, architectures: ["amd64", ...sixtyFourBits], apiVersions: ["v1beta3"] },
  { minor: 28 },
  { minor: 29, initOnly: true },
  {
    minor: 30,
    nodeProxier: { watchesNodes: true, newEvents: true, endpointSlices: true, serviceCIDRs: true },
  },
  { minor: 31, apiVersions: ["v1beta3", "v1beta4"] },
  { minor: 32, upgradeObeysProxyDisabled: 1 },
  { minor: 33, upgradeObeysProxyDisabled: 0 },
  { minor: 34 },
  { minor: 35 },
  { minor: 36 },
  { minor: 37, mode: "iptables", apiVersions: ["v1beta4"], patchesDaemonSet: true },
];

/**
 * Every Kubernetes minor that this project knows, oldest first: the one place for what differs between them.
 *
 * Source: kubeadm's `cmd/kubeadm/app/phases/addons/proxy`, `componentconfigs/kubeproxy.go`, `constants.go`,
 * `util/config/common.go` (API versions) and `util/patches` (k/k #138090), the API server's `bootstrappolicy/policy.go`, at each minor; the version skew policy; k/k #115742 (32-bit ARM); KEP-1412 (immutable ConfigMaps).
 */
export const minors: readonly Minor[] = changes.reduce<Minor[]>(
  (rows, change) => [...rows, { ...(rows.at(-1) ?? v1_15), ...change }],
  [v1_15],
);

/** The first minor that knows something; undefined where none does. */
export function sinceMinor(knows: (row: Minor) => boolean): number | undefined {
  return minors.find(knows)?.minor;
}

/** The row of a minor, or undefined for one that this project does not know. */
export function minorOf(minor: number): Minor | undefined {
  return minors.find((row) => row.minor === minor);
}
