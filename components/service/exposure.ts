import { isIP } from "node:net";
import type { NodeFacts } from "../facts/facts.ts";
import { shellWord } from "../input/printable.ts";
import { listed } from "../input/problems.ts";
import { familiesOf, isWithin } from "../preflight/cidr.ts";
import { type Finder, familyOf, kubectl, nameOf } from "./case.ts";
import { type Finding, finding } from "./finding.ts";

/**
 * A load balancer's part in a Service.
 *
 * Source: `newBaseServiceInfo` in pkg/proxy/serviceport.go; KEP-1860 (ipMode); the Service API on healthCheckNodePort and
 * loadBalancerSourceRanges.
 */
export const balancers: Finder = {
  needs: [],
  find: ({ service }) => {
    if (service.type !== "LoadBalancer") return [];
    const object = nameOf(service);
    const { balancers: given, sourceRanges, externalLocal, healthCheckNodePort, loadBalancerClass } = service;
    const found: Finding[] = [];
    if (given.length === 0) {
      found.push(
        finding("balancer-pending", {
          object,
          words: `It is of type LoadBalancer${loadBalancerClass === "" ? "" : `, class ${loadBalancerClass}`}, and has no address from outside yet: that is the cloud controller's work.`,
          next: {
            words: "See what it says",
            command: kubectl(service, `describe service ${shellWord(service.name)}`),
          },
        }),
      );
    }
    const through = given.filter(({ isProxy }) => isProxy);
    if (through.length > 0) {
      found.push(
        finding("balancer-proxies", {
          object,
          words: `Its address ${listed(through.map(({ address }) => address))} is of ipMode Proxy: kube-proxy makes no rules for it.`,
        }),
      );
    }
    if (sourceRanges.length > 0 && !sourceRanges.some((range) => /\/0$/.test(range.trim()))) {
      found.push(
        finding("source-ranges", {
          object,
          words: `loadBalancerSourceRanges lets in ${listed(sourceRanges)}, and nobody else.`,
        }),
      );
    }
    if (externalLocal && healthCheckNodePort === 0) {
      found.push(
        finding("no-health-check-port", {
          object,
          words:
            "externalTrafficPolicy is Local, and it has no healthCheckNodePort: nodes without an endpoint drop what they are sent.",
          next: {
            words: "Make the Service anew",
            command: kubectl(service, `get service ${shellWord(service.name)} -o yaml`),
          },
        }),
      );
    }
    return found;
  },
};

/** Addresses that somebody else has to lead to a node. Source: the Service API, externalIPs. */
export const externalAddresses: Finder = {
  needs: ["nodes"],
  find: ({ service, lookup }) => {
    const known = lookup.once(
      "nodes' addresses",
      () => new Set((lookup.facts.nodes ?? []).flatMap(({ addresses = [] }) => addresses)),
    );
    const strange = service.externalIPs.filter((address) => !known.has(address));
    return strange.length === 0
      ? []
      : [
          finding("external-ip", {
            object: nameOf(service),
            words: `No node has ${strange.length === 1 ? "its externalIP" : "its externalIPs"} ${listed(strange)}: kube-proxy answers what comes to a node by it, and does not make it come.`,
            next: { words: "See that the network leads it to a node", command: null },
          }),
        ];
  },
};

/**
 * NodePorts that are answered at addresses which the nodes do not tell. A node may have more than it tells.
 *
 * Source: `NewNodePortAddresses` in pkg/proxy/util/nodeport_addresses.go: ranges of a family, all addresses where it has none;
 * `primary` is what a node tells (KEP-3866, since 1.29).
 */
export const nodePorts: Finder = {
  needs: ["nodes", "proxies"],
  find: ({ service, lookup }) => {
    const proxies = lookup.facts.proxies ?? [];
    if (!service.ports.some(({ nodePort }) => nodePort > 0) || proxies.length === 0) return [];
    const ranges = proxies.map(({ nodePortAddresses = [] }) => nodePortAddresses);
    // A pool that answers everywhere has nodes that nobody here can tell from the others.
    if (ranges.some((some) => some.length === 0 || some.includes("primary"))) return [];
    const all = [...new Set(ranges.flat())];
    const silent = lookup.once(`silent ${service.families.join()}`, () =>
      (lookup.facts.nodes ?? []).filter((node) => !answersAt(node, all, service.families)),
    );
    return silent.length === 0
      ? []
      : [
          finding("node-port-addresses", {
            object: nameOf(service),
            words: `nodePortAddresses of kube-proxy's configuration has ${listed(all)}, and ${silent.length} of ${lookup.facts.nodes?.length ?? 0} nodes tell no such address, such as ${silent[0]?.name ?? ""}.`,
            next: { words: "See what addresses the nodes have", command: "kubectl get nodes -o wide" },
          }),
        ];
  },
};

function answersAt(
  { addresses = [] }: NodeFacts,
  ranges: readonly string[],
  families: readonly string[],
): boolean {
  const own = addresses.filter((address) => isIP(address) !== 0 && families.includes(familyOf(address)));
  return (
    own.length === 0 ||
    own.some(
      (address) =>
        !familiesOf(ranges).includes(familyOf(address)) || ranges.some((range) => isWithin(address, range)),
    )
  );
}
