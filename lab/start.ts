import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { kubernetesVersion } from "./build.ts";
import { type ComponentSpec, componentSpecs, type Ports } from "./components.ts";
import { clusterName, installKubeProxy, type KubeadmCluster, makeCredentials } from "./kubeadm.ts";
import { type Counts, kubeletNodes, type KubeletSoftware } from "./kubelets.ts";
import type { Mode } from "./modes.ts";
import { freePorts, isHealthy, network } from "./network.ts";
import { scaleNodes } from "./nodes.ts";
import { end, isAlive, startDetached } from "./process.ts";
import { subnets as realSubnets } from "./real/addresses.ts";
import { cgroupOf, removeCgroup } from "./real/cgroups.ts";
import { type GatewayPorts, writeEgressSelector } from "./real/gateway.ts";
import { realNodeName } from "./real/node.ts";
import { startNodes } from "./real/start.ts";
import { type Component, type Lab, labDir, type State, writeState } from "./state.ts";
import { kubectlInvocation, ownEnvironment, run, runOrFail } from "./tools.ts";
import { machineName } from "./vm/machine.ts";
import { waitFor } from "./wait.ts";

/** What {@link start} starts. */
export interface StartOptions {
  name: string;
  nodes: number;
  /** How many of the nodes have a kubelet. */
  counts: Counts;
  /** What these run; undefined for none. */
  kubelets: KubeletSoftware | undefined;
  kubeadm: boolean;
  mode: Mode | undefined;
  /** Requests a second of the controller manager; undefined for the lab's own. */
  kubeApiQps: number | undefined;
  /** Path of the multi-call binary. */
  binary: string;
  log: (line: string) => void;
  signal: AbortSignal;
}

/** Longest wait for most components to become healthy. It takes 1 to 5 s on a machine at rest. */
const healthTimeoutMs = 90_000;

/**
 * Starts a new lab in an empty place and waits until it is of use. When that fails or is
 * interrupted, everything it started is ended again and its folder removed.
 */
export async function start(options: StartOptions): Promise<Lab> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(options);
    } catch (error) {
      // Another program can take a port after it was found free and before a component has it.
      const portTaken = error instanceof Error && error.message.includes("address already in use");
      if (!portTaken || attempt === 3) throw error;
      options.log("Another program has taken one of the ports meanwhile: starting again with others.");
    }
  }
}

async function startOnce(options: StartOptions): Promise<Lab> {
  const { name, nodes, counts, kubelets, binary, log, signal } = options;
  const started = Date.now();
  const dir = labDir(name);
  const ports = await labPorts(counts.realNodes + counts.vmNodes);
  const server = `https://127.0.0.1:${ports.apiServer}`;
  const cluster = { name, ...(kubelets === undefined ? network : realSubnets) };
  const lab: Lab = {
    name,
    dir,
    kubeconfig: join(dir, "admin.conf"),
    context: `kubernetes-admin@${clusterName(name)}`,
    server,
    nodes,
    realNodes: Array.from({ length: counts.realNodes }, (_, index) => realNodeName(index)),
    vmNodes: Array.from({ length: counts.vmNodes }, (_, index) => machineName(index)),
    podSubnet: cluster.podSubnet,
    kubernetesVersion,
  };
  const { kubeadm, mode, kubeApiQps } = options;
  const state: State = {
    lab,
    binary,
    kubeadm,
    ...(mode !== undefined && { mode }),
    ...(kubelets?.machines !== undefined && { kernel: kubelets.machines.kernel }),
    ...(kubeApiQps !== undefined && { kubeApiQps }),
    ready: false,
    components: [],
  };
  // Made here, so that none of the tools makes it with more rights.
  for (const folder of ["home", "kubectl-cache", "pki", "pki/etcd"]) {
    mkdirSync(join(dir, folder), { recursive: true, mode: 0o700 });
  }
  writeState(state);

  try {
    const kubeadmRun = { binary, dir, signal };
    await makeCredentials(kubeadmRun, cluster, server);
    const specs = componentSpecs(dir, ports, {
      serviceSubnet: cluster.serviceSubnet,
      egressSelector: writeEgressSelector(dir, ports),
      nodes,
      kubeApiQps,
      ...(kubelets === undefined && { gateway: ports.gateway }),
    });
    const launch = (spec: ComponentSpec): Promise<Component> => startComponent(state, spec, signal);

    log(`Starting etcd and Kubernetes ${kubernetesVersion} at ${server}.`);
    await launch(specs.etcd);
    await launch(specs.apiServer);
    await bindAdministrators(state, signal);
    // Only now: the controller manager exits when its RBAC roles are not there yet.
    await Promise.all([
      launch(specs.controllerManager),
      launch(specs.scheduler),
      launch(specs.kubeProxy),
      launch(specs.kwok),
      scaleNodes(lab.kubeconfig, nodes, { log, signal }),
      kubelets &&
        startNodes(kubeadmRun, {
          nodes: kubeletNodes(kubeadmRun, lab, kubelets),
          software: kubelets.software,
          ports,
          launch,
          log,
        }),
    ]);
    await waitForDefaultServiceAccount(state, signal);
    if (kubeadm) await startWithKubeProxy(state, cluster, { log, signal });
    state.ready = true;
    writeState(state);
    log(`The lab "${name}" is up after ${((Date.now() - started) / 1000).toFixed(1)} s.`);
    return lab;
  } catch (error) {
    await discard(state);
    throw error;
  }
}

