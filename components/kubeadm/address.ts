import { isIP, isIPv6 } from "node:net";

/** Host and port of the API server. */
export interface Endpoint {
  /** Name or IP address, IPv6 without brackets. */
  readonly host: string;
  /** Absent when none was given. */
  readonly port?: number;
}

const dnsName = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/**
 * Reads `host`, `host:port`, `[IPv6]` or `[IPv6]:port` as kubeadm's controlPlaneEndpoint; undefined for anything else.
 *
 * Source: kubeadm's `util.ParseHostPort`: a DNS-1123 subdomain or an IP address, port 1 to 65535.
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[^:[\]]*))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups;
  if (match === undefined) {
    return undefined;
  }
  const host = match["v6"] ?? match["host"] ?? "";
  const validHost =
    match["v6"] === undefined
      ? isIP(host) === 4 || (dnsName.test(host) && !/^[\d.]+$/.test(host))
      : isIPv6(host);
  const port = match["port"] === undefined ? undefined : Number(match["port"]);
  if (!validHost || (port !== undefined && (port < 1 || port > 65535))) {
    return undefined;
  }
  return port === undefined ? { host } : { host, port };
}

/** Writes an endpoint as `host:port`, IPv6 in brackets. */
export function formatEndpoint({ host, port }: Required<Endpoint>): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The family of a CIDR such as `10.244.0.0/16`: 4, 6, or undefined when it is none. */
export function cidrFamily(cidr: string): 4 | 6 | undefined {
  const [address = "", prefix, ...more] = cidr.split("/");
  const family = isIP(address);
  if (family === 0 || prefix === undefined || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(prefix)) {
    return undefined;
  }
  return Number(prefix) <= (family === 4 ? 32 : 128) ? (family as 4 | 6) : undefined;
}

/** Whether a text is one CIDR, or two of different families with a comma between them. */
export function isPodSubnet(text: string): boolean {
  const families = text.split(",").map(cidrFamily);
  return families.every((family) => family !== undefined) && new Set(families).size === families.length;
}
