/** How this program's requests and port-forwards reach a cluster, and in whose name. */
import type { RequestOptions } from "node:https";
import type { ConnectionOptions } from "node:tls";
import type { buildConnector as Connectors } from "undici";
import { openThrough } from "./connect.ts";
import type { Headers } from "./impersonation.ts";
import { Agent, buildConnector, type KubeConfig, type RequestContext } from "./kubernetes.ts";
import { bare, type Proxy } from "./proxy.ts";

/** What the client library cannot do itself. */
export interface Route {
  /** The proxy on the way; undefined for none. */
  readonly proxy: Proxy | undefined;
  /** Those that say whom the user impersonates. */
  readonly headers: Headers;
}

const routes = new WeakMap<KubeConfig, Route>();
const straight: Route = { proxy: undefined, headers: {} };

/** Has all that is sent to a cluster take a route. */
export function setRoute(config: KubeConfig, route: Route): void {
  routes.set(config, route);
}

/** Credentials as they are now, and the way by which they are sent. */
export interface Access extends Route {
  /** For Node.js: certificates, an agent for connections without a proxy, and the headers of the credentials. */
  readonly options: RequestOptions;
}

/** @throws Error when credentials cannot be had */
export async function accessOf(config: KubeConfig): Promise<Access> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  // Node.js has a variable that switches this off for all, which neither kubectl nor the provider knows.
  options.rejectUnauthorized ??= true;
  return { ...(routes.get(config) ?? straight), options };
}

/** The headers of the credentials, for a request. */
export function credentialHeaders({ headers = {}, auth }: RequestOptions): Record<string, string> {
  const basic = auth && { Authorization: `Basic ${Buffer.from(auth).toString("base64")}` };
  return { ...basic, ...(headers as Record<string, string>) };
}

type Dispatcher = NonNullable<ReturnType<RequestContext["getDispatcher"]>>;

/**
 * What opens connections and sends requests on them: by HTTP/1.1. With HTTP/2 an API server that refuses credentials ends
 * the connection, too, of which undici tells in the place of the answer; and undici makes one header of several.
 */
export function dispatcherOf({ options, proxy, headers }: Access): Dispatcher {
  const settings = { ...tlsOf(options), allowH2: false, keepAlive: true, keepAliveInitialDelay: 30_000 };
  const connect = proxy === undefined ? settings : connectorThrough(proxy, settings);
  const agent = new Agent({ allowH2: false, connect });
  return Object.keys(headers).length === 0
    ? agent
    : agent.compose((dispatch) => (request, handler) => {
        // `fetch` would make one header of several.
        const all = { ...(request.headers as Record<string, string>), ...headers };
        return dispatch({ ...request, headers: all as Record<string, string[]> }, handler);
      });
}

function connectorThrough(proxy: Proxy, tls: Tls & { readonly allowH2: boolean }): Connectors.connector {
  const secureConnector = buildConnector(tls);
  return (peer, callback) => {
    const { hostname, port, protocol } = peer;
    const isTls = protocol === "https:";
    openThrough(proxy, { host: bare(hostname), port: Number(port || (isTls ? 443 : 80)) }, tls).then(
      (socket) => {
        if (isTls) secureConnector({ ...peer, httpSocket: socket }, callback);
        else callback(null, socket);
      },
      (error: unknown) => {
        callback(error as Error, null);
      },
    );
  };
}

/** What is said of TLS. */
export function tlsOf(options: RequestOptions): Tls {
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
  const given = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

type Tls = Omit<ConnectionOptions, "timeout" | "port">;
