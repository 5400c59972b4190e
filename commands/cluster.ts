import type { KubeConfig } from "@kubernetes/client-node";
import { closeSession } from "../components/cluster/api.ts";
import { loadCluster } from "../components/cluster/client.ts";
import { atEnd, clusterOf } from "./commandLine.ts";

/**
 * The cluster that a command line means, see `loadCluster`. Its connections are ended with the command: open ones would
 * keep the process alive.
 */
export function openCluster(values: {
  kubeconfig?: string | undefined;
  context?: string | undefined;
}): KubeConfig {
  const config = loadCluster(clusterOf(values), process.env);
  atEnd(() => closeSession(config));
  return config;
}
