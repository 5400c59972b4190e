import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import type { Mode } from "./modes.ts";
import type { ProcessIdentity } from "./process.ts";
import type { Kernel } from "./vm/kernels.ts";

/** A control plane on this machine, for whoever talks to it. */
export interface Lab {
  /** Its name, which is also that of its folder. */
  name: string;
  /** Folder that holds everything it writes: `.lab/<name>` in the repository. */
  dir: string;
  /** Path of the administrator's kubeconfig file. */
  kubeconfig: string;
  /** The context in that file: `kubernetes-admin@lab-<name>`. */
  context: string;
  /** URL of the API server, on the loopback interface. */
  server: string;
  /** Number of nodes that kwok plays. */
  nodes: number;
  /** Names of the real nodes. */
  realNodes: readonly string[];
  /** Names of the nodes with a kernel of their own. */
  vmNodes: readonly string[];
  /** The pods' subnet, or an IPv4 and an IPv6 one with a comma between. */
  podSubnet: string;
  /** The Kubernetes release it runs, for example `v1.37.2`. */
  kubernetesVersion: string;
}

/** One of the lab's processes. */
export interface Component extends ProcessIdentity {
  /** The component's name, for example `kube-apiserver`. */
  name: string;
  /** The port on the loopback interface that it serves at. */
  port: number;
  /** URL that answers 200 when it is healthy. */
  health: string;
  /** Path of its log file. */
  log: string;
  /** How long it may take to end by itself, in milliseconds: 5000 unless given. */
  graceMs?: number;
}

/** What is written down about a lab, so that another process can use it and end it. */
export interface State {
  lab: Lab;
  /** Path of the multi-call binary that runs it. */
  binary: string;
  /** Whether it was started with kubeadm's own kube-proxy. */
  kubeadm: boolean;
  /** The kernel of its nodes with one of their own. */
  kernel?: Kernel;
  /** The mode of that kube-proxy, if another than the default was asked for. */
  mode?: Mode;
  /** Requests a second of its controller manager, if another rate than the lab's own was asked for. */
  kubeApiQps?: number;
  /** False until it has come up, and for ever when the process that started it was killed. */
  ready: boolean;
  /** Every process started so far, in the order of their start. */
  components: Component[];
}

/** The folder of all labs: `.lab` in the repository. */
export const labsDir = resolve(import.meta.dirname, "..", ".lab");

/**
 * Path of a lab's folder.
 *
 * @param name - Lower-case letters, digits and inner dashes, at most 32 characters: it becomes part
 *   of a path and of a cluster's name.
 * @throws Error for any other name.
 */
export function labDir(name: string): string {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) {
    throw new Error(
      `name: ${JSON.stringify(name)} is not accepted; give 1 to 32 lower-case letters, digits and ` +
        'inner dashes, for example "default"',
    );
  }
  return join(labsDir, name);
}

/** Makes the folder of all labs, which only the user may enter. */
export function makeLabsDir(): void {
  mkdirSync(labsDir, { recursive: true, mode: 0o700 });
}

const stateFile = "lab.json";

/** Reads what is known of the lab in a folder; undefined when nothing is. */
export function readState(dir: string): State | undefined {
  try {
    return JSON.parse(readFileSync(join(dir, stateFile), "utf8")) as State;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes a lab's state in one step: a reader sees the old or the new one, never a half. */
export function writeState(state: State): void {
  const path = join(state.lab.dir, stateFile);
  writeFileSync(`${path}.new`, JSON.stringify(state, undefined, 2), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
