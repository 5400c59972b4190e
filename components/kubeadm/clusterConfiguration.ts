import { readYaml } from "../configuration/readYaml.ts";
import { withoutUserinfo } from "../input/passwords.ts";
import type { Problem } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { parseEndpoint, serverUrlOf } from "./address.ts";
import { readDocuments } from "./configFile.ts";
import { defaultRepository } from "./manifests.ts";
import { minors } from "./minors.ts";
import type { Settings } from "./settings.ts";
import { parseVersion } from "./version.ts";

/** The settings that a cluster knows itself. */
export const clusterKeys = [
  "kubernetesVersion",
  "controlPlaneEndpoint",
  "podSubnet",
  "imageRepository",
  "featureGates",
] as const;

/** A setting that a cluster knows itself. */
export type ClusterKey = (typeof clusterKeys)[number];

/** Whether a setting is one that a cluster knows itself. */
export function isClusterKey(key: string): key is ClusterKey {
  return (clusterKeys as readonly string[]).includes(key);
}

/** What a cluster says of its own settings. */
export interface ClusterSettings {
  readonly settings: Partial<Pick<Settings, ClusterKey>>;
  /** For each of them the object that says so, for people. */
  readonly sources: Partial<Record<ClusterKey, string>>;
  readonly problems: readonly Problem[];
}

const kubeadmConfig = "ConfigMap kube-system/kubeadm-config";
const kubeProxyConfig = "ConfigMap kube-system/kube-proxy";

/**
 * Reads the settings of kube-proxy that a cluster knows itself: what `kubeadm init` was told is in kubeadm-config, and
 * the address of its node, which kubeadm takes where there is no controlPlaneEndpoint, in the kubeconfig that it wrote for
 * kube-proxy.
 *
 * @param clusterConfiguration - kubeadm-config's `ClusterConfiguration`, v1beta1 to v1beta4; undefined where there is none
 * @param kubeconfig - kube-proxy's `kubeconfig.conf`; undefined where there is none
 *
 * Source: kubeadm's `phases/uploadconfig` and `util/config/cluster.go`.
 */
export function settingsOfCluster(
  clusterConfiguration: string | undefined,
  kubeconfig: string | undefined,
): ClusterSettings {
  const { documents, problems, duplicates } = readDocuments(readYaml(clusterConfiguration ?? ""));
  const cluster = documents["ClusterConfiguration"] ?? {};
  const networking = isRecord(cluster["networking"]) ? cluster["networking"] : {};
  const endpoint = endpointOf(cluster["controlPlaneEndpoint"], endpointIn(kubeconfig));
  const stored = {
    kubernetesVersion: cluster["kubernetesVersion"],
    podSubnet: networking["podSubnet"],
    imageRepository: ownRepository(cluster["imageRepository"], cluster["kubernetesVersion"]),
    featureGates: copiedGates(cluster["featureGates"]),
  };
  const known = Object.entries({ ...stored, controlPlaneEndpoint: endpoint?.endpoint }).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  const isMissing = clusterConfiguration !== undefined && documents["ClusterConfiguration"] === undefined;
  return {
    // What is not as the type says is refused with the user's own settings.
    settings: Object.fromEntries(known),
    sources: Object.fromEntries(
      known.map(([key]) => [key, key === "controlPlaneEndpoint" ? endpoint?.source : kubeadmConfig]),
    ),
    problems: [
      ...problems,
      ...duplicates,
      ...(isMissing && problems.length === 0
        ? [{ path: "ClusterConfiguration", accepted: "is required: a document of this kind" }]
        : []),
    ].map(({ path, ...problem }) => ({ ...problem, path: `${kubeadmConfig}, ${path}` })),
  };
}

/** The server in a kubeconfig to the letter, or undefined. */
export function serverIn(kubeconfig: string | undefined): string | undefined {
  const [document] = readYaml(kubeconfig ?? "");
  const config = isRecord(document?.value) ? document.value : {};
  const clusters: readonly unknown[] = Array.isArray(config["clusters"]) ? config["clusters"] : [];
  const [entry] = clusters;
  const cluster = isRecord(entry) && isRecord(entry["cluster"]) ? entry["cluster"] : {};
  return typeof cluster["server"] === "string" ? cluster["server"] : undefined;
}

/** The `controlPlaneEndpoint` that makes the server in a kubeconfig, but for a user and a password; or undefined. */
export function endpointIn(kubeconfig: string | undefined): string | undefined {
  const server = serverIn(kubeconfig);
  const url = server === undefined ? undefined : withoutUserinfo(server);
  const endpoint = url?.replace(/^https:\/\//, "");
  return endpoint !== undefined && serverUrlOf(endpoint) === url ? endpoint : url;
}

function endpointOf(
  given: unknown,
  live: string | undefined,
): { endpoint: unknown; source: string } | undefined {
  if (typeof given !== "string" || given === "") {
    return live === undefined ? undefined : { endpoint: live, source: kubeProxyConfig };
  }
  // Where no port was given kubeadm has added its bindPort, which it does not store.
  const [stored, written] = [parseEndpoint(given), parseEndpoint(live ?? "")];
  const hasPort = stored?.port !== undefined || written?.host !== stored?.host;
  return hasPort ? { endpoint: given, source: kubeadmConfig } : { endpoint: live, source: kubeProxyConfig };
}

/** kubeadm stores its default, too, which is to change with the minor. */
function ownRepository(repository: unknown, kubernetesVersion: unknown): unknown {
  const version = parseVersion(kubernetesVersion);
  return version !== undefined && repository === defaultRepository(version) ? undefined : repository;
}

/** Those that decide something about kube-proxy; a cluster has others. */
function copiedGates(gates: unknown): unknown {
  const copied = minors.flatMap(({ copiedFeatureGates }) => copiedFeatureGates);
  const entries = Object.entries(isRecord(gates) ? gates : {}).filter(([gate]) => copied.includes(gate));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
