import { BlockList, isIP, isIPv6 } from "node:net";
import { Effective } from "../../configuration/effective.ts";
import { splitHostPort } from "../../configuration/goAddress.ts";

type Configuration = Readonly<Record<string, unknown>> | undefined;

/** The port at which a kube-proxy with this configuration tells others its health; undefined when it tells nobody. */
export function healthzPortOf(configuration: Configuration): number | undefined {
  // The address, and how it is read, is the same in every minor.
  const text = new Effective(configuration ?? {}, Infinity).text("healthzBindAddress");
  const { host = "", port = "" } = splitHostPort(text) ?? {};
  return host.startsWith("127.") || host === "::1" || port === "" ? undefined : Number(port);
}

/**
 * Whether a kube-proxy with this configuration serves NodePorts at an address of its node: the primary one, which pods
 * on the host's network have as theirs.
 */
export function servesNodePorts(configuration: Configuration, address: string): boolean {
  const listed = new Effective(configuration ?? {}, Infinity).list("nodePortAddresses").map(String);
  if (listed.length === 0 || listed.includes("primary") || listed.includes("all")) return true;
  const ranges = new BlockList();
  for (const entry of listed) {
    const [net = "", prefix = ""] = entry.split("/");
    if (isIP(net) !== 0) ranges.addSubnet(net, Number(prefix), isIPv6(net) ? "ipv6" : "ipv4");
  }
  return ranges.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
