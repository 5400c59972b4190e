import { nearest } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";

/** kubeadm's API group. */
export const group = "kubeadm.k8s.io";
/** Its API versions, oldest first. */
export const versions = ["v1beta1", "v1beta2", "v1beta3", "v1beta4"] as const;
type ApiVersion = (typeof versions)[number];

interface Life {
  /** The first API version that has the field; absent where all have it. */
  readonly since?: ApiVersion;
  /** The last one that has it; absent while it exists. */
  readonly until?: ApiVersion;
}

const life = (names: string, { since, until }: Life = {}): readonly (readonly [string, Life])[] =>
  names.split(" ").map((name) => [name, { ...(since && { since }), ...(until && { until }) }]);

/**
 * The fields of those mappings that say something about kube-proxy, and which API versions have them.
 *
 * Source: kubeadm's `types.go` of each API version.
 */
const fields: Readonly<Record<string, ReadonlyMap<string, Life>>> = {
  ClusterConfiguration: new Map([
    ...life(
      "apiServer apiVersion certificatesDir clusterName controlPlaneEndpoint controllerManager dns etcd",
    ),
    ...life("featureGates imageRepository kind kubernetesVersion networking scheduler"),
    ...life("useHyperKubeImage", { until: "v1beta2" }),
    ...life("caCertificateValidityPeriod certificateValidityPeriod encryptionAlgorithm proxy", {
      since: "v1beta4",
    }),
  ]),
  "ClusterConfiguration.networking": new Map(life("dnsDomain podSubnet serviceSubnet")),
  "ClusterConfiguration.proxy": new Map(life("disabled")),
  InitConfiguration: new Map([
    ...life("apiVersion bootstrapTokens kind localAPIEndpoint nodeRegistration"),
    ...life("certificateKey", { since: "v1beta2" }),
    ...life("patches skipPhases", { since: "v1beta3" }),
    ...life("dryRun timeouts", { since: "v1beta4" }),
  ]),
  "InitConfiguration.localAPIEndpoint": new Map(life("advertiseAddress bindPort")),
  "InitConfiguration.patches": new Map(life("directory")),
};

/** Whether an API version has a field. */
export function hasField(path: string, field: string, version: unknown): boolean {
  const found = fields[path]?.get(field);
  const index = versions.findIndex((known) => `${group}/${known}` === version);
  return found !== undefined && index >= indexOf(found.since, 0) && index <= indexOf(found.until, Infinity);
}

function indexOf(version: ApiVersion | undefined, otherwise: number): number {
  return version === undefined ? otherwise : versions.indexOf(version);
}

/**
 * Finds the fields of ClusterConfiguration and InitConfiguration that kubeadm does not know: it warns of them, and goes on
 * without them.
 *
 * @param documents - by their kinds
 * @returns sentences, each with the field's path
 *
 * Source: kubeadm's `util/config/strict`, and `util/config/initconfiguration.go`, which makes a warning of what it finds.
 */
export function unknownFields(documents: Readonly<Record<string, Record<string, unknown>>>): string[] {
  return Object.entries(fields).flatMap(([path, known]) => {
    const [kind = "", section] = path.split(".");
    const document = documents[kind] ?? {};
    const mapping = section === undefined ? document : document[section];
    const version = document["apiVersion"];
    return Object.keys(isRecord(mapping) ? mapping : {})
      .filter(
        (key) => !hasField(path, key, version) && (section === undefined || hasField(kind, section, version)),
      )
      .map((key) => `${path}.${key}: ${lifeOf(known.get(key)) ?? unknown(key, [...known.keys()])}`);
  });
}

function unknown(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near === undefined ? "unknown key" : `unknown key; did you mean ${near}?`;
}

function lifeOf(found: Life | undefined): string | undefined {
  if (found === undefined) {
    return undefined;
  }
  return found.since === undefined
    ? `a field up to ${group}/${found.until ?? ""} alone`
    : `a field since ${group}/${found.since} alone`;
}
