import { isIP } from "node:net";
import * as v from "valibot";
import { checkConfiguration } from "../configuration/check.ts";
import type { KubeProxyConfiguration } from "../configuration/types.ts";
import type { Problem } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { choice, list, mapping, optional, problemsOf, record, type Schema, text } from "../input/schema.ts";
import { hostOfEndpoint, isPodSubnet } from "./address.ts";
import { podSettingsProblems, podSettingsShape } from "./podSettings.ts";
import type { PodSettings } from "./podTypes.ts";
import { type Minor, sinceMinor } from "./minors.ts";
import { acceptedVersions, parseVersion } from "./version.ts";

/** Which ClusterRole kube-proxy's ServiceAccount is bound to. */
export const ClusterRoleChoice = {
  /** The API server's own `system:node-proxier`, as kubeadm does: it gains new rules with the API server. */
  bootstrap: "bootstrap",
  /** A ClusterRole of our own with the same rules, for clusters where the built-in one was trimmed. */
  create: "create",
} as const;
export type ClusterRoleChoice = (typeof ClusterRoleChoice)[keyof typeof ClusterRoleChoice];

/** A toleration as in a Pod's spec. */
export interface Toleration {
  /** Taint key; with operator Exists and no key every taint is tolerated. */
  key?: string;
  /** `Equal` (default) or `Exists`. */
  operator?: string;
  /** Taint value; only with Equal. */
  value?: string;
  /** `NoSchedule`, `PreferNoSchedule`, `NoExecute`; default all of them. */
  effect?: string;
  /** Seconds until eviction; only with NoExecute. */
  tolerationSeconds?: number;
}

/** An environment variable of the kube-proxy container. */
export interface EnvVar {
  /** Its name, such as HTTPS_PROXY. */
  name: string;
  /** Its value. */
  value: string;
}

/** Labels and annotations. */
export interface Metadata {
  /** Labels by key. Default: none. */
  labels?: Record<string, string>;
  /** Annotations by key. Default: none. */
  annotations?: Record<string, string>;
}

/** Resource amounts by name, such as cpu and memory. */
export interface ResourceRequirements {
  /** What a container may use at most. */
  limits?: Record<string, string>;
  /** What a node sets aside for it. */
  requests?: Record<string, string>;
}

/** How an in-place change (image, configuration) goes over the nodes. */
export interface UpdateStrategy {
  /** Only `RollingUpdate`: OnDelete never finishes an update, so `pulumi up` would wait in vain. */
  type?: string;
  /** The bounds of the roll. */
  rollingUpdate?: RollingUpdate;
}

/** The bounds of a roll. */
export interface RollingUpdate {
  /** Nodes without a running kube-proxy at a time: a number or a percentage, such as `1` or `10%`. API default 1. */
  maxUnavailable?: string;
}

/**
 * What decides kube-proxy's objects, in kubeadm's and Kubernetes' own words; the plain values behind
 * {@link KubeProxyArgs} and behind a kubeadm config file.
 */
export interface Settings extends PodSettings {
  /** `vMAJOR.MINOR.PATCH`, 1.15 to 1.37: the image's tag and which kubeadm is followed. */
  kubernetesVersion: string;
  /**
   * `host[:port]` of the API server as nodes reach it, IPv6 in brackets; port 6443 when none is given, as kubeadm. Or a whole
   * URL, `http` or `https`, which kube-proxy's kubeconfig gets as it is.
   */
  controlPlaneEndpoint: string;
  /**
   * IP address of the node that ran `kubeadm init`; its family decides bindAddress. Default: the family of
   * controlPlaneEndpoint if that is an IP address, else of the first podSubnet, else IPv4.
   */
  advertiseAddress?: string;
  /** The pods' CIDR, or an IPv4 and an IPv6 one with a comma between. Default: none, as kubeadm. */
  podSubnet?: string;
  /** Where the image comes from, without `/kube-proxy`. Default: that of the minor's kubeadm. */
  imageRepository?: string;
  /** The whole image reference, tag or digest included; overrides imageRepository and the version's tag. */
  image?: string;
  /** Names of Secrets in kube-system for the image's registry. Default: none. */
  imagePullSecrets?: string[];
  /** ClusterConfiguration's feature gates: of them, kubeadm 1.16 to 1.23 copies IPv6DualStack. */
  featureGates?: Record<string, boolean>;
  /** KubeProxyConfiguration fields that override kubeadm's. Default: none. */
  configuration?: KubeProxyConfiguration;
  /** Node labels that are required beside kubeadm's own one for Linux. Default: none. */
  nodeSelector?: Record<string, string>;
  /** Which taints are tolerated, in place of kubeadm's "every taint". */
  tolerations?: Toleration[];
  /** The container's requests and limits. Default: none, as kubeadm. */
  resources?: ResourceRequirements;
  /** How in-place changes roll. Default: RollingUpdate with the API's bounds, as kubeadm. */
  updateStrategy?: UpdateStrategy;
  /** Environment variables after NODE_NAME, such as kubeadm's copies of `*_proxy`. Default: none. */
  env?: EnvVar[];
  /** Arguments of kube-proxy after kubeadm's own, such as `--v=4`. Default: none. */
  extraArgs?: string[];
  /** Labels and annotations of every object beside the program's own. Default: none. */
  metadata?: Metadata;
  /** Labels and annotations of the pods beside the program's own. Default: none. */
  podMetadata?: Metadata;
  /** Which ClusterRole is bound: `bootstrap` (default) or `create`. */
  clusterRole?: ClusterRoleChoice;
  /**
   * Whether an init container does what needs all rights, and kube-proxy itself has the fewest that it works with; from
   * kube-proxy 1.29 on. Default: false, as kubeadm.
   */
  hardened?: boolean;
}

