import { existsSync } from "node:fs";

import { maxNodes, network, nodeAddresses } from "../network.ts";

/** The addresses of a real node, the IPv4 one first; each list has a second one where this machine has IPv6. */
export interface RealNodeAddresses {
  /** Its own ones, with the length of the prefix that it shares with the other real nodes. */
  addresses: string[];
  /** Those of its pods. */
  podCIDRs: string[];
}

/** The most nodes with a kubelet that a lab can have: plenty for one machine. */
export const maxRealNodes = 9;

/** Whether real nodes have IPv6, too: as this machine's kernel has it. */
const dualStack = existsSync("/proc/net/if_inet6");

/** Keeps the IPv4 one of two values, and the IPv6 one where this machine has IPv6. */
function families<T>(ipv4: T, ipv6: T): T[] {
  return dualStack ? [ipv4, ipv6] : [ipv4];
}

/** Addresses of the router between the nodes, with the length of the prefix. */
export const routerAddresses: readonly string[] = families("198.19.0.254/24", "fd00:198:19::fe/64");

/** The subnets of a lab with real nodes, as kubeadm takes them: one of each family. */
export const subnets = {
  podSubnet: families(network.podSubnet, "fd00:10:244::/48").join(),
  serviceSubnet: families(network.serviceSubnet, "fd00:10:96::/112").join(),
} as const;

/**
 * The addresses of a real node. Its pods have the last of the ranges of {@link nodeAddresses}, of which the nodes that
 * kwok plays take the first.
 *
 * @param index - Counts from 0 and is below {@link maxRealNodes}.
 */
export function realNodeAddresses(index: number): RealNodeAddresses {
  const number = index + 1;
  return {
    // The other half of what is set aside for benchmarks.
    addresses: families(`198.19.0.${number}/24`, `fd00:198:19::${number}/64`),
    podCIDRs: families(nodeAddresses(maxNodes - number).podCIDR, `fd00:10:244:${number}::/64`),
  };
}

/** A real node's IPv4 address. */
export function nodeIP({ addresses: [cidr = ""] }: RealNodeAddresses): string {
  return cidr.replace(/\/.*/, "");
}

/** @throws Error unless `count` is a whole number from 0 to {@link maxRealNodes}. */
export function checkRealNodes(count: unknown): asserts count is number {
  check("real-nodes", count, maxRealNodes);
}

/**
 * @param realNodes - How many of the addresses real nodes have.
 * @throws Error unless `count` is a whole number from 0 to what real nodes leave of {@link maxRealNodes}.
 */
export function checkVmNodes(count: unknown, realNodes = 0): asserts count is number {
  check("vm-nodes", count, maxRealNodes - realNodes);
}

function check(option: string, count: unknown, most: number): void {
  if (Number.isInteger(count) && (count as number) >= 0 && (count as number) <= most) return;
  throw new Error(
    `${option}: ${JSON.stringify(count)} is not accepted; give a whole number from 0 to ${most}`,
  );
}
