import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";

/** The lab's addresses, as they stand in a kubeadm file. */
export const network = {
  /**
   * The API server's advertised address: kubeadm refuses a loopback address, and this one is set
   * aside for documentation (RFC 5737), so it belongs to no machine. Clients use 127.0.0.1.
   */
  advertiseAddress: "192.0.2.10",
  /** The pods' addresses; each node has a /26 of them. */
  podSubnet: "10.244.0.0/16",
  /** The Services' virtual addresses. */
  serviceSubnet: "10.96.0.0/16",
} as const;

/** The most nodes a lab can have: that many /26 are in {@link network.podSubnet}. */
export const maxNodes = 1024;

/** The address space of one node. `index` counts from 0 and is below {@link maxNodes}. */
export function nodeAddresses(index: number): { internalIP: string; podCIDR: string } {
  const first = index * 64;
  return {
    // 198.18.0.0/15 is set aside for benchmarks (RFC 2544): no machine has such an address.
    internalIP: `198.18.${(index + 1) >> 8}.${(index + 1) & 255}`,
    podCIDR: `10.244.${first >> 8}.${first & 255}/26`,
  };
}

/** Finds ports that are free on 127.0.0.1, all different. Somebody else may still take one. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      resolve(server);
    });
  });
}

/**
 * Whether a URL answers 200 within 2 s. Certificates are not verified: the address is on the
 * loopback interface, some components sign theirs themselves, and nothing secret is sent.
 */
export function isHealthy(url: string): Promise<boolean> {
  const timeout = AbortSignal.timeout(2000);
  return new Promise((resolve) => {
    const request = url.startsWith("https:")
      ? getHttps(url, { agent: false, rejectUnauthorized: false, signal: timeout })
      : getHttp(url, { agent: false, signal: timeout });
    request.once("response", (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once("error", () => {
      resolve(false);
    });
  });
}
