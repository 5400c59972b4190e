/** Pure: kube-proxy's modes, and what tells who helps in a switch between them. */
import { parseYaml } from "../configuration/readYaml.ts";
import { isRecord } from "../input/record.ts";
import type { Wave } from "../pools/waves.ts";

/** Label of a pod that helps in a switch: the mode whose rules it makes, or `clearing` for one that removes others. */
export const helperLabel = "kube-proxy/helper";

/** What {@link helperLabel} is on a pod that removes rules. */
export const clearingValue = "clearing";

/** What {@link helperLabel} is on a pod that looks at what ipvs carries. */
export const countingValue = "counting";

/** Label of a helper: the mode of the kube-proxy that it stands beside. */
export const besideLabel = "kube-proxy/beside";

/** The mode that kube-proxy on Linux runs in with this `config.conf`. */
export function modeOf(configuration: string): string {
  const { mode } = recordOf(configuration);
  return typeof mode === "string" && mode !== "" ? mode : "iptables";
}

/** A `config.conf` as an object; an empty one where it is none. */
export function recordOf(configuration: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = parseYaml(configuration);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** The mode that a wave's pods are to run in. */
export function wantedMode({ configMap }: Wave): string {
  return modeOf(configMap.data["config.conf"]);
}
