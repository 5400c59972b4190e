import { isRecord } from "../input/record.ts";
import { fieldsOf } from "./fields.ts";
import { marshal, type Yaml } from "./goYaml.ts";
import type { KubeProxyConfiguration } from "./types.ts";
import { isEmpty, kinds } from "./values.ts";

/** The API version and kind that every minor from 1.15 to 1.37 reads; no other version was ever released. */
export const typeMeta = {
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  kind: "KubeProxyConfiguration",
} as const;

/** How a minor's kubeadm fills the fields that nobody set. */
export const Unset = {
  /** With kube-proxy's own defaults: 1.15 and 1.16. */
  defaulted: "defaulted",
  /** With Go's zero values, which kube-proxy replaces by its defaults when it starts: since 1.17 (k/k #79223). */
  zero: "zero",
} as const;
export type Unset = (typeof Unset)[keyof typeof Unset];

/**
 * The bytes that kubeadm writes into `config.conf` for a configuration: every field of the minor, sorted, no newline
 * at the end.
 *
 * @param configuration - a configuration that {@link checkConfiguration} finds no problem in
 * @param minor - the Kubernetes minor, such as 37
 * @param unset - how that minor fills what is unset
 */
export function renderConfiguration(
  configuration: KubeProxyConfiguration,
  minor: number,
  unset: Unset,
): string {
  const document: Record<string, Yaml> = { ...typeMeta };
  for (const { path, kind, defaulted } of fieldsOf(minor)) {
    const { zero, read } = kinds[kind];
    const given = at(configuration, path);
    const value = given === undefined || given === null ? zero : read(given);
    const written =
      unset === Unset.defaulted && defaulted !== undefined && value === zero ? defaulted : value;
    if (written !== undefined && !(zero === undefined && isEmpty(written))) {
      put(document, path.split("."), written);
    }
  }
  return marshal(document);
}

/** The value at a dotted path, or undefined. */
export function at(configuration: object, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), configuration);
}

function put(target: Record<string, Yaml>, [key = "", ...rest]: string[], value: Yaml): void {
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  target[key] ??= {};
  put(target[key] as Record<string, Yaml>, rest, value);
}