const label = /^([A-Za-z0-9]([-\w.]*[A-Za-z0-9])?)?$/;
const repository = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:\d{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/;
const imageReference =
  /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:\d{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/;

const quantities = optional(
  record(
    text("a Kubernetes quantity as a text, such as 100m or 64Mi"),
    "a mapping of resource names to quantities, such as {cpu: 100m}",
  ),
);

const ownKeys =
  /^(app|k8s-app|controller-revision-hash|pod-template-generation)$|^(kube-proxy|pulumi\.com)\/|^deprecated\./;
const foreignKeys = (accepted: string, value: Schema) =>
  optional(
    v.pipe(
      record(value, accepted),
      v.check(
        (entries) => !Object.keys(entries).some((key) => ownKeys.test(key)),
        "keys other than kubeadm's and this program's own (app, k8s-app, kube-proxy/, pulumi.com/, ...)",
      ),
    ),
  );
const metadata = optional(
  mapping({
    labels: foreignKeys(
      "a mapping of labels to values",
      text("a label value as a text", (value) => value.length <= 63 && label.test(value)),
    ),
    annotations: foreignKeys("a mapping of annotations to texts", text("a text")),
  }),
);

/** Flags that kubeadm sets, and those that make kube-proxy end at once. */
const refusedArgs = /^--?(config|hostname-override|cleanup|init-only|write-config-to|version|help)(=|$)/;

const endpointAccepted =
  "host or host:port as the nodes reach the API server, port 1 to 65535, IPv6 in brackets, such as api.example.com:6443 or [2001:db8::1]:6443, or a whole URL such as https://rancher.example.com/k8s/clusters/c-1";
const subnetAccepted =
  "one CIDR, or an IPv4 and an IPv6 one with a comma between, such as 10.244.0.0/16,fd00:10:244::/56";
const unavailableAccepted = "a number of nodes above 0 or a percentage from 1% to 100%, such as 1 or 10%";

/** Schema of how many nodes may be without a running kube-proxy at a time. */
export const maxUnavailable = optional(v.pipe(v.unknown(), v.check(isMaxUnavailable, unavailableAccepted)));

/** Schema of what a DaemonSet on the host's network cannot have. */
export const maxSurge = optional(
  v.never(
    "nothing: a second kube-proxy cannot run beside the first on a node, whose ports and rules it would share; use maxUnavailable",
  ),
);

/** The keys of {@link Settings} and what each accepts; a schema of what a user writes. */
export const settingsShape = {
  kubernetesVersion: text(acceptedVersions, (value) => parseVersion(value) !== undefined),
  controlPlaneEndpoint: text(endpointAccepted, (value) => hostOfEndpoint(value) !== undefined),
  advertiseAddress: optional(text("an IP address", (value) => isIP(value) !== 0)),
  podSubnet: optional(text(subnetAccepted, isPodSubnet)),
  imageRepository: optional(
    text("a registry and path without scheme and tag, such as registry.k8s.io", (value) =>
      repository.test(value),
    ),
  ),
  image: optional(
    text("an image reference with tag or digest, such as registry.k8s.io/kube-proxy:v1.37.2", (value) =>
      imageReference.test(value),
    ),
  ),
  imagePullSecrets: optional(
    list(text("the name of a Secret in kube-system"), "a list of names of Secrets in kube-system"),
  ),
  featureGates: optional(record(v.boolean("true or false"), "a mapping of gates to true or false")),
  // What a configuration may hold depends on the version: `checkSettings` looks at it.
  configuration: optional(v.unknown()),
  nodeSelector: optional(
    record(
      text("a label value as a text", (value) => value.length <= 63 && label.test(value)),
      "a mapping of node labels to values",
    ),
  ),
  tolerations: optional(
    list(
      mapping({
        key: optional(text("a taint key")),
        operator: optional(choice(["Exists", "Equal"])),
        value: optional(text("a taint value")),
        effect: optional(choice(["NoSchedule", "PreferNoSchedule", "NoExecute"])),
        tolerationSeconds: optional(
          v.pipe(v.number("a whole number of seconds"), v.integer("a whole number of seconds")),
        ),
      }),
      "a list of tolerations",
    ),
  ),
  resources: optional(mapping({ limits: quantities, requests: quantities })),
  updateStrategy: optional(
    mapping({
      type: optional(
        v.literal(
          "RollingUpdate",
          "RollingUpdate; an OnDelete update never finishes, so pulumi up would wait in vain",
        ),
      ),
      rollingUpdate: optional(mapping({ maxUnavailable, maxSurge })),
    }),
  ),
  env: optional(
    list(
      mapping({
        name: text("a variable's name", (value) => /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(value)),
        value: text("a text"),
      }),
      "a list of {name, value}",
    ),
  ),
  extraArgs: optional(
    list(
      text(
        "an argument such as --v=4; not --config, --hostname-override, --cleanup, --init-only or --write-config-to",
        (value) => value !== "" && !refusedArgs.test(value),
      ),
      "a list of arguments, such as [--v=4]",
    ),
  ),
  metadata,
  podMetadata: metadata,
  ...podSettingsShape,
  clusterRole: optional(choice(Object.values(ClusterRoleChoice))),
  hardened: optional(v.boolean("true or false")),
};

/** A number is what YAML makes of an unquoted `3`. */
function isMaxUnavailable(value: unknown): boolean {
  return typeof value === "number"
    ? Number.isInteger(value) && value > 0
    : typeof value === "string" && /^([1-9]\d*|([1-9]\d?|100)%)$/.test(value);
}

/** kubeadm hands podSubnet on as clusterCIDR: what the version's kube-proxy refuses there is refused here. */
function checkPodSubnet(
  { podSubnet, ...value }: Record<string, unknown>,
  minor: Minor | undefined,
): Problem[] {
  const given = isRecord(value["configuration"]) ? value["configuration"] : {};
  if (minor === undefined || podSubnet === undefined || given["clusterCIDR"]) {
    return [];
  }
  const gates = isRecord(value["featureGates"]) ? Object.entries(value["featureGates"]) : [];
  const copied = Object.fromEntries(gates.filter(([gate]) => minor.copiedFeatureGates.includes(gate)));
  const own = isRecord(given["featureGates"]) ? given["featureGates"] : {};
  const filledIn = { clusterCIDR: podSubnet, featureGates: { ...own, ...copied } };
  return checkConfiguration(filledIn, minor.minor, "")
    .filter(({ path }) => path === "clusterCIDR")
    .map((problem) => ({ ...problem, path: "podSubnet" }));
}

const hardenedProblem: Problem = {
  path: "hardened",
  value: true,
  accepted: `false before v1.${sinceMinor(({ initOnly }) => initOnly)}: such a kube-proxy has no --init-only, so that it needs all rights itself; update kubernetesVersion first`,
};

/**
 * Finds every problem of what a user set: the schema's, and those of the configuration for the version.
 *
 * @param schema - {@link settingsShape}, with the caller's own keys beside it
 * @param value - what the user gave
 */
export function checkSettings(schema: Schema, value: Record<string, unknown>): Problem[] {
  const minor = parseVersion(value["kubernetesVersion"])?.minor;
  const configuration = value["configuration"];
  const problems = problemsOf(schema, value);
  const isRefused = problems.some(({ path }) => path === "podSubnet");
  const isSound = !problems.some(({ path }) => /^(excludeNodes|volume(Mount)?s)\b/.test(path));
  return [
    ...problems,
    ...(isSound ? podSettingsProblems(value) : []),
    ...(isRefused ? [] : checkPodSubnet(value, minor)),
    ...(value["hardened"] === true && minor?.initOnly === false ? [hardenedProblem] : []),
    ...(configuration === undefined ? [] : checkConfiguration(configuration, minor?.minor, "configuration")),
  ];
}
