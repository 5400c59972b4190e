/**
 * The lab: a real Kubernetes control plane on this machine, without Docker. etcd, the API server, the
 * controller manager and the scheduler are Kubernetes' own; kwok plays the nodes, without root, or
 * there are real ones.
 *
 * @packageDocumentation
 */
import { rmSync } from "node:fs";

import { binary as build } from "./build.ts";
import { auditLog, operators } from "./components.ts";
import { checkKubeApiQps, labKubeApiQps } from "./controllerRate.ts";
import { type Fault, writeFaults } from "./faults.ts";
import { checkIpvs, kubeletSoftware, onKubeletNode } from "./kubelets.ts";
import { withLock } from "./lock.ts";
import { type Mode, modes } from "./modes.ts";
import { isHealthy } from "./network.ts";
import { checkNodes, countNodes, scaleNodes } from "./nodes.ts";
import { interruptible, isAlive } from "./process.ts";
import { checkRealNodes, checkVmNodes } from "./real/addresses.ts";
import { checkInotify } from "./real/inotify.ts";
import { checkRequirements } from "./real/requirements.ts";
import { discard, start } from "./start.ts";
import { type Component, type Lab, labDir, makeLabsDir, readState, type State, writeState } from "./state.ts";
import {
  type Invocation,
  kubectlInvocation,
  ownEnvironment,
  type Result,
  run,
  type RunOptions,
} from "./tools.ts";
import { checkKernel, defaultKernel, type Kernel, kernels } from "./vm/kernels.ts";
import { checkMachines, checkMemory } from "./vm/requirements.ts";

export { auditLog, kernels, modes, operators };
export type { Fault, Kernel, Lab, Mode, Result, RunOptions };

/**
 * An image that cannot be pulled on the lab's nodes: its pods never become Ready and report
 * ImagePullBackOff. So does any other image with the tag `never-ready`.
 */
export const neverReadyImage = "registry.example.com/kube-proxy:never-ready";
/** An image for tests: a pod with it that counts what ipvs carries on a node says that it is three connections. */
export const busyImage = "registry.example.com/tools:busy";

/** Options of {@link up}. */
export interface UpOptions {
  /** The lab's name: 1 to 32 lower-case letters, digits and inner dashes. Default: `default`. */
  name?: string;
  /**
   * Number of nodes that kwok plays, 0 to 1024. Default: 20 for a new lab, 0 for a new one with real nodes, and as it
   * is for a running one.
   */
  nodes?: number;
  /** Number of real nodes, 0 to 9: containers run there, and Services answer. They need root on Linux. Default: 0. */
  realNodes?: number;
  /**
   * Number of nodes with a kernel of their own, virtual machines, as many with the real ones as these alone may be: for
   * ipvs, and kernels that this machine does not have. They need root on Linux, x64. Default: 0.
   */
  vmNodes?: number;
  /** The kernel of those: Debian's `6.1` or `5.10`. Default: 6.1. */
  kernel?: Kernel;
  /** Start with ConfigMap kubeadm-config and kubeadm's own kube-proxy. Default: false, but true with a mode. */
  kubeadm?: boolean;
  /** The mode of kubeadm's kube-proxy. Default: kubeadm's own, which is iptables. */
  mode?: Mode;
  /**
   * Requests a second that the controller manager sends for each controller, 1 to 1000: its flag `--kube-api-qps`, whose
   * default in Kubernetes is 20. Default: 1000.
   */
  kubeApiQps?: number;
  /** Takes one line of progress at a time. Default: nobody does. */
  log?: (line: string) => void;
}

/** How a component is doing. */
export interface ComponentStatus {
  name: string;
  pid: number;
  port: number;
  health: "healthy" | "not healthy" | "ended";
  /** Path of its log file. */
  log: string;
}

/** How a lab is doing. */
export interface Status {
  lab: Lab;
  /** True when it has come up and every component is healthy. */
  healthy: boolean;
  components: ComponentStatus[];
  /** Undefined when the API server does not answer. */
  nodes: { total: number; ready: number } | undefined;
}

/** Longest wait for another process that starts or ends the same lab. */
const lockTimeoutMs = 5 * 60_000;

/**
 * Brings a lab up and waits until it is of use: all components healthy, all nodes Ready. One of
 * this name that runs already is returned as it is, with its nodes scaled when `nodes` asks for
 * another number. What a killed run left behind is ended and replaced.
 *
 * SIGINT and SIGTERM meanwhile end what was started, and `up` rejects.
 *
 * @throws Error for a bad name or number, a build that fails, a component that ends (with the end
 *   of its log), or a wait that takes too long; nothing of a new lab is left then.
 */
