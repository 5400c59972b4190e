import { withoutUnknown } from "../configuration/check.ts";
import { readYaml, type YamlDocument } from "../configuration/readYaml.ts";
import { typeMeta } from "../configuration/render.ts";
import type { KubeProxyConfiguration } from "../configuration/types.ts";
import { type Problem, ProblemsError } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { mapping } from "../input/schema.ts";
import { formatEndpoint, parseEndpoint } from "./address.ts";
import { group, unknownFields, versions } from "./documentFields.ts";
import { readInitPhases } from "./initPhases.ts";
import { checkSettings, type Settings, settingsShape } from "./settings.ts";
import { parseVersion, type ReleaseVersion, releaseVersion } from "./version.ts";

type Mapping = Record<string, unknown>;

const defaultPort = 6443;

/** Kinds that `kubeadm init --config` reads or passes over, but that say nothing about kube-proxy. */
const otherKinds = [
  "JoinConfiguration",
  "ResetConfiguration",
  "UpgradeConfiguration",
  "KubeletConfiguration",
];

/** What a kubeadm config file says of kube-proxy. */
export interface KubeadmConfig {
  readonly settings: Settings;
  /** What kubeadm would go on in spite of, and what it would make otherwise than this program prints: sentences. */
  readonly warnings: readonly string[];
  /** The directory of patches, where the file names one. */
  readonly patches?: string;
}

/**
 * Reads the settings of kube-proxy out of a kubeadm config file, see {@link readKubeadmConfig}.
 *
 * @throws ProblemsError with everything that is wrong with it
 */
export function settingsOfKubeadmConfig(content: string, file: string): Settings {
  return readKubeadmConfig(content, file).settings;
}

/**
 * Reads a kubeadm config file: its InitConfiguration, ClusterConfiguration and KubeProxyConfiguration documents, API
 * versions v1beta1 to v1beta4. As for kubeadm, an unknown field and a key that stands twice are warnings.
 *
 * @param content - the file's text
 * @param file - its name, for errors
 * @throws ProblemsError with everything that is wrong with it
 *
 * Source: kubeadm's `util/config` (`initconfiguration.go`), `componentconfigs/configset.go` and the types of each API version.
 */
export function readKubeadmConfig(content: string, file: string): KubeadmConfig {
  const { documents, problems, duplicates, passedOver } = readDocuments(readYaml(content));
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
  const release = releaseVersion(cluster["kubernetesVersion"]);
  const version = "version" in release ? release.version : undefined;
  const { known, unknown } = readConfiguration(documents[typeMeta.kind], version);
  const settings = { ...readCluster(cluster, init), kubernetesVersion: version, ...known };
  const phases = readInitPhases(cluster, init);
  const found = [
    ...versionProblems(release, cluster["kubernetesVersion"]),
    ...phases.problems,
    ...checkSettings(mapping(settingsShape), settings)
      .filter(({ path }) => path !== "kubernetesVersion")
      .map(inFile),
  ];
  if (found.length > 0) {
    throw new ProblemsError(file, found);
  }
  return {
    settings: settings as unknown as Settings,
    warnings: [
      ...passedOver,
      ...refusedVersions(documents, version),
      ...[...duplicates.map(twice), ...unknownFields(documents), ...unknown.map(inFile).map(sentence)].map(
        (line) => `${line}; kubeadm warns of that and goes on`,
      ),
      ...phases.warnings,
    ],
    ...(phases.patches !== undefined && { patches: phases.patches }),
  };
}

function versionProblems(release: ReleaseVersion, given: unknown): Problem[] {
  const path = "ClusterConfiguration.kubernetesVersion";
  return "version" in release
    ? []
    : [{ path, ...(given !== undefined && given !== null && { value: given }), accepted: release.accepted }];
}

const twice = ({ path }: Problem) => `${path}: is given twice, of which the last one counts`;
const sentence = ({ path, accepted }: Problem) => `${path}: ${accepted}`;

/** kubeadm ends at documents of an API version that it does not read; what it would make is the same. */
function refusedVersions(documents: Documents["documents"], kubernetesVersion: string | undefined): string[] {
  const minor = parseVersion(kubernetesVersion)?.minor;
  return Object.entries(documents).flatMap(([kind, { apiVersion }]) => {
    const [own, version] = typeof apiVersion === "string" ? apiVersion.split("/") : [];
    return minor === undefined || own !== group || minor.apiVersions.includes(version ?? "")
      ? []
      : [
          `${kind}.apiVersion: kubeadm of 1.${minor.minor} reads ${minor.apiVersions.join(" and ")} and ends at ` +
            `${version ?? ""}; see kubeadm config migrate`,
        ];
  });
}

/**
 * The settings that documents of kubeadm's have, as far as they have any: nobody has checked them.
 *
 * @param documents - by their kinds, see {@link readDocuments}
 */
