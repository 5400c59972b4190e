/**
 * What is used of the Kubernetes client and of the libraries by which it makes connections, from the one file that `npm ci`
 * makes of them where it does (commands/bundle.js).
 */
import { existsSync } from "node:fs";
import type * as Client from "@kubernetes/client-node";
import type * as Socks from "socks";
import type * as Undici from "undici";

const bundle = new URL("../../node_modules/.cache/kubernetes-client.mjs", import.meta.url);
type Used = typeof Client &
  Pick<typeof Undici, "Agent" | "buildConnector"> &
  Pick<typeof Socks, "SocksClient">;
// The bundle has the same names; who installs without scripts loads the modules one by one.
const used = (await (existsSync(bundle) ? import(bundle.href) : modules())) as Used;

async function modules(): Promise<object> {
  const [client, undici, socks] = await Promise.all([
    import("@kubernetes/client-node"),
    import("undici"),
    import("socks"),
  ]);
  return {
    ...client,
    Agent: undici.Agent,
    buildConnector: undici.buildConnector,
    SocksClient: socks.SocksClient,
  };
}

export const { HttpMethod, IsomorphicFetchHttpLibrary, KubeConfig, RequestContext } = used;
export const { Agent, buildConnector, SocksClient } = used;
export type HttpMethod = Client.HttpMethod;
export type KubeConfig = Client.KubeConfig;
export type RequestContext = Client.RequestContext;
