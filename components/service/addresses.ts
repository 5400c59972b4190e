import { listed } from "../input/problems.ts";
import { isWithin } from "../preflight/cidr.ts";
import { type Finder, hasSelector, isHeadless, nameOf } from "./case.ts";
import { finding } from "./finding.ts";

/** Addresses that are not where they should be. */
export const clusterIPs: Finder = {
  needs: ["serviceCIDRs"],
  find: ({ service, lookup }) => {
    const ranges = lookup.facts.serviceCIDRs ?? [];
    const outside = service.clusterIPs.filter((address) => !ranges.some((range) => isWithin(address, range)));
    return isHeadless(service) || ranges.length === 0 || outside.length === 0
      ? []
      : [
          finding("cluster-ip-outside", {
            object: nameOf(service),
            words: `Its address ${outside.join(" and ")} is outside of the Services' ranges ${listed(ranges)}: the network may lead it elsewhere before kube-proxy's rules see it.`,
            next: { words: "See the ranges", command: "kubectl get servicecidrs" },
          }),
        ];
  },
};

/**
 * Pods with addresses outside of their nodes' ranges, in a cluster whose other pods keep to them: where a network plugin has
 * ranges of its own, as Calico and Cilium may, podCIDRs say nothing.
 */
export const podAddresses: Finder = {
  needs: ["pods", "nodes"],
  find: ({ service, livePods, lookup }) => {
    if (!hasSelector(service) || !lookup.keepsToPodCIDRs) return [];
    const outside = livePods.filter((pod) => lookup.isOutside(pod));
    const [first] = outside;
    return first === undefined
      ? []
      : [
          finding("address-outside", {
            object: nameOf(service),
            words: `${outside.length} of its pods ${outside.length === 1 ? "has an address" : "have addresses"} outside of the podCIDRs of ${outside.length === 1 ? "its node" : "their nodes"}, such as ${first.name} with ${listed(first.addresses)}: other nodes may not find the way.`,
            next: {
              words: "See the nodes' ranges",
              command: "kubectl get nodes -o custom-columns=NAME:.metadata.name,PODS:.spec.podCIDRs",
            },
          }),
        ];
  },
};
