/** The nodes of a lab that have a kubelet: real ones, which share this machine's kernel, and those with one of their own. */
import { existsSync } from "node:fs";

import type { MakeOptions } from "./cache.ts";
import type { KubeadmRun } from "./kubeadm.ts";
import { type NodeSoftware, nodeSoftware } from "./real/build.ts";
import { onNode, type Place, prepareNode } from "./real/node.ts";
import type { KubeletNode } from "./real/start.ts";
import type { Lab, State } from "./state.ts";
import type { Invocation } from "./tools.ts";
import { machineSoftware } from "./vm/build.ts";
import { findAccelerator } from "./vm/emulator.ts";
import type { Kernel } from "./vm/kernels.ts";
import { type Machines, onMachine, prepareMachine } from "./vm/machine.ts";

/** How many of them a lab has. */
export interface Counts {
  realNodes: number;
  vmNodes: number;
}

/** What the nodes of a lab with a kubelet run. */
export interface KubeletSoftware {
  software: NodeSoftware;
  /** Undefined where none has a kernel of its own. */
  machines: Machines | undefined;
}

/**
 * Makes what the nodes run, or finds it in the cache.
 *
 * @param kubernetes - Path of the lab's multi-call binary.
 * @returns Undefined where there are none.
 */
export async function kubeletSoftware(
  { realNodes, vmNodes }: Counts,
  kernel: Kernel,
  kubernetes: string,
  options: MakeOptions,
): Promise<KubeletSoftware | undefined> {
  if (realNodes + vmNodes === 0) return undefined;
  const software = await nodeSoftware(kubernetes, options);
  if (vmNodes === 0) return { software, machines: undefined };
  const machine = await machineSoftware(software, kernel, options);
  const accelerator = await findAccelerator(machine, options);
  return { software, machines: { kernel, machine, accelerator } };
}

/** The nodes with a kubelet, in the order of their addresses. */
export function kubeletNodes(kubeadm: KubeadmRun, lab: Lab, software: KubeletSoftware): KubeletNode[] {
  const { machines } = software;
  const real = lab.realNodes.map((name) => ({
    name,
    prepare: (place: Place) => prepareNode(kubeadm, { ...place, software: software.software }),
  }));
  if (machines === undefined) return real;
  const own = lab.vmNodes.map((name) => ({
    name,
    prepare: (place: Place) => prepareMachine(kubeadm, { ...machines, ...place, name }),
  }));
  return [...real, ...own];
}

/**
 * The command line of a command on a node with a kubelet.
 *
 * @throws Error when there is no such node.
 */
export function onKubeletNode(state: State, node: string, args: readonly string[]): Invocation {
  const { realNodes, vmNodes } = state.lab;
  if (realNodes.includes(node)) return onNode(state, node, args);
  if (vmNodes.includes(node)) return onMachine(state, node, args);
  const all = [...realNodes, ...vmNodes];
  const accepted = all.length > 0 ? all.join(", ") : "none: the lab has no real node";
  throw new Error(`node: ${JSON.stringify(node)} is not accepted; accepted: ${accepted}`);
}

/** @throws Error where kube-proxy's mode ipvs would find no ip_vs: on kwok's nodes, and where this machine has none. */
export function checkIpvs({ realNodes, vmNodes }: Counts): void {
  const refuse = (why: string): never => {
    throw new Error(
      `mode: "ipvs" is not accepted: ${why}; give --vm-nodes for nodes with a kernel that has it`,
    );
  };
  if (realNodes + vmNodes === 0) refuse("nodes without a kernel have no ipvs");
  if (realNodes > 0 && !existsSync("/proc/net/ip_vs"))
    refuse("the kernel of this machine has no ipvs at work");
}
