import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";
import { renderConfiguration } from "../configuration/render.ts";
import type { KubeProxyConfiguration } from "../configuration/types.ts";
import { cidrFamily, hostOfEndpoint, serverUrlOf } from "./address.ts";
import { harden } from "./hardening.ts";
import type { Minor } from "./minors.ts";
import { kubeadmsMounts, negated } from "./podSettings.ts";
import type { NodeSelectorRequirement } from "./podTypes.ts";
import type { Affinity, ConfigMap, DaemonSet, KubeProxyObjects, PodSpec, PolicyRule } from "./objects.ts";
import { ClusterRoleChoice, type Metadata, type Settings } from "./settings.ts";
import { parseVersion, type Version } from "./version.ts";

const name = "kube-proxy";
const namespace = "kube-system";
const rbac = "rbac.authorization.k8s.io";

/** Annotation on a ConfigMap whose content is kubeadm's own: kubeadm's hash over it. */
export const hashAnnotation = "kubeadm.kubernetes.io/component-config.hash";

/**
 * The objects that `kubeadm init` of the given version makes for kube-proxy, field for field.
 *
 * @param settings - settings in which {@link checkSettings} finds no problem
 *
 * Source: kubeadm's `cmd/kubeadm/app/phases/addons/proxy` (`proxy.go`, `manifests.go`).
 */
export function kubeProxyObjects(settings: Settings): KubeProxyObjects {
  const version = parseVersion(settings.kubernetesVersion);
  if (version === undefined) {
    throw new Error(`kubernetesVersion ${settings.kubernetesVersion} was not checked before rendering`);
  }
  const own = settings.metadata;
  const creates = settings.clusterRole === ClusterRoleChoice.create;
  const clusterRoleName = creates ? "kube-proxy:node-proxier" : "system:node-proxier";
  return {
    serviceAccount: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace, ...own } },
    ...(creates && {
      clusterRole: {
        apiVersion: `${rbac}/v1`,
        kind: "ClusterRole",
        metadata: { name: clusterRoleName, ...own },
        rules: nodeProxierRules(version.minor),
      },
    }),
    clusterRoleBinding: {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: "kubeadm:node-proxier", ...own },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: clusterRoleName },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
    // A joining node reads the ConfigMap with its bootstrap token; kube-proxy itself does not need this Role.
    role: {
      apiVersion: `${rbac}/v1`,
      kind: "Role",
      metadata: { name, namespace, ...own },
      rules: [{ apiGroups: [""], resources: ["configmaps"], resourceNames: [name], verbs: ["get"] }],
    },
    roleBinding: {
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata: { name, namespace, ...own },
      roleRef: { apiGroup: rbac, kind: "Role", name },
      subjects: [{ kind: "Group", name: "system:bootstrappers:kubeadm:default-node-token" }],
    },
    configMap: configMap(settings, version),
    daemonSet: daemonSet(settings, version),
  };
}

/**
 * kubeadm's hash over a ConfigMap's data: `sha256:` and the hex digest of the values in the order of their keys.
 *
 * Source: kubeadm's `componentconfigs/checksums.go`.
 */
export function configHash(data: ConfigMap["data"]): string {
  const hash = createHash("sha256").update(data["config.conf"]).update(data["kubeconfig.conf"]);
  return `sha256:${hash.digest("hex")}`;
}

function configMap(settings: Settings, { minor }: Version): ConfigMap {
  const data = {
    "config.conf": renderConfiguration(configuration(settings, minor), minor.minor, minor.unset),
    "kubeconfig.conf": kubeconfig(settings.controlPlaneEndpoint),
  };
  // With a configuration from the user kubeadm leaves the hash out, and so takes it for the user's own later on.
  const hashed = minor.hashesConfiguration && settings.configuration === undefined;
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name,
      namespace,
      ...withMetadata({ app: name }, hashed ? { [hashAnnotation]: configHash(data) } : {}, settings.metadata),
    },
    data,
  };
}

/** Labels and annotations of kubeadm's with the user's beside them; no mapping of annotations where there are none. */
function withMetadata(
  labels: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>>,
  own: Metadata | undefined,
) {
  const all = { ...annotations, ...own?.annotations };
  return {
    labels: { ...labels, ...own?.labels },
    ...(Object.keys(all).length > 0 && { annotations: all }),
  };
}

/** The user's configuration with what kubeadm fills in. */
function configuration(settings: Settings, minor: Minor): KubeProxyConfiguration {
  const given = settings.configuration ?? {};
  const gates = Object.entries(settings.featureGates ?? {}).filter(([gate]) =>
    minor.copiedFeatureGates.includes(gate),
  );
  const featureGates = { ...given.featureGates, ...Object.fromEntries(gates) };
  const bindAddress = isPrimaryIPv6(settings) ? "::" : "0.0.0.0";
  return {
    ...given,
    bindAddress: minor.forcesBindAddress ? bindAddress : given.bindAddress || bindAddress,
    clusterCIDR: given.clusterCIDR || (settings.podSubnet ?? ""),
    clientConnection: {
      ...given.clientConnection,
      kubeconfig: given.clientConnection?.kubeconfig || "/var/lib/kube-proxy/kubeconfig.conf",
    },
    mode: given.mode || minor.mode,
    featureGates,
  };
}

function isPrimaryIPv6({ advertiseAddress, controlPlaneEndpoint, podSubnet }: Settings): boolean {
  const host = advertiseAddress ?? hostOfEndpoint(controlPlaneEndpoint) ?? "";
  const firstSubnet = podSubnet?.split(",")[0] ?? "";
  // A name has no family: then the pods' first one decides.
  return (
    isIPv6(host) ||
    (advertiseAddress === undefined && !/^[\d.]+$/.test(host) && cidrFamily(firstSubnet) === 6)
  );
}