export async function up(options: UpOptions = {}): Promise<Lab> {
  const { name = "default", nodes, realNodes = 0, vmNodes = 0, mode, kubeApiQps } = options;
  const { kernel = defaultKernel, log = () => undefined } = options;
  const kubeadm = options.kubeadm ?? mode !== undefined;
  const dir = labDir(name);
  const counts = { realNodes, vmNodes };
  const kubelets = realNodes + vmNodes;
  checkRealNodes(realNodes);
  checkVmNodes(vmNodes, realNodes);
  checkKernel(kernel);
  if (nodes !== undefined) checkNodes(nodes, kubelets);
  if (kubeApiQps !== undefined) checkKubeApiQps(kubeApiQps);

  // Before anything is built; of one that runs these are known.
  if ((await find(name)) === undefined) {
    if (mode === "ipvs") checkIpvs(counts);
    if (options.kernel !== undefined && vmNodes === 0) {
      throw new Error("kernel: is not accepted without nodes that have one of their own; give --vm-nodes");
    }
  }

  return await interruptible(async (signal) => {
    if (kubelets > 0) await checkRequirements();
    if (vmNodes > 0) checkMachines();
    const path = await build({ log, signal });
    const software = await kubeletSoftware(counts, kernel, path, { log, signal });
    return await exclusively(name, { log, signal }, async () => {
      const state = readState(dir);
      if (state !== undefined && isRunning(state)) {
        return await reuse(state, {
          nodes,
          realNodes: options.realNodes,
          vmNodes: options.vmNodes,
          kernel: options.kernel,
          kubeadm,
          mode,
          kubeApiQps,
          log,
          signal,
        });
      }
      if (state !== undefined) {
        log(`The lab "${name}" was left behind by a run that did not end well: starting anew.`);
        await discard(state);
      }
      if (realNodes > 0) checkInotify(realNodes);
      if (vmNodes > 0) checkMemory(vmNodes);
      rmSync(dir, { recursive: true, force: true });
      const kwokNodes = nodes ?? (kubelets === 0 ? 20 : 0);
      return await start({
        name,
        nodes: kwokNodes,
        counts,
        kubelets: software,
        kubeadm,
        mode,
        kubeApiQps,
        binary: path,
        log,
        signal,
      });
    });
  });
}

/**
 * Ends a lab: its processes, and only those, and its folder.
 *
 * @returns Whether there was one.
 */
export async function down(name = "default"): Promise<boolean> {
  const dir = labDir(name);
  return await exclusively(name, {}, async () => {
    const state = readState(dir);
    if (state !== undefined) await discard(state);
    return state !== undefined;
  });
}

/** Finds a lab that has come up and whose processes all run; undefined when there is none. */
export function find(name = "default"): Promise<Lab | undefined> {
  const state = readState(labDir(name));
  return Promise.resolve(state !== undefined && isRunning(state) ? state.lab : undefined);
}

/** Asks every component of a lab for its health; undefined when there is no lab of this name. */
export async function status(name = "default"): Promise<Status | undefined> {
  const state = readState(labDir(name));
  if (state === undefined) return undefined;
  const components = await Promise.all(state.components.map(componentStatus));
  return {
    lab: state.lab,
    healthy: state.ready && components.every(({ health }) => health === "healthy"),
    components,
    nodes: await countNodes(state.lab.kubeconfig).catch(() => undefined),
  };
}

/**
 * Changes the number of a lab's nodes and waits until all of them are Ready.
 *
 * @param count - 0 to 1024.
 * @returns The lab with its new number of nodes.
 * @throws Error for another number, or when the lab does not run.
 */
export async function setNodes(
  lab: Lab,
  count: number,
  log: (line: string) => void = () => undefined,
): Promise<Lab> {
  checkNodes(count, kubeletsOf(lab));
  return await exclusively(lab.name, { log }, async () => {
    const state = runningState(lab);
    return await reuse(state, { nodes: count, log });
  });
}

/**
 * Makes the kube-proxies of some nodes answer wrongly at their metrics address, and all others rightly again.
 *
 * @param byNode - A fault for each such node, by the node's name.
 */
export function setFaults(lab: Lab, byNode: Readonly<Record<string, Fault>>): void {
  writeFaults(lab.dir, byNode);
}

/**
 * Runs the lab's kubectl, of the same release as its API server.
 *
 * @returns Its output and exit code, whatever that is.
 */
export async function kubectl(lab: Lab, args: readonly string[], options?: RunOptions): Promise<Result> {
  return await run(kubectlCommand(lab, args), options);
}

/**
 * Runs the lab's kubeadm, of the same release as its API server, with the administrator's kubeconfig.
 *
 * @param args - for example `["init", "phase", "addon", "kube-proxy"]`
 * @returns Its output and exit code, whatever that is.
 */
