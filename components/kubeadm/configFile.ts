import { readYaml, type YamlDocument } from "../configuration/readYaml.ts";
import { typeMeta } from "../configuration/render.ts";
import type { KubeProxyConfiguration } from "../configuration/types.ts";
import { type Problem, ProblemsError, unknownKey } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { mapping } from "../input/schema.ts";
import { formatEndpoint, parseEndpoint } from "./address.ts";
import { checkSettings, type Settings, settingsShape } from "./settings.ts";

type Mapping = Record<string, unknown>;

const group = "kubeadm.k8s.io";
const versions = ["v1beta1", "v1beta2", "v1beta3", "v1beta4"];
const defaultPort = 6443;

/** Kinds that `kubeadm init --config` reads or passes over, but that say nothing about kube-proxy. */
const otherKinds = [
  "JoinConfiguration",
  "ResetConfiguration",
  "UpgradeConfiguration",
  "KubeletConfiguration",
];

/** Fields of ClusterConfiguration and InitConfiguration, v1beta1 to v1beta4 together; a slip in one is an error. */
const clusterFields =
  "apiServer apiVersion caCertificateValidityPeriod certificateValidityPeriod certificatesDir clusterName controlPlaneEndpoint controllerManager dns encryptionAlgorithm etcd featureGates imageRepository kind kubernetesVersion networking proxy scheduler useHyperKubeImage".split(
    " ",
  );
const networkingFields = ["dnsDomain", "podSubnet", "serviceSubnet"];
const initFields =
  "apiVersion bootstrapTokens certificateKey dryRun kind localAPIEndpoint nodeRegistration patches skipPhases timeouts".split(
    " ",
  );
const endpointFields = ["advertiseAddress", "bindPort"];

/**
 * Reads the settings of kube-proxy out of a kubeadm config file: its InitConfiguration, ClusterConfiguration and
 * KubeProxyConfiguration documents, API versions v1beta1 to v1beta4.
 *
 * @param content - the file's text
 * @param file - its name, for errors
 * @throws ProblemsError with everything that is wrong with it
 *
 * Source: kubeadm's `util/config` (`initconfiguration.go`) and `apis/kubeadm/v1beta*`.
 */
export function settingsOfKubeadmConfig(content: string, file: string): Settings {
  const { documents, problems } = readDocuments(readYaml(content));
  const isMissing = documents["ClusterConfiguration"] === undefined;
  if (problems.length > 0 || isMissing) {
    const missing = {
      path: "ClusterConfiguration",
      accepted: "is required: a document of this kind with at least kubernetesVersion",
    };
    throw new ProblemsError(file, problems.length > 0 ? problems : [missing]);
  }
  const cluster = documents["ClusterConfiguration"] ?? {};
  const init = documents["InitConfiguration"] ?? {};
  const settings = { ...readCluster(cluster, init), ...readConfiguration(documents[typeMeta.kind]) };
  const found = [
    ...unknownFields(cluster, "ClusterConfiguration", clusterFields),
    ...unknownFields(cluster["networking"], "networking", networkingFields),
    ...unknownFields(init, "InitConfiguration", initFields),
    ...unknownFields(init["localAPIEndpoint"], "localAPIEndpoint", endpointFields),
    ...checkSettings(mapping(settingsShape), settings).map(inFile),
  ];
  if (found.length > 0) {
    throw new ProblemsError(file, found);
  }
  return settings as unknown as Settings;
}

function readCluster(cluster: Mapping, init: Mapping): Mapping {
  const networking = isRecord(cluster["networking"]) ? cluster["networking"] : {};
  const local = isRecord(init["localAPIEndpoint"]) ? init["localAPIEndpoint"] : {};
  return withoutEmpty({
    kubernetesVersion: cluster["kubernetesVersion"],
    controlPlaneEndpoint: endpoint(
      cluster["controlPlaneEndpoint"],
      local["advertiseAddress"],
      local["bindPort"],
    ),
    advertiseAddress: local["advertiseAddress"],
    podSubnet: networking["podSubnet"],
    imageRepository: cluster["imageRepository"],
    featureGates: cluster["featureGates"],
  });
}

/** kubeadm's rule: the control plane's endpoint, else this node's address; bindPort where no port is given. */
function endpoint(controlPlaneEndpoint: unknown, advertiseAddress: unknown, bindPort: unknown): unknown {
  const port = bindPort ?? defaultPort;
  if (typeof controlPlaneEndpoint !== "string" || controlPlaneEndpoint === "") {
    return typeof advertiseAddress === "string" && typeof port === "number"
      ? formatEndpoint({ host: advertiseAddress, port })
      : controlPlaneEndpoint;
  }
  const parsed = parseEndpoint(controlPlaneEndpoint);
  return parsed !== undefined && typeof port === "number"
    ? formatEndpoint({ port, ...parsed })
    : controlPlaneEndpoint;
}

