import { isRecord } from "../input/record.ts";
import type { KubeProxyConfiguration } from "./types.ts";

/**
 * A configuration with fields of another one over it. Sections such as `iptables` are merged field by field; lists are
 * values, which the other one's replace.
 */
export function merge(base: KubeProxyConfiguration, over: KubeProxyConfiguration): KubeProxyConfiguration {
  return mergeRecords({ ...base }, { ...over });
}

function mergeRecords(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged = Object.entries(over).map(([key, value]) => {
    const below = base[key];
    return [key, isRecord(below) && isRecord(value) ? mergeRecords(below, value) : value] as const;
  });
  return { ...base, ...Object.fromEntries(merged) };
}