/** Finds a port for every component, and one for each node with a kubelet. */
async function labPorts(realNodes: number): Promise<Ports & GatewayPorts> {
  const [etcd, etcdPeer, etcdMetrics, apiServer, controllerManager, scheduler, kubeProxy, kwok, ...rest] =
    (await freePorts(9 + realNodes)) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
  const [gateway, ...kubelets] = rest;
  return {
    etcd,
    etcdPeer,
    etcdMetrics,
    apiServer,
    controllerManager,
    scheduler,
    kubeProxy,
    kwok,
    gateway,
    kubelets,
  };
}

/** Ends every process of a lab and removes its folder. */
export async function discard(state: State): Promise<void> {
  // In the reverse order of their start, so that nobody waits for somebody who is gone already.
  for (const component of state.components.toReversed()) await end([component], component.graceMs ?? 5000);
  if (state.lab.realNodes.length > 0) await removeCgroup(cgroupOf(state.lab.dir));
  rmSync(state.lab.dir, { recursive: true, force: true });
}

async function startComponent(state: State, spec: ComponentSpec, signal: AbortSignal): Promise<Component> {
  signal.throwIfAborted();
  const { dir } = state.lab;
  const log = join(dir, `${spec.name}.log`);
  const identity = await startDetached({
    file: spec.file ?? state.binary,
    argv0: spec.name,
    args: spec.args,
    env: { ...ownEnvironment(dir), ...spec.env },
    cwd: dir,
    log,
  });
  const { name, port, health, startMs = healthTimeoutMs, graceMs } = spec;
  const component = { name, ...identity, port, health, log, ...(graceMs !== undefined && { graceMs }) };
  state.components.push(component);
  // At once, so that this process may be killed at any moment and the next one knows what to end.
  writeState(state);
  await waitFor(`${name} to answer at ${health} (log: ${log})`, { timeoutMs: startMs, signal }, () => {
    state.components.forEach(failIfEnded);
    return isHealthy(health);
  });
  return component;
}

function failIfEnded(component: Component): void {
  if (isAlive(component)) return;
  const lines = readFileSync(component.log, "utf8").trimEnd().split("\n");
  throw new Error(
    `${component.name} (pid ${component.pid}) has ended. The end of its log:\n` + lines.slice(-15).join("\n"),
  );
}

/**
 * Gives the group in admin.conf its rights, as `kubeadm init` does in a step that is no phase of
 * its own.
 */
async function bindAdministrators({ lab, binary }: State, signal: AbortSignal): Promise<void> {
  const binding = ["kubeadm:cluster-admins", "--clusterrole=cluster-admin", "--group=kubeadm:cluster-admins"];
  const asSuperAdmin = ["--kubeconfig", join(lab.dir, "super-admin.conf")];
  const create = ["create", "clusterrolebinding", ...binding, ...asSuperAdmin];
  await runOrFail(kubectlInvocation(lab, binary, create), { signal });
}

/** Pods need it, and the controller manager makes it: until then it is not really at work. */
async function waitForDefaultServiceAccount({ lab, binary }: State, signal: AbortSignal): Promise<void> {
  const get = kubectlInvocation(lab, binary, ["get", "serviceaccount", "default", "-n", "kube-system"]);
  const what = "the controller manager to make the default ServiceAccount";
  await waitFor(
    what,
    { timeoutMs: healthTimeoutMs, signal },
    async () => (await run(get, { signal })).code === 0,
  );
}

async function startWithKubeProxy(
  { lab, binary, mode }: State,
  cluster: KubeadmCluster,
  { log, signal }: { log: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  const configuration = {
    ...(mode !== undefined && { mode }),
    // On a real node the number of connections is this machine's setting, which kube-proxy may not change.
    ...(lab.realNodes.length > 0 && { conntrack: { maxPerCore: 0 } }),
  };
  await installKubeProxy({ binary, dir: lab.dir, signal }, cluster, configuration);
  const rollout = [
    "rollout",
    "status",
    "daemonset/kube-proxy",
    "-n",
    "kube-system",
    `--timeout=${lab.vmNodes.length > 0 ? 600 : 180}s`,
  ];
  await runOrFail(kubectlInvocation(lab, binary, rollout), { signal });
  log("kubeadm-config uploaded, and kubeadm's own kube-proxy runs on every node.");
}
