/** The Kubernetes client, from the one file that `npm ci` makes of it where there is one (commands/bundle.js). */
import { existsSync } from "node:fs";
import type * as Client from "@kubernetes/client-node";

const bundle = new URL("../../node_modules/.cache/kubernetes-client.mjs", import.meta.url);
// Both have the same names; who installs without scripts, or as a package, loads the modules one by one.
const client = (await import(existsSync(bundle) ? bundle.href : "@kubernetes/client-node")) as typeof Client;

export const {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  HttpMethod,
  IsomorphicFetchHttpLibrary,
  KubeConfig,
  PortForward,
  RequestContext,
} = client;
export type ApiException<T> = Client.ApiException<T>;
export type CoreV1Api = Client.CoreV1Api;
export type HttpMethod = Client.HttpMethod;
export type KubeConfig = Client.KubeConfig;
export type RequestContext = Client.RequestContext;
