import { advisories } from "../advisories/advisories.ts";
import { holds } from "../advisories/match.ts";
import { Validate } from "../advisories/types.ts";
import { checkConfiguration } from "../configuration/check.ts";
import { readYaml, type YamlDocument } from "../configuration/readYaml.ts";
import { typeMeta } from "../configuration/render.ts";
import { type Warning, warningsOf } from "../configuration/warnings.ts";
import type { Problem } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import { isKubeadmConfig, readDocuments } from "./configFile.ts";
import { heldConfiguration } from "./heldConfiguration.ts";
import { acceptedVersions, parseVersion, releaseVersion } from "./version.ts";

/** What is wrong with a configuration. */
export interface Validation {
  /** What kube-proxy would exit on, or silently ignore. */
  readonly errors: readonly Problem[];
  /** What is legal, but has no effect or is unwise. */
  readonly warnings: readonly Warning[];
}

/**
 * Finds every problem of a KubeProxyConfiguration at once.
 *
 * @param configuration - a KubeProxyConfiguration of any shape; apiVersion and kind may be left out
 * @param kubernetesVersion - `vMAJOR.MINOR.PATCH` or without `v`, 1.15 to 1.37, whose kube-proxy is to read it
 *
 * Source: pkg/proxy/apis/config of that minor; `npm run oracles` compares with it.
 */
export function validate(configuration: unknown, kubernetesVersion: unknown): Validation {
  return validateAt(configuration, kubernetesVersion, "");
}

/**
 * Finds every problem of a file: a bare KubeProxyConfiguration, as in `config.conf`; a ConfigMap that holds one, also among
 * other objects; or the file for `kubeadm init --config`, whose other documents are only read for their kinds.
 *
 * @param text - the file's content
 * @param kubernetesVersion - as for {@link validate}; default: that of the kubeadm file's ClusterConfiguration
 */
export function validateFile(text: string, kubernetesVersion: string | undefined): Validation {
  const file = readYaml(text);
  if (isKubeadmConfig(file)) {
    return validateKubeadmConfig(file, kubernetesVersion);
  }
  const held = heldConfiguration(file);
  if (held === undefined) {
    return validateDocument(file, kubernetesVersion);
  }
  if ("problem" in held) {
    return { errors: [held.problem], warnings: [] };
  }
  const { errors, warnings } = validateDocument(readYaml(held.text), kubernetesVersion);
  return { errors, warnings: [...warnings, ...held.warnings] };
}

const always = "1.15 (June 2019)";
const twice = "is given twice: kubeadm warns of that and takes the last one";
/** kind writes it into each document. */
const noField = "has no effect: no field of it, which kubeadm warns of and leaves out";

function validateKubeadmConfig(
  file: readonly YamlDocument[],
  kubernetesVersion: string | undefined,
): Validation {
  const { documents, problems, duplicates, passedOver } = readDocuments(file);
  const version = kubernetesVersion ?? documents["ClusterConfiguration"]?.["kubernetesVersion"];
  const { metadata, ...configuration } = documents[typeMeta.kind] ?? {};
  const isGiven = documents[typeMeta.kind] !== undefined;
  const found = validateAt(configuration, version, isGiven ? typeMeta.kind : "");
  const isProxys = ({ path }: Problem) => path.startsWith(`${typeMeta.kind}.`);
  return {
    errors: [...problems, ...duplicates.filter(isProxys), ...found.errors],
    warnings: [
      ...passedOver.map((reason) => ({ path: "file", reason, date: always })),
      ...duplicates
        .filter((problem) => !isProxys(problem))
        .map(({ path }) => ({ path, reason: twice, date: always })),
      ...(metadata === undefined
        ? []
        : [{ path: `${typeMeta.kind}.metadata`, reason: noField, date: always }]),
      ...(isGiven ? found.warnings : []),
    ],
  };
}

function validateDocument(
  [document, ...more]: readonly YamlDocument[],
  kubernetesVersion: string | undefined,
): Validation {
  if (document?.error !== undefined) {
    return { errors: [{ path: "document 1", accepted: document.error }], warnings: [] };
  }
  const value = document?.value;
  const missing = ["apiVersion", "kind"].filter((key) => !isRecord(value) || !Object.hasOwn(value, key));
  const { errors, warnings } = validateAt(value ?? {}, kubernetesVersion, "");
  return {
    errors: [
      ...missing.map((path) => ({
        path,
        accepted: `is required: ${typeMeta[path as keyof typeof typeMeta]}`,
      })),
      ...(document?.duplicates ?? []).map((path) => ({ path, accepted: "is given twice: leave one" })),
      ...errors,
    ],
    warnings:
      more.length === 0
        ? warnings
        : [
            ...warnings,
            {
              path: "document 2",
              reason: "has no effect: kube-proxy reads the first document",
              date: always,
            },
          ],
  };
}

function validateAt(configuration: unknown, kubernetesVersion: unknown, path: string): Validation {
  const release = releaseVersion(kubernetesVersion);
  const version = "version" in release ? parseVersion(release.version) : undefined;
  const minor = version?.minor.minor;
  const accepted = "version" in release ? acceptedVersions : release.accepted;
  const unknown = { path: "kubernetesVersion", value: kubernetesVersion ?? null, accepted };
  const prefixed = (warning: Warning) =>
    path === "" ? warning : { ...warning, path: `${path}.${warning.path}` };
  return {
    errors: [...(minor === undefined ? [unknown] : []), ...checkConfiguration(configuration, minor, path)],
    warnings:
      version === undefined || !isRecord(configuration)
        ? []
        : [
            ...warningsOf(configuration, version.minor.minor).map(prefixed),
            ...advisoriesOf(configuration, version.text, prefixed),
          ],
  };
}

/** Known faults of the version that the configuration goes into. */
function advisoriesOf(
  configuration: Readonly<Record<string, unknown>>,
  version: string,
  prefixed: (warning: Warning) => Warning,
): Warning[] {
  const text = (name: string) => (typeof configuration[name] === "string" ? configuration[name] : "");
  const [mode, detectLocalMode] = [text("mode"), text("detectLocalMode")];
  return advisories
    .filter((row) => row.validate === Validate.affected && holds(row, { version, mode, detectLocalMode }))
    .map(({ what, remedy, sources: [source = ""], date, modes }) => {
      const reason = `${what}; ${remedy} (${source})`;
      return modes === undefined
        ? { path: "kubernetesVersion", value: version, reason, date }
        : prefixed({ path: "mode", value: mode, reason, date });
    });
}
