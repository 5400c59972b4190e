/** Which proxy stands between this machine and an API server. */
import { BlockList, isIP } from "node:net";
import { domainToASCII } from "node:url";
import type { Problem } from "../input/problems.ts";

/** A proxy, and who may use it. */
export interface Proxy {
  readonly kind: "http" | "https" | "socks5";
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Whether it was said who may use it, be it with empty words. */
  readonly hasUser: boolean;
}

const ports = { http: 80, https: 443, socks5: 1080 } as const;

const kinds = new Map<string, Proxy["kind"]>([
  ["http:", "http"],
  ["https:", "https"],
  ["socks5:", "socks5"],
  // To Go the same: names are always looked up by the proxy.
  ["socks5h:", "socks5"],
]);

/** Where a proxy was found. */
interface Found {
  /** What the user calls it. */
  readonly key: string;
  readonly value: string;
  readonly accepted: string;
  readonly proxy: Proxy | undefined;
}

const address = "and a host, such as http://proxy.example.com:3128";

/** What decides on a proxy. */
export interface ProxyChoice {
  /** URL of the API server. */
  readonly server: string;
  /** `proxy-url` of the kubeconfig's cluster. */
  readonly proxyUrl: string | undefined;
  /** `HTTPS_PROXY`, `HTTP_PROXY` for a server without TLS, and `NO_PROXY`; small letters come first. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The proxy for an API server: that of the kubeconfig, else that of the environment; undefined for none.
 *
 * Source: client-go's `transport/cache.go`, Go's `net/http.ProxyFromEnvironment`.
 */
export function proxyFor(choice: ProxyChoice): Proxy | undefined {
  return find(choice)?.proxy;
}

/**
 * What is no address of a proxy. Of the environment, client-go would go past it, straight to the API server.
 *
 * Source: client-go's `tools/clientcmd/helpers.go`.
 */
export function proxyProblems(choice: ProxyChoice): Problem[] {
  const found = find(choice);
  if (found === undefined || found.proxy !== undefined) return [];
  const { key, value, accepted } = found;
  return [{ path: key, value, accepted }];
}

function find({ server, proxyUrl, env }: ProxyChoice): Found | undefined {
  return proxyUrl ? ofKubeconfig(proxyUrl) : ofEnvironment(server, env);
}

function ofKubeconfig(value: string): Found {
  const accepted = `http://, https:// or socks5:// ${address}`;
  const proxy = /^socks5h:/i.test(value) ? undefined : parseProxy(value);
  return { key: "proxy-url of the kubeconfig's cluster", value, accepted, proxy };
}

function ofEnvironment(server: string, env: NodeJS.ProcessEnv): Found | undefined {
  const url = URL.parse(server);
  const names = url?.protocol === "https:" ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy", "HTTP_PROXY"];
  const key = names.find((name) => env[name]);
  const value = key === undefined ? undefined : env[key];
  if (url === null || key === undefined || value === undefined) return undefined;
  if (!isProxied(url, env["no_proxy"] || env["NO_PROXY"] || "")) return undefined;
  const accepted = `http://, https://, socks5:// or socks5h:// ${address}; or the server's host in NO_PROXY`;
  const isWhole = /^[a-z][-a-z0-9+.]*:\/\/[^/]/i.test(value);
  return { key, value, accepted, proxy: parseProxy(isWhole ? value : `http://${value}`) };
}

/** Undefined for what is no address of a proxy. */
function parseProxy(text: string): Proxy | undefined {
  const url = URL.parse(text);
  if (url === null || url.hostname === "") return undefined;
  const kind = kinds.get(url.protocol);
  if (kind === undefined) return undefined;
  try {
    return {
      kind,
      host: bare(url.hostname),
      port: Number(url.port || ports[kind]),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      hasUser: url.username !== "" || url.password !== "",
    };
  } catch {
    return undefined;
  }
}

/** A URL's host without the brackets of IPv6. */
export function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/**
 * Whether a server is reached by the environment's proxy. This machine itself never is.
 *
 * @param noProxy - hosts, domains, addresses and networks with commas between, some with a port; `*` for all
 */
function isProxied(server: URL, noProxy: string): boolean {
  const host = bare(server.hostname);
  const port = server.port || (server.protocol === "https:" ? "443" : "80");
  if (host === "localhost" || loopback.check(host, familyOf(host))) return false;
  const entries = noProxy.split(",").map((entry) => entry.trim().toLowerCase());
  return !entries.some((entry) => entry === "*" || (entry !== "" && isMeant(entry, host, port)));
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addAddress("::1", "ipv6");

function familyOf(host: string): "ipv4" | "ipv6" {
  return isIP(host) === 6 ? "ipv6" : "ipv4";
}

/** Whether an entry of `NO_PROXY` means this host at this port. */
function isMeant(entry: string, host: string, port: string): boolean {
  const [, network = "", bits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  if (isIP(network) !== 0 && Number(bits) <= (isIP(network) === 6 ? 128 : 32)) {
    return contains((list) => {
      list.addSubnet(network, Number(bits), familyOf(network));
    }, host);
  }
  // As Go takes it apart: IPv6 has brackets where it has a port, and only there.
  const [, inBrackets, before, at = ""] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(entry) ?? [];
  const name = inBrackets ?? before ?? entry;
  if (name === "" || (at !== "" && at !== port)) return false;
  if (isIP(name) !== 0) {
    return contains((list) => {
      list.addAddress(name, familyOf(name));
    }, host);
  }
  const domain = name.replace(/^\*\./, ".");
  const suffix = domain.startsWith(".") ? domain : `.${domain}`;
  const ascii = domainToASCII(suffix.slice(1)) || suffix.slice(1);
  return isIP(host) === 0 && (host.endsWith(`.${ascii}`) || (!domain.startsWith(".") && host === ascii));
}

function contains(add: (list: BlockList) => void, host: string): boolean {
  const list = new BlockList();
  add(list);
  return isIP(host) !== 0 && list.check(host, familyOf(host));
}
