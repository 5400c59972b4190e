import { isIP, isIPv6 } from "node:net";

/** The API server's port unless another is given. Source: kubeadm's `constants.KubeAPIServerPort`. */
const defaultPort = 6443;

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

/** Scheme, host with brackets, port and path: what needs no quotes in YAML, and holds neither password nor query. */
const serverUrl = /^https?:\/\/(?<host>[\w.-]+|\[[\da-fA-F:.]+\])(:(?<port>\d{1,5}))?(\/[\w./~%-]*)?$/;

/**
 * The host of `controlPlaneEndpoint`, without brackets: of an endpoint as {@link parseEndpoint} reads it, or of a server's
 * URL as in a kubeconfig; undefined for anything else.
 */
export function hostOfEndpoint(text: string): string | undefined {
  const { host, port = "1" } = serverUrl.exec(text)?.groups ?? {};
  if (host === undefined) {
    return parseEndpoint(text)?.host;
  }
  const bare = host.replace(/^\[|\]$/g, "");
  const isHost = host === bare ? !/^[.-]/.test(host) : isIPv6(bare);
  return isHost && Number(port) >= 1 && Number(port) <= 65535 ? bare : undefined;
}

/** The URL of an API server for a kubeconfig: one that is given stays as it is, an endpoint becomes one as kubeadm's does. */
export function serverUrlOf(endpoint: string): string {
  if (serverUrl.test(endpoint)) {
    return endpoint;
  }
  const { host = "", port = defaultPort } = parseEndpoint(endpoint) ?? {};
  return `https://${formatEndpoint({ host, port })}`;
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
