import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { stringify } from "yaml";

import { kubeApiBurst, labKubeApiQps } from "./controllerRate.ts";
import { network } from "./network.ts";

/** How one component of the control plane is started and how its health is asked. */
export interface ComponentSpec {
  name: string;
  /** Path of the program; the lab's multi-call binary unless given. */
  file?: string;
  args: string[];
  /** What its environment has beside the lab's own. */
  env?: Readonly<Record<string, string>>;
  /** The port on the loopback interface that it serves at. */
  port: number;
  /** URL that answers 200 when it is healthy. */
  health: string;
  /** How long it may take to become healthy, in milliseconds: 90,000 unless given. */
  startMs?: number;
  /** How long it may take to end by itself, in milliseconds: 5000 unless given. */
  graceMs?: number;
}

/** What differs from lab to lab beside folder and ports. */
export interface ClusterOptions {
  /** The Services' subnet, or an IPv4 and an IPv6 one with a comma between. */
  serviceSubnet: string;
  /** Path of the API server's configuration by which it reaches nodes. */
  egressSelector: string;
  /** Port of the gateway that leads there, where the kube-proxies' stand-in has to be it. */
  gateway?: number;
  /** Number of nodes that it starts with. */
  nodes: number;
  /** Requests a second of the controller manager, for each controller. Default: {@link labKubeApiQps}. */
  kubeApiQps?: number | undefined;
}

/** The ports of a lab, all on 127.0.0.1. */
export interface Ports {
  etcd: number;
  etcdPeer: number;
  etcdMetrics: number;
  apiServer: number;
  controllerManager: number;
  scheduler: number;
  kwok: number;
  kubeProxy: number;
}

/**
 * The components of a lab. Their flags are those that kubeadm gives its static pods, with the lab's
 * paths and ports, unless a comment says why not. The certificates and kubeconfig files lie in
 * `<dir>/pki` and `<dir>` already.
 */
