/** Pure: what somebody changed in a ConfigMap of kube-proxy's. */
import { isDeepStrictEqual } from "node:util";
import { checkConfiguration } from "../configuration/check.ts";
import { Effective } from "../configuration/effective.ts";
import { type Field, fieldsOf, Kind } from "../configuration/fields.ts";
import { readYaml } from "../configuration/readYaml.ts";
import { typeMeta } from "../configuration/render.ts";
import type { KubeProxyConfiguration } from "../configuration/types.ts";
import { kinds } from "../configuration/values.ts";
import { withoutSecrets } from "../input/passwords.ts";
import type { Problem } from "../input/problems.ts";
import { isRecord } from "../input/record.ts";
import type { ConfigMap } from "../kubeadm/objects.ts";
import { differencesOf } from "./differences.ts";

/** A configuration that was read, or what keeps it from being one. */
export interface ReadConfiguration {
  readonly configuration?: KubeProxyConfiguration;
  readonly problems: readonly Problem[];
}

/**
 * Reads a live `config.conf`.
 *
 * @param text - undefined where the key is missing
 * @param minor - whose kube-proxy reads it
 */
export function readConfiguration(text: string | undefined, minor: number): ReadConfiguration {
  const path = "config.conf";
  if (text === undefined) {
    return { problems: [{ path, accepted: "is required: kube-proxy reads it when it starts" }] };
  }
  const [document, ...more] = readYaml(text);
  const { value, error, duplicates = [] } = document ?? {};
  if (error !== undefined || !isRecord(value)) {
    return { problems: [{ path, accepted: error ?? "is no mapping" }] };
  }
  const missing = (["apiVersion", "kind"] as const).filter((key) => value[key] === undefined);
  const problems = [
    ...missing.map((key) => ({ path: `${path}, ${key}`, accepted: `is required: ${typeMeta[key]}` })),
    ...duplicates.map((key) => ({ path: `${path}, ${key}`, accepted: "is given twice: leave one" })),
    ...(more.length > 0
      ? [{ path: `${path}, document 2`, accepted: "nothing: kube-proxy reads the first document alone" }]
      : []),
    ...checkConfiguration(value, minor, "").map((found) => ({ ...found, path: `${path}, ${found.path}` })),
  ];
  return problems.length > 0 ? { problems } : { configuration: value, problems: [] };
}

/** Fields that kube-proxy of a minor takes for different, by their paths. */
export function differingFields(
  live: KubeProxyConfiguration,
  wanted: KubeProxyConfiguration,
  minor: number,
): string[] {
  return fieldsOf(minor)
    .filter((field) => !isDeepStrictEqual(meaningOf(live, field, minor), meaningOf(wanted, field, minor)))
    .map(({ path }) => path);
}

/** Defaults of kube-proxy's that are neither durations nor texts, beside those that kubeadm 1.15 writes out. */
const defaults: Readonly<Record<string, unknown>> = {
  "iptables.localhostNodePorts": true,
  "nftables.masqueradeBit": 14,
};

/** What kube-proxy makes of a field: unset, zero and the default are one, for a pointer unset and the default. */
function meaningOf(configuration: KubeProxyConfiguration, { path, kind, defaulted }: Field, minor: number) {
  const effective = new Effective(configuration, minor);
  switch (kind) {
    case Kind.string:
    case Kind.stringOmitEmpty:
      return effective.text(path) || (defaulted ?? "");
    case Kind.duration:
    case Kind.durationOrNanoseconds:
      return effective.nanoseconds(path);
    default: {
      const given = effective.given(path);
      const { zero = null, read } = kinds[kind];
      const value = given === undefined ? zero : read(given);
      const isUnset = value === zero || (typeof value === "object" && Object.keys(value ?? {}).length === 0);
      return isUnset ? (defaults[path] ?? defaulted ?? zero) : value;
    }
  }
}

/** A configuration with another value of a field. */
export function withField(
  configuration: KubeProxyConfiguration,
  path: string,
  value: unknown,
): KubeProxyConfiguration {
  const [key = "", ...rest] = path.split(".");
  const record = configuration as Record<string, unknown>;
  const below = isRecord(record[key]) ? record[key] : {};
  return { ...record, [key]: rest.length === 0 ? value : withField(below, rest.join("."), value) };
}

/** Where a live `kubeconfig.conf` means something else than the wanted one, but for the server. */
export function kubeconfigProblems(live: string | undefined, wanted: string): Problem[] {
  const path = "kubeconfig.conf";
  if (live === undefined) {
    return [{ path, accepted: "is required: kube-proxy finds the API server by it" }];
  }
  const [[document], [ours]] = [readYaml(live), readYaml(wanted)];
  if (document?.error !== undefined) {
    return [{ path, accepted: document.error }];
  }
  return differencesOf(document?.value, ours?.value)
    .filter(({ path: place }) => place.at(-1) !== "server")
    .map((found) => ({
      path: `${path}, ${found.path.join(".")}`,
      // Somebody may have put a token there.
      ...(found.path[0] !== "users" && { value: withoutSecrets(found.live) }),
      accepted: `${JSON.stringify(found.wanted ?? null)}, as kubeadm writes it`,
    }));
}

/** The configuration in a ConfigMap that the program itself has made. */
export function configurationOf({ data }: Pick<ConfigMap, "data">, minor: number): KubeProxyConfiguration {
  return readConfiguration(data["config.conf"], minor).configuration ?? {};
}
