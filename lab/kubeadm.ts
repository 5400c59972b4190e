import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseDocument, stringify } from "yaml";

import { kubernetesVersion } from "./build.ts";
import { network } from "./network.ts";
import { ownEnvironment, runOrFail } from "./tools.ts";

/** Where kubeadm works, and with which binary. */
export interface KubeadmRun {
  /** Path of the multi-call binary. */
  binary: string;
  /** The lab's folder; nothing is written outside it. */
  dir: string;
  signal?: AbortSignal | undefined;
}

/** The port in kubeadm's files: the usual one, since the real one differs from lab to lab. */
export const bindPort = 6443;

/** A cluster as kubeadm is told of it. */
export interface KubeadmCluster {
  /** The lab's name. */
  name: string;
  podSubnet: string;
  serviceSubnet: string;
}

/** The cluster's name in kubeadm's files and thus the end of the context's name. */
export function clusterName(labName: string): string {
  return `lab-${labName}`;
}

/**
 * Makes the certificates (`<dir>/pki`) and kubeconfig files (`<dir>/*.conf`) of a new cluster with
 * `kubeadm init phase certs` and `kubeconfig`, for an API server on a port of 127.0.0.1.
 */
export async function makeCredentials(
  kubeadm: KubeadmRun,
  cluster: KubeadmCluster,
  server: string,
): Promise<void> {
  const { dir } = kubeadm;
  const config = writeConfig(dir, credentialsConfig, cluster, {
    certificatesDir: join(dir, "pki"),
    // An elliptic key takes a millisecond; kubeadm's default, RSA, a second for the dozen of them.
    encryptionAlgorithm: "ECDSA-P256",
  });
  await run(kubeadm, ["certs", "all", "--config", config]);
  await run(kubeadm, ["kubeconfig", "all", "--config", config, "--kubeconfig-dir", dir]);
  for (const user of ["admin", "super-admin", "controller-manager", "scheduler", "kubelet"]) {
    setServer(join(dir, `${user}.conf`), server);
  }
}

/** The configuration that {@link makeCredentials} leaves in the lab's folder. */
const credentialsConfig = "kubeadm-certs.yaml";

/**
 * Makes a kubeconfig for an API server at its advertised address, as the real nodes see it.
 *
 * @param user - The name in its certificate.
 * @param group - The organization in its certificate.
 * @returns The file's content.
 */
export async function makeKubeconfig(
  { binary, dir, signal }: KubeadmRun,
  user: string,
  group: string,
): Promise<string> {
  const names = ["--client-name", user, "--org", group];
  const args = ["kubeadm", "kubeconfig", "user", ...names, "--config", join(dir, credentialsConfig)];
  return await runOrFail({ file: binary, args, env: ownEnvironment(dir) }, { signal });
}

/**
 * Leaves the cluster as `kubeadm init` leaves it for an operator: ConfigMap kubeadm-config and
 * kubeadm's own kube-proxy.
 *
 * @param configuration - Fields of KubeProxyConfiguration that are not to have kubeadm's defaults.
 */
export async function installKubeProxy(
  kubeadm: KubeadmRun,
  cluster: KubeadmCluster,
  configuration: Readonly<Record<string, unknown>>,
): Promise<void> {
  const config = writeConfig(kubeadm.dir, "kubeadm.yaml", cluster, {}, configuration);
  const common = ["--config", config, "--kubeconfig", join(kubeadm.dir, "admin.conf")];
  await run(kubeadm, ["upload-config", "kubeadm", ...common]);
  await run(kubeadm, ["addon", "kube-proxy", ...common]);
}

async function run({ binary, dir, signal }: KubeadmRun, phase: string[]): Promise<void> {
  const args = ["kubeadm", "init", "phase", ...phase];
  await runOrFail({ file: binary, args, env: ownEnvironment(dir) }, { signal });
}

function writeConfig(
  dir: string,
  file: string,
  { name, podSubnet, serviceSubnet }: KubeadmCluster,
  overrides: Readonly<Record<string, string>>,
  kubeProxy: Readonly<Record<string, unknown>> = {},
): string {
  const apiVersion = "kubeadm.k8s.io/v1beta4";
  const init = {
    apiVersion,
    kind: "InitConfiguration",
    localAPIEndpoint: { advertiseAddress: network.advertiseAddress, bindPort },
    // Named, so that kubeadm does not search this machine for one.
    nodeRegistration: {
      name: "control-plane",
      criSocket: "unix:///var/run/containerd/containerd.sock",
    },
  };
  const cluster = {
    apiVersion,
    kind: "ClusterConfiguration",
    // Named, so that kubeadm does not ask the internet for the newest one.
    kubernetesVersion,
    clusterName: clusterName(name),
    networking: { podSubnet, serviceSubnet },
    apiServer: { certSANs: ["127.0.0.1", "localhost"] },
    ...overrides,
  };
  const proxy = {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    ...kubeProxy,
  };
  const path = join(dir, file);
  const parts = Object.keys(kubeProxy).length === 0 ? [init, cluster] : [init, cluster, proxy];
  writeFileSync(path, parts.map((part) => stringify(part)).join("---\n"), { mode: 0o600 });
  return path;
}

/** kubeadm wrote the advertised address, which belongs to no machine. */
function setServer(kubeconfig: string, server: string): void {
  const document = parseDocument(readFileSync(kubeconfig, "utf8"));
  document.setIn(["clusters", 0, "cluster", "server"], server);
  writeFileSync(kubeconfig, document.toString(), { mode: 0o600 });
}