export function settingsIn(documents: Documents["documents"]): Partial<Settings> {
  const { ClusterConfiguration: cluster = {}, InitConfiguration: init = {} } = documents;
  const release = releaseVersion(cluster["kubernetesVersion"]);
  const version = "version" in release ? release.version : cluster["kubernetesVersion"];
  return withoutEmpty({ ...readCluster(cluster, init), kubernetesVersion: version });
}

function readCluster(cluster: Mapping, init: Mapping): Mapping {
  const networking = isRecord(cluster["networking"]) ? cluster["networking"] : {};
  const local = isRecord(init["localAPIEndpoint"]) ? init["localAPIEndpoint"] : {};
  return withoutEmpty({
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
function readConfiguration(
  document: Mapping | undefined,
  kubernetesVersion: string | undefined,
): { known: { configuration?: KubeProxyConfiguration }; unknown: readonly Problem[] } {
  if (document === undefined) {
    return { known: {}, unknown: [] };
  }
  const minor = parseVersion(kubernetesVersion)?.minor.minor;
  const { known, unknown } = withoutUnknown(document, minor, "configuration");
  return { known: { configuration: known }, unknown };
}

function withoutEmpty(values: Mapping): Mapping {
  return Object.fromEntries(
    Object.entries(values).filter(([, v]) => v !== undefined && v !== null && v !== ""),
  );
}

const placeInFile: Readonly<Record<string, string>> = {
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
  /** Keys that stand twice, of which the last one counts. */
  readonly duplicates: readonly Problem[];
  /** Documents that kubeadm warns of and passes over: sentences. */
  readonly passedOver: readonly string[];
}

/** Whether a file has a document of kubeadm's, and so is one for `kubeadm init --config`. */
export function isKubeadmConfig(file: readonly YamlDocument[]): boolean {
  return file.some(({ value }) => isRecord(value) && headerOf(value).group === group);
}

/** Sorts the documents of a kubeadm config file by their kinds. */
export function readDocuments(file: readonly YamlDocument[]): Documents {
  const documents: Record<string, Mapping> = {};
  const [problems, duplicates, passedOver]: [Problem[], Problem[][], string[]] = [[], [], []];
  for (const [index, document] of file.entries()) {
    const path = `document ${index + 1}`;
    if (document.error !== undefined) {
      problems.push({ path, accepted: document.error });
      continue;
    }
    if (document.value === null) {
      continue;
    }
    const checked = checkHeader(document.value, path, documents);
    if (typeof checked === "string") {
      passedOver.push(checked);
    } else if (checked !== undefined) {
      problems.push(checked);
    } else if (isRecord(document.value)) {
      const { kind } = headerOf(document.value);
      documents[kind] = document.value;
      duplicates.push(
        document.duplicates.map((key) => ({ path: `${kind}.${key}`, accepted: "is given twice: leave one" })),
      );
    }
  }
  return { documents, problems, duplicates: duplicates.flat(), passedOver };
}

function headerOf({ apiVersion, kind }: Mapping): { group: string; version: string; kind: string } {
  const [first = "", second] = typeof apiVersion === "string" ? apiVersion.split("/") : [];
  const name = typeof kind === "string" ? kind : "";
  return second === undefined
    ? { group: "", version: first, kind: name }
    : { group: first, version: second, kind: name };
}

/** What is wrong with a document's header; a sentence where kubeadm passes the document over. */
function checkHeader(
  value: unknown,
  path: string,
  documents: Documents["documents"],
): Problem | string | undefined {
  if (!isRecord(value)) {
    return { path, value, accepted: "a mapping with apiVersion and kind" };
  }
  const { group: own, version, kind } = headerOf(value);
  const apiVersion = { path: `${path} (${kind}).apiVersion`, value: value["apiVersion"] ?? null };
  const ours = kind === "ClusterConfiguration" || kind === "InitConfiguration";
  if (ours && !(own === group && (versions as readonly string[]).includes(version))) {
    return { ...apiVersion, accepted: versions.map((known) => `${group}/${known}`).join(", ") };
  }
  if (kind === typeMeta.kind && value["apiVersion"] !== typeMeta.apiVersion) {
    return { ...apiVersion, accepted: typeMeta.apiVersion };
  }
  const isKnown = ours || kind === typeMeta.kind || otherKinds.includes(kind);
  const isProxys = `${own}/` === typeMeta.apiVersion.replace(/[^/]*$/, "");
  if (!isKnown && (kind === "" || own === "" || version === "" || isProxys)) {
    const accepted = ["ClusterConfiguration", "InitConfiguration", typeMeta.kind, ...otherKinds].join(", ");
    return { path: `${path}.kind`, value: value["kind"] ?? null, accepted };
  }
  if (!isKnown) {
    return `${path}: is passed over, as kubeadm does: it knows no ${kind} of ${own}/${version}`;
  }
  return documents[kind] === undefined
    ? undefined
    : { path: `${path}.kind`, value: kind, accepted: "one document of each kind; this is the second one" };
}
