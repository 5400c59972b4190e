import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { V1Node } from "@kubernetes/client-node";

import type { ComponentSpec } from "../components.ts";
import { type KubeadmRun, makeKubeconfig } from "../kubeadm.ts";
import type { State } from "../state.ts";
import type { Invocation } from "../tools.ts";
import { realNodeAddresses, routerAddresses } from "./addresses.ts";
import type { NodeSoftware } from "./build.ts";
import { cgroupOf, makeCgroup } from "./cgroups.ts";
import { cniConfiguration, containerdConfiguration, kubeletConfiguration } from "./configuration.ts";

/** The name of a real node; `index` counts from 0. */
export function realNodeName(index: number): string {
  return `real-${index + 1}`;
}

/** Where a node with a kubelet is in its lab. */
export interface Place {
  /** Counts from 0, and is that of its addresses. */
  index: number;
  /** The pid of the gateway, which keeps the router's network namespace. */
  gateway: number;
  /** The port of the gateway that leads to the kubelet's health. */
  port: number;
}

/** What {@link prepareNode} needs to know. */
export interface NodeOptions extends Place {
  software: NodeSoftware;
}

/** The nodes' `nice` value. */
export const priority = "-5";

/**
 * Makes the folder and cgroup of a real node.
 *
 * @returns How it is started: as one process that is the whole node.
 */
export async function prepareNode(kubeadm: KubeadmRun, options: NodeOptions): Promise<ComponentSpec> {
  const { index, software, gateway, port } = options;
  const name = realNodeName(index);
  const { addresses, podCIDRs } = realNodeAddresses(index);
  const folder = join(kubeadm.dir, name);
  const cgroup = join(cgroupOf(kubeadm.dir), name);

  const write = (file: string, content: string): void => {
    writeFileSync(join(folder, file), content, { mode: 0o600 });
  };
  mkdirSync(join(folder, "cni"), { recursive: true, mode: 0o700 });
  copyFileSync(join(kubeadm.dir, "pki/ca.crt"), join(folder, "ca.crt"));
  write("containerd.toml", containerdConfiguration);
  write("cni/lab.conflist", cniConfiguration(podCIDRs));
  write("kubelet.yaml", kubeletConfiguration(cgroup));
  write("kubelet.conf", await makeKubeconfig(kubeadm, `system:node:${name}`, "system:nodes"));
  makeCgroup(cgroup);

  const namespaces = ["--mount", "--net", "--pid", "--uts", "--ipc"];
  return {
    name,
    // Before whatever else this machine does: what a node's kube-proxy and Services take is measured by who asks them.
    file: "nice",
    args: [
      "-n",
      priority,
      "unshare",
      ...namespaces,
      "--fork",
      "--kill-child",
      "sh",
      join(import.meta.dirname, "node.sh"),
    ],
    env: {
      NODE: name,
      FOLDER: folder,
      GATEWAY: String(gateway),
      ADDRESSES: addresses.join(" "),
      POD_CIDRS: podCIDRs.join(" "),
      ROUTERS: routerAddresses.join(" "),
      USERLAND: software.userland,
      BIN: software.bin,
      IMAGES: software.images,
      KUBERNETES: kubeadm.binary,
    },
    port,
    health: `http://127.0.0.1:${port}/healthz`,
    // It leaves nothing that would have to be put in order, and unshare lets no SIGTERM through.
    graceMs: 0,
  };
}

/** The command line of a command on a real node. */
export function onNode({ components }: State, node: string, args: readonly string[]): Invocation {
  const pid = components.find(({ name }) => name === node)?.pid;
  const target = ["--target", String(pid), "--mount", "--net", "--uts", "--ipc"];
  // Of the node's processes, not that of `unshare`, which is outside.
  const pids = `--pid=/proc/${pid}/ns/pid_for_children`;
  return {
    file: "nsenter",
    args: [...target, pids, "--", ...args],
    env: { PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", TERM: process.env["TERM"] },
  };
}

/** The object of a node before its kubelet has come: with the addresses that its pods will have. */
export function nodeObject(name: string, index: number): V1Node {
  const { podCIDRs } = realNodeAddresses(index);
  const [podCIDR] = podCIDRs;
  return {
    metadata: { name },
    spec: { podCIDRs, ...(podCIDR !== undefined && { podCIDR }) },
  };
}