/** A KubeProxyConfiguration document counts as the user's own even when it holds nothing but its header. */
function readConfiguration(document: Mapping | undefined): { configuration?: KubeProxyConfiguration } {
  return document === undefined ? {} : { configuration: document };
}

function withoutEmpty(values: Mapping): Mapping {
  return Object.fromEntries(
    Object.entries(values).filter(([, v]) => v !== undefined && v !== null && v !== ""),
  );
}

function unknownFields(value: unknown, path: string, known: readonly string[]): Problem[] {
  const keys = isRecord(value) ? Object.keys(value) : [];
  return keys
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: `${path}.${key}`, accepted: unknownKey(key, known) }));
}

const placeInFile: Readonly<Record<string, string>> = {
  kubernetesVersion: "ClusterConfiguration.kubernetesVersion",
  controlPlaneEndpoint:
    "ClusterConfiguration.controlPlaneEndpoint (or InitConfiguration.localAPIEndpoint.advertiseAddress)",
  advertiseAddress: "InitConfiguration.localAPIEndpoint.advertiseAddress",
  podSubnet: "ClusterConfiguration.networking.podSubnet",
  imageRepository: "ClusterConfiguration.imageRepository",
  featureGates: "ClusterConfiguration.featureGates",
};

function inFile(problem: Problem): Problem {
  const [first = "", ...rest] = problem.path.split(/(?=[.[])/);
  const place = first === "configuration" ? typeMeta.kind : (placeInFile[first] ?? first);
  return { ...problem, path: place + rest.join("") };
}

/** The documents of a kubeadm config file by their kinds, and what is wrong with the file as such. */
export interface Documents {
  readonly documents: Readonly<Record<string, Mapping>>;
  readonly problems: readonly Problem[];
}

/** Whether a file has a document of kubeadm's, and so is one for `kubeadm init --config`. */
export function isKubeadmConfig(file: readonly YamlDocument[]): boolean {
  return file.some(({ value }) => isRecord(value) && String(value["apiVersion"]).startsWith(`${group}/`));
}

/** Sorts the documents of a kubeadm config file by their kinds. */
export function readDocuments(file: readonly YamlDocument[]): Documents {
  const documents: Record<string, Mapping> = {};
  const problems: Problem[] = [];
  for (const [index, { value, error, duplicates }] of file.entries()) {
    const path = `document ${index + 1}`;
    if (error !== undefined) {
      problems.push({ path, accepted: error });
      continue;
    }
    if (value === null) {
      continue;
    }
    const problem = checkHeader(value, path, documents);
    if (problem !== undefined) {
      problems.push(problem);
    } else if (isRecord(value)) {
      const kind = String(value["kind"]);
      documents[kind] = value;
      problems.push(
        ...duplicates.map((key) => ({ path: `${kind}.${key}`, accepted: "is given twice: leave one" })),
      );
    }
  }
  return { documents, problems };
}

function checkHeader(value: unknown, path: string, documents: Documents["documents"]): Problem | undefined {
  if (!isRecord(value)) {
    return { path, value, accepted: "a mapping with apiVersion and kind" };
  }
  const { apiVersion, kind } = value;
  const [documentGroup, version] = String(apiVersion).split("/");
  const ours = kind === "ClusterConfiguration" || kind === "InitConfiguration";
  if (ours && !(documentGroup === group && versions.includes(version ?? ""))) {
    const accepted = versions.map((known) => `${group}/${known}`).join(", ");
    return { path: `${path} (${kind}).apiVersion`, value: apiVersion ?? null, accepted };
  }
  if (kind === typeMeta.kind && apiVersion !== typeMeta.apiVersion) {
    return { path: `${path} (${kind}).apiVersion`, value: apiVersion ?? null, accepted: typeMeta.apiVersion };
  }
  if (!ours && kind !== typeMeta.kind && !otherKinds.includes(String(kind))) {
    const accepted = ["ClusterConfiguration", "InitConfiguration", typeMeta.kind, ...otherKinds].join(", ");
    return { path: `${path}.kind`, value: kind ?? null, accepted };
  }
  return documents[String(kind)] === undefined
    ? undefined
    : { path: `${path}.kind`, value: kind, accepted: "one document of each kind; this is the second one" };
}