function kubeconfig(controlPlaneEndpoint: string): string {
  const account = "/var/run/secrets/kubernetes.io/serviceaccount";
  return [
    "apiVersion: v1",
    "kind: Config",
    "clusters:",
    "- cluster:",
    `    certificate-authority: ${account}/ca.crt`,
    `    server: ${serverUrlOf(controlPlaneEndpoint)}`,
    "  name: default",
    "contexts:",
    "- context:",
    "    cluster: default",
    "    namespace: default",
    "    user: default",
    "  name: default",
    "current-context: default",
    "users:",
    "- name: default",
    "  user:",
    `    tokenFile: ${account}/token`,
  ].join("\n");
}

function daemonSet(settings: Settings, version: Version): DaemonSet {
  const { minor } = version;
  const labels = { "k8s-app": name };
  const { livenessProbe, readinessProbe, startupProbe } = settings;
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name, namespace, ...withMetadata(labels, {}, settings.metadata) },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: updateStrategy(settings),
      template: {
        metadata: withMetadata(labels, {}, settings.podMetadata),
        spec: hardenedIf(settings, minor, {
          priorityClassName: settings.priorityClassName ?? "system-node-critical",
          serviceAccountName: name,
          hostNetwork: true,
          nodeSelector: { [minor.osLabel]: "linux", ...settings.nodeSelector },
          ...(settings.excludeNodes?.length && { affinity: affinityTo(settings.excludeNodes.map(negated)) }),
          tolerations: settings.tolerations ?? [
            ...(minor.toleratesCriticalAddons ? [{ key: "CriticalAddonsOnly", operator: "Exists" }] : []),
            { operator: "Exists" },
          ],
          ...(settings.imagePullSecrets && {
            imagePullSecrets: settings.imagePullSecrets.map((secret) => ({ name: secret })),
          }),
          ...(settings.hostAliases && { hostAliases: settings.hostAliases }),
          containers: [
            {
              name,
              image: settings.image ?? defaultImage(settings.imageRepository, version),
              imagePullPolicy: "IfNotPresent",
              command: [
                "/usr/local/bin/kube-proxy",
                "--config=/var/lib/kube-proxy/config.conf",
                "--hostname-override=$(NODE_NAME)",
                ...(settings.extraArgs ?? []),
              ],
              env: [
                { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
                ...(settings.env ?? []),
              ],
              resources: settings.resources ?? {},
              securityContext: { privileged: true },
              volumeMounts: [...kubeadmsMounts, ...(settings.volumeMounts ?? [])],
              ...(livenessProbe && { livenessProbe }),
              ...(readinessProbe && { readinessProbe }),
              ...(startupProbe && { startupProbe }),
            },
          ],
          volumes: [
            { name, configMap: { name } },
            { name: "xtables-lock", hostPath: { path: "/run/xtables.lock", type: "FileOrCreate" } },
            { name: "lib-modules", hostPath: { path: "/lib/modules" } },
            ...(settings.volumes ?? []),
          ],
        }),
      },
    },
  };
}

function hardenedIf({ hardened, configuration }: Settings, minor: Minor, spec: PodSpec): PodSpec {
  // Where kubeadm leaves the mode open, kube-proxy takes iptables.
  return hardened === true ? harden(spec, configuration?.mode || minor.mode || "iptables") : spec;
}

/** An affinity to nodes of whose labels all requirements hold. */
export function affinityTo(matchExpressions: readonly NodeSelectorRequirement[]): Affinity {
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
    },
  };
}

function updateStrategy({ updateStrategy: given }: Settings): DaemonSet["spec"]["updateStrategy"] {
  const maxUnavailable = given?.rollingUpdate?.maxUnavailable;
  return {
    type: "RollingUpdate",
    ...(maxUnavailable !== undefined && {
      rollingUpdate: { maxUnavailable: /%$/.test(maxUnavailable) ? maxUnavailable : Number(maxUnavailable) },
    }),
  };
}

/** The image of a version, as kubeadm names it. */
export function defaultImage(imageRepository: string | undefined, version: Version): string {
  // An image tag cannot hold the plus sign of a build suffix.
  return `${imageRepository ?? defaultRepository(version)}/kube-proxy:${version.text.replaceAll("+", "_")}`;
}

/** Where kubeadm of a version takes images from when it is not told. */
export function defaultRepository({ patch, minor }: Version): string {
  return minor.imageRepository.findLast(({ sincePatch }) => sincePatch <= patch)?.repository ?? "";
}

/** What the API server's bootstrap policy grants `system:node-proxier`. */
export function nodeProxierRules({ nodeProxier }: Minor): PolicyRule[] {
  const { watchesNodes, newEvents, endpointSlices, serviceCIDRs } = nodeProxier;
  const read = ["list", "watch"];
  return [
    { apiGroups: [""], resources: ["services", "endpoints"], verbs: read },
    { apiGroups: [""], resources: ["nodes"], verbs: ["get", ...(watchesNodes ? read : [])] },
    {
      apiGroups: ["", ...(newEvents ? ["events.k8s.io"] : [])],
      resources: ["events"],
      verbs: ["create", "patch", "update"],
    },
    ...(endpointSlices
      ? [{ apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read }]
      : []),
    ...(serviceCIDRs ? [{ apiGroups: ["networking.k8s.io"], resources: ["servicecidrs"], verbs: read }] : []),
  ];
}
