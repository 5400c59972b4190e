/** What is used of the Kubernetes client, from the one file that `npm ci` makes of it where it does (commands/bundle.js). */
import { existsSync } from "node:fs";
import type * as Client from "@kubernetes/client-node";

const bundle = new URL("../../node_modules/.cache/kubernetes-client.mjs", import.meta.url);
// Both have these names; who installs without scripts loads the modules one by one.
const client = (await import(existsSync(bundle) ? bundle.href : "@kubernetes/client-node")) as typeof Client;

export const { HttpMethod, IsomorphicFetchHttpLibrary, KubeConfig, RequestContext } = client;
export type HttpMethod = Client.HttpMethod;
export type KubeConfig = Client.KubeConfig;
export type RequestContext = Client.RequestContext;
