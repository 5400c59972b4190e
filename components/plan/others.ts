/** Pure: virtual servers of others, such as keepalived's and kube-vip's, on nodes whose kube-proxy leaves ipvs. */
import { isRecord } from "../input/record.ts";
import type { Problem } from "../input/problems.ts";

/**
 * Annotation of pods whose kube-proxy leaves ipvs alone for the sake of others. In mode nftables it would remove every
 * virtual server of its node whenever it starts.
 */
export const othersAnnotation = "kube-proxy/ipvs";

/** What {@link othersAnnotation} is. */
export const othersValue = "others";

/**
 * Where others have virtual servers: `ipvs.excludeCIDRs`. In mode ipvs kube-proxy itself removes all that are not there.
 *
 * Source: pkg/proxy/ipvs/proxier.go `cleanLegacyService`.
 *
 * @param configuration - a `config.conf`, or what a kube-proxy says that it has loaded
 */
export function othersOf(configuration: Readonly<Record<string, unknown>>): string[] {
  const section = configuration["ipvs"];
  const cidrs = isRecord(section) ? section["excludeCIDRs"] : undefined;
  return Array.isArray(cidrs) ? cidrs.filter((cidr) => typeof cidr === "string") : [];
}

/**
 * The problem of clearing what is kube-proxy's beside what is not, with nothing that can.
 *
 * @param image - that of the setting `modeSwitch`
 */
export function othersProblems(others: readonly string[], image: string | undefined): Problem[] {
  return others.length === 0 || image !== undefined
    ? []
    : [
        {
          path: "modeSwitch.image",
          value: image,
          accepted:
            "an image with sh, ip and ipvsadm, as configuration.ipvs.excludeCIDRs says that others have virtual servers: " +
            "kube-proxy's own can remove all or none. Or set modeSwitch.onDeadline to keep, which leaves all where they are; " +
            "or take excludeCIDRs out of the configuration, and all of them are removed",
        },
      ];
}