export async function kubeadm(lab: Lab, args: readonly string[], options?: RunOptions): Promise<Result> {
  const { binary: file } = runningState(lab);
  const command = ["kubeadm", ...args, "--kubeconfig", lab.kubeconfig];
  return await run({ file, args: command, env: ownEnvironment(lab.dir) }, options);
}

/**
 * The command line and environment of the lab's kubectl, for who runs it with a terminal.
 *
 * @throws Error when the lab does not run.
 */
export function kubectlCommand(lab: Lab, args: readonly string[]): Invocation {
  return kubectlInvocation(lab, runningState(lab).binary, args);
}

/**
 * The command line of a command on a real node, or one with a kernel of its own: in its network and with its file system,
 * which has a shell, `nft`, `iptables`, `conntrack`, `ctr` and `labnode`, and with a kernel of its own also `ipvsadm`,
 * `ipset`, `modprobe` and a whole `ip`.
 *
 * @param node - The node's name, for example `real-1` or `vm-1`.
 * @throws Error when the lab does not run or has no such real node.
 */
export function nodeCommand(lab: Lab, node: string, args: readonly string[]): Invocation {
  return onKubeletNode(runningState(lab), node, args);
}

/**
 * Path of the lab's multi-call binary, built first when it is missing. The first argument chooses
 * the component, for example `kubeadm`.
 */
export async function binary(log: (line: string) => void = () => undefined): Promise<string> {
  return await interruptible((signal) => build({ log, signal }));
}

interface ReuseOptions {
  nodes: number | undefined;
  realNodes?: number | undefined;
  vmNodes?: number | undefined;
  kernel?: Kernel | undefined;
  kubeadm?: boolean;
  mode?: Mode | undefined;
  kubeApiQps?: number | undefined;
  log: (line: string) => void;
  signal?: AbortSignal;
}

async function reuse(state: State, options: ReuseOptions): Promise<Lab> {
  const { nodes, realNodes, vmNodes, kernel, kubeadm = false, mode, kubeApiQps, log, signal } = options;
  const { lab, kubeApiQps: rate = labKubeApiQps } = state;
  const refuse = (option: string, how: string): never => {
    throw new Error(
      `${option}: the lab "${lab.name}" runs already and was started ${how}; ` +
        "end it first, or choose another name",
    );
  };
  if (kubeadm && !state.kubeadm) refuse("kubeadm", "without kubeadm's kube-proxy");
  if (mode !== undefined && mode !== state.mode)
    refuse("mode", state.mode === undefined ? "without one" : `with ${state.mode}`);
  if (realNodes !== undefined && realNodes !== lab.realNodes.length) {
    refuse("real-nodes", `with ${lab.realNodes.length}`);
  }
  if (vmNodes !== undefined && vmNodes !== lab.vmNodes.length) {
    refuse("vm-nodes", `with ${lab.vmNodes.length}`);
  }
  if (kernel !== undefined && kernel !== state.kernel) refuse("kernel", `with ${state.kernel ?? "none"}`);
  if (kubeApiQps !== undefined && kubeApiQps !== rate) refuse("kube-api-qps", `with ${rate}`);
  if (nodes === undefined || nodes === lab.nodes) return lab;
  checkNodes(nodes, kubeletsOf(lab));
  await scaleNodes(lab.kubeconfig, nodes, { log, signal });
  const scaled = { ...state, lab: { ...lab, nodes } };
  writeState(scaled);
  return scaled.lab;
}

/** How many of the ranges of pods' addresses are taken. */
function kubeletsOf({ realNodes, vmNodes }: Lab): number {
  return realNodes.length + vmNodes.length;
}

function isRunning(state: State): boolean {
  return state.ready && state.components.every(isAlive);
}

function runningState(lab: Lab): State {
  const state = readState(lab.dir);
  if (state !== undefined && isRunning(state)) return state;
  throw new Error(`the lab "${lab.name}" does not run; bring it up first`);
}

async function componentStatus(component: Component): Promise<ComponentStatus> {
  const { name, pid, port, log } = component;
  if (!isAlive(component)) return { name, pid, port, log, health: "ended" };
  const healthy = await isHealthy(component.health);
  return { name, pid, port, log, health: healthy ? "healthy" : "not healthy" };
}

/** Runs `work` while no other process starts, scales or ends the same lab. */
async function exclusively<T>(
  name: string,
  options: { log?: (line: string) => void; signal?: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  makeLabsDir();
  const onWait = (pid: number): void => {
    options.log?.(`Process ${pid} is at work on the lab "${name}": waiting for it.`);
  };
  const lock = { timeoutMs: lockTimeoutMs, signal: options.signal, onWait };
  return await withLock(`${labDir(name)}.lock`, lock, work);
}
