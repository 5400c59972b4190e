import { randomBytes } from "node:crypto";
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { ComponentSpec } from "../components.ts";
import { type KubeadmRun, makeKubeconfig } from "../kubeadm.ts";
import { nodeIP, realNodeAddresses, routerAddresses } from "../real/addresses.ts";
import { cniConfiguration, containerdConfiguration, kubeletConfiguration } from "../real/configuration.ts";
import { priority, type Place } from "../real/node.ts";
import type { State } from "../state.ts";
import { type Invocation, runOrFail } from "../tools.ts";
import type { MachineSoftware } from "./build.ts";
import { type Accelerator, emulatorCommand, emulatorEnvironment } from "./emulator.ts";
import type { Kernel } from "./kernels.ts";
import { machineMegabytes } from "./requirements.ts";

/** The port at which a machine takes commands, from the router alone: see `labnode/agent.go`. */
const agentPort = 10244;

/** What the lab has to know to run commands on a machine: the gateway lets others of this machine ask, too. */
const secretFile = "secret";

/** Longest wait until a machine's kubelet answers, in milliseconds: emulated, on a machine with other work. */
const startMs = 300_000;

/** The name of a node with a kernel of its own; `index` counts from 0. */
export function machineName(index: number): string {
  return `vm-${index + 1}`;
}

/** What all nodes of a lab with a kernel of their own have in common. */
export interface Machines {
  kernel: Kernel;
  machine: MachineSoftware;
  accelerator: Accelerator;
}

/** What {@link prepareMachine} needs to know. */
export interface MachineOptions extends Place, Machines {
  name: string;
}

/**
 * Makes the folder of a node with a kernel of its own.
 *
 * @returns How it is started: as one process that is the whole machine.
 */
export async function prepareMachine(kubeadm: KubeadmRun, options: MachineOptions): Promise<ComponentSpec> {
  const { name, index, machine, accelerator, gateway, port } = options;
  const { addresses, podCIDRs } = realNodeAddresses(index);
  const network = { NODE: name, ADDRESSES: addresses.join(" "), POD_CIDRS: podCIDRs.join(" ") };
  const own = { ...network, ROUTERS: routerAddresses.join(" "), AGENT: String(agentPort) };

  const folder = join(kubeadm.dir, name);
  const files = filesOf(kubeadm.dir, name);
  const write = (file: string, content: string): void => {
    writeFileSync(join(files, file), content, { mode: 0o600 });
  };
  mkdirSync(join(files, "cni"), { recursive: true, mode: 0o700 });
  copyFileSync(join(kubeadm.dir, "pki/ca.crt"), join(files, "ca.crt"));
  cpSync(join(import.meta.dirname, "start.sh"), join(files, "start.sh"));
  write(
    "environment",
    Object.entries(own)
      .map(([key, value]) => `${key}='${value}'\n`)
      .join(""),
  );
  write(secretFile, randomBytes(32).toString("hex"));
  write("containerd.toml", containerdConfiguration);
  write("cni/lab.conflist", cniConfiguration(podCIDRs));
  write("kubelet.yaml", kubeletConfiguration("/"));
  write("kubelet.conf", await makeKubeconfig(kubeadm, `system:node:${name}`, "system:nodes"));
  const archive = join(folder, "files.tar");
  write("../files.tar", ""); // For nobody else to read: tar keeps a file's mode.
  const tar = ["--create", "--file", archive, "--directory", files, "."];
  await runOrFail({ file: "tar", args: tar, env: process.env }, { signal: kubeadm.signal });

  const { file, args } = emulatorCommand(machine.emulator, accelerator, {
    kernel: machine,
    disks: [{ path: machine.disk, isScratch: true }, { path: machine.modules }, { path: archive }],
    tap: name,
    // Locally administered; the last byte is the node's own.
    mac: `52:54:00:00:00:${(index + 1).toString(16).padStart(2, "0")}`,
    megabytes: machineMegabytes,
  });
  const inRouter = ["nsenter", `--net=/proc/${gateway}/ns/net`];
  return {
    name,
    file: "nice",
    args: ["-n", priority, ...inRouter, "sh", join(import.meta.dirname, "machine.sh"), file, ...args],
    // The emulator keeps what a machine writes in files there, which have no name.
    env: { ...network, PRIORITY: priority, ...emulatorEnvironment(machine.emulator), TMPDIR: folder },
    port,
    health: `http://127.0.0.1:${port}/healthz`,
    startMs,
    // It leaves nothing that would have to be put in order.
    graceMs: 0,
  };
}

/** The folder with what a machine has for itself. */
function filesOf(labDir: string, node: string): string {
  return join(labDir, node, "files");
}

/**
 * The command line of a command on a node with a kernel of its own.
 *
 * @throws Error when its lab has no gateway.
 */
export function onMachine({ lab, components }: State, node: string, args: readonly string[]): Invocation {
  const gateway = components.find(({ name }) => name === "gateway");
  if (gateway === undefined) throw new Error(`the lab "${lab.name}" has no gateway`);
  const index = lab.realNodes.length + lab.vmNodes.indexOf(node);
  const agent = `${nodeIP(realNodeAddresses(index))}:${agentPort}`;
  const secret = join(filesOf(lab.dir, node), secretFile);
  // The gateway is labnode itself.
  const labnode = `/proc/${gateway.pid}/exe`;
  return {
    file: "nsenter",
    args: [`--net=/proc/${gateway.pid}/ns/net`, "--", labnode, "run", secret, agent, ...args],
    env: { PATH: process.env["PATH"] },
  };
}