export function componentSpecs(
  dir: string,
  ports: Ports,
  { serviceSubnet, egressSelector, gateway, nodes, kubeApiQps = labKubeApiQps }: ClusterOptions,
): Record<"etcd" | "apiServer" | "controllerManager" | "scheduler" | "kubeProxy" | "kwok", ComponentSpec> {
  const local = (port: number): string => `https://127.0.0.1:${port}`;
  const pki = (file: string): string => join(dir, "pki", file);
  const kubeconfig = (component: string): string => join(dir, `${component}.conf`);

  return {
    etcd: {
      name: "etcd",
      port: ports.etcd,
      health: `http://127.0.0.1:${ports.etcdMetrics}/health`,
      args: flags({
        name: "lab",
        "data-dir": join(dir, "etcd"),
        // Nothing of a lab needs to survive a power cut, and most of a write's time is the disk's.
        "unsafe-no-fsync": true,
        "listen-client-urls": local(ports.etcd),
        "advertise-client-urls": local(ports.etcd),
        "listen-peer-urls": local(ports.etcdPeer),
        "initial-advertise-peer-urls": local(ports.etcdPeer),
        "initial-cluster": `lab=${local(ports.etcdPeer)}`,
        "listen-metrics-urls": `http://127.0.0.1:${ports.etcdMetrics}`,
        "cert-file": pki("etcd/server.crt"),
        "key-file": pki("etcd/server.key"),
        "client-cert-auth": true,
        "trusted-ca-file": pki("etcd/ca.crt"),
        "peer-cert-file": pki("etcd/peer.crt"),
        "peer-key-file": pki("etcd/peer.key"),
        "peer-client-cert-auth": true,
        "peer-trusted-ca-file": pki("etcd/ca.crt"),
      }),
    },
    apiServer: {
      name: "kube-apiserver",
      port: ports.apiServer,
      health: `${local(ports.apiServer)}/readyz`,
      args: flags({
        "advertise-address": network.advertiseAddress,
        // kubeadm's listens on every interface; a lab is for this machine alone.
        "bind-address": "127.0.0.1",
        "secure-port": ports.apiServer,
        "allow-privileged": true,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "enable-bootstrap-token-auth": true,
        "client-ca-file": pki("ca.crt"),
        "tls-cert-file": pki("apiserver.crt"),
        "tls-private-key-file": pki("apiserver.key"),
        "etcd-servers": local(ports.etcd),
        "etcd-cafile": pki("etcd/ca.crt"),
        "etcd-certfile": pki("apiserver-etcd-client.crt"),
        "etcd-keyfile": pki("apiserver-etcd-client.key"),
        "kubelet-client-certificate": pki("apiserver-kubelet-client.crt"),
        "kubelet-client-key": pki("apiserver-kubelet-client.key"),
        // kubeadm's list begins with InternalIP, which leads nowhere here: see nodes.ts.
        "kubelet-preferred-address-types": "InternalDNS,InternalIP,ExternalIP,Hostname",
        "proxy-client-cert-file": pki("front-proxy-client.crt"),
        "proxy-client-key-file": pki("front-proxy-client.key"),
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-client-ca-file": pki("front-proxy-ca.crt"),
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": pki("sa.pub"),
        "service-account-signing-key-file": pki("sa.key"),
        "service-cluster-ip-range": serviceSubnet,
        "egress-selector-config-file": egressSelector,
        // Not kubeadm's: it tells who uses the lab from what its controllers do meanwhile.
        "audit-policy-file": auditPolicy(dir),
        "audit-log-path": auditLog(dir),
      }),
    },
    controllerManager: {
      name: "kube-controller-manager",
      port: ports.controllerManager,
      health: `${local(ports.controllerManager)}/healthz`,
      args: flags({
        "bind-address": "127.0.0.1",
        "secure-port": ports.controllerManager,
        kubeconfig: kubeconfig("controller-manager"),
        "authentication-kubeconfig": kubeconfig("controller-manager"),
        "authorization-kubeconfig": kubeconfig("controller-manager"),
        "client-ca-file": pki("ca.crt"),
        "requestheader-client-ca-file": pki("front-proxy-ca.crt"),
        "cluster-name": "kubernetes",
        "cluster-signing-cert-file": pki("ca.crt"),
        "cluster-signing-key-file": pki("ca.key"),
        "root-ca-file": pki("ca.crt"),
        "service-account-private-key-file": pki("sa.key"),
        "service-cluster-ip-range": serviceSubnet,
        "use-service-account-credentials": true,
        controllers: "*,bootstrapsigner,tokencleaner",
        // Nobody to share the lead with, and waiting for the lease costs seconds at every start.
        "leader-elect": false,
        "kube-api-qps": kubeApiQps,
        "kube-api-burst": kubeApiBurst(kubeApiQps),
        "node-monitor-grace-period": "200s", // See leaseSeconds.
      }),
    },
    scheduler: {
      name: "kube-scheduler",
      port: ports.scheduler,
      health: `${local(ports.scheduler)}/readyz`,
      args: flags({
        "bind-address": "127.0.0.1",
        "secure-port": ports.scheduler,
        "authentication-kubeconfig": kubeconfig("scheduler"),
        "authorization-kubeconfig": kubeconfig("scheduler"),
        config: schedulerConfiguration(dir, kubeconfig("scheduler")),
      }),
    },
    kubeProxy: {
      name: "kube-proxy",
      port: ports.kubeProxy,
      health: `http://127.0.0.1:${ports.kubeProxy}/healthz`,
      file: process.execPath,
      args: [
        join(import.meta.dirname, "kubeProxy.ts"),
        dir,
        ...[ports.kubeProxy, gateway ?? []].flat().map(String),
      ],
    },
    kwok: {
      name: "kwok",
      port: ports.kwok,
      health: `http://127.0.0.1:${ports.kwok}/healthz`,
      args: flags({
        config: [join(import.meta.dirname, "kwok", "stages.yaml"), portForwards(dir, ports.kubeProxy)],
        // In place of the kubelets, of which each would have rights to its own node alone.
        kubeconfig: kubeconfig("super-admin"),
        "manage-all-nodes": false,
        "manage-nodes-with-annotation-selector": Object.entries(kwokAnnotation).flat().join("="),
        "server-address": `127.0.0.1:${ports.kwok}`,
        // What the nodes say where their kubelet is: the API server forwards ports through it.
        "node-port": ports.kwok,
        "tls-cert-file": pki("apiserver.crt"),
        "tls-private-key-file": pki("apiserver.key"),
        "node-lease-duration-seconds": leaseSeconds(nodes),
      }),
    },
  };
}

/** The annotation of the nodes that kwok plays. */
export const kwokAnnotation = { "kwok.x-k8s.io/node": "fake" } as const;

/**
 * How long the nodes' leases last; kwok renews them four times in that. A kubelet's lasts 40 s and is renewed every 10 s.
 * With 1,000 nodes that is 100 writes a second for nothing, on a machine whose cores are few: here they are 20 at most.
 * Few nodes renew theirs every second, since every proof waits for a renewal. And a late one must not make nodes NotReady in
 * the middle of a test, so that the controller manager misses a node much later.
 */
function leaseSeconds(nodes: number): number {
  return Math.max(4, Math.ceil(nodes / 5));
}

/** Writes the scheduler's configuration file, for what has no flag, and returns its path. */
function schedulerConfiguration(dir: string, kubeconfig: string): string {
  const path = join(dir, "scheduler.yaml");
  const configuration = {
    apiVersion: "kubescheduler.config.k8s.io/v1",
    kind: "KubeSchedulerConfiguration",
    leaderElection: { leaderElect: false }, // See the controller manager.
    clientConnection: { kubeconfig, qps: 1000, burst: 2000 }, // See labKubeApiQps.
  };
  writeFileSync(path, stringify(configuration), { mode: 0o600 });
  return path;
}

/**
 * Where the API server writes down each request that comes by admin.conf, or from a ServiceAccount of namespace
 * {@link operators}: one line of JSON, without any content.
 */
export function auditLog(dir: string): string {
  return join(dir, "audit.log");
}

/** The namespace whose ServiceAccounts are taken for people, as far as the audit log goes; nobody makes it. */
export const operators = "operators";

/** Writes whose requests the API server writes down, and returns the file's path. */
function auditPolicy(dir: string): string {
  const path = join(dir, "audit-policy.yaml");
  const policy = {
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived", "ResponseStarted"],
    // Whatever no rule names is not written down; the first user is that in admin.conf.
    rules: [
      { level: "Metadata", users: ["kubernetes-admin"] },
      { level: "Metadata", userGroups: [`system:serviceaccounts:${operators}`] },
    ],
  };
  writeFileSync(path, stringify(policy), { mode: 0o600 });
  return path;
}

/** Writes which ports of pods kwok forwards whereto, and returns the file's path. */
function portForwards(dir: string, kubeProxy: number): string {
  const path = join(dir, "port-forwards.yaml");
  const configuration = {
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "ClusterPortForward",
    metadata: { name: "kube-proxy" },
    spec: {
      selector: { matchNamespaces: ["kube-system"] },
      // A helper's in a switch between modes is the second one.
      forwards: [{ ports: [10249, 10247], target: { address: "127.0.0.1", port: kubeProxy } }],
    },
  };
  writeFileSync(path, stringify(configuration), { mode: 0o600 });
  return path;
}

type Flag = string | number | boolean;

/** A list makes its flag occur several times. */
function flags(values: Record<string, Flag | readonly Flag[]>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [value].flat().map((one) => `--${name}=${one}`));
}
