import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubectl, type Lab } from "../../lab/index.ts";
import { type Engine, type Op, type Result, type Stack } from "../engine/index.ts";

/** The stack config that every scenario starts from. */
export const baseConfig = {
  kubernetesVersion: "v1.37.2",
  controlPlaneEndpoint: "192.0.2.10:6443",
  podSubnet: "10.244.0.0/16",
};

/** The program's own types, without Pulumi's for the stack and the provider. */
const ours = /^(kubernetes|command|kube-proxy):/;

/** A stack on the lab, and what the lab's cluster holds of kube-proxy. */
export class Scenario {
  readonly engine: Engine;
  readonly stack: Stack;
  readonly cluster: Cluster;
  readonly #workDir: string;

  private constructor(engine: Engine, stack: Stack, cluster: Cluster, workDir: string) {
    this.engine = engine;
    this.stack = stack;
    this.cluster = cluster;
    this.#workDir = workDir;
  }

  /** Opens a new stack with its own state. */
  static async open(engine: Engine, lab: Lab, config: Record<string, unknown> = {}): Promise<Scenario> {
    const workDir = mkdtempSync(join(tmpdir(), "kube-proxy-e2e-"));
    const stack = await engine.open({
      stack: "e2e",
      workDir,
      projectDir: join(import.meta.dirname, "..", ".."),
      config: {
        ...baseConfig,
        kubeconfig: lab.kubeconfig,
        snapshotFolder: join(workDir, "snapshots"),
        ...config,
      },
    });
    return new Scenario(engine, stack, new Cluster(lab), workDir);
  }

  /** Folder of the snapshots, and of the reports beside them. */
  get snapshots(): string {
    return join(this.#workDir, "snapshots");
  }

  /** `up` that has to succeed; fails with what the user saw otherwise. */
  async up(config: Record<string, unknown> = {}): Promise<Result> {
    await this.stack.setConfig(config);
    const result = await this.stack.up();
    if (!result.ok) {
      throw new Error(`up failed:\n${result.output}`);
    }
    return result;
  }

  /** Destroys what the stack made; fails with what the user saw otherwise. */
  async destroy(): Promise<void> {
    const result = await this.stack.destroy();
    if (!result.ok) {
      throw new Error(`destroy failed:\n${result.output}`);
    }
  }

  /** Ends what still runs of the stack and removes its state; what it made stays. */
  async dispose(): Promise<void> {
    await this.stack.dispose();
    rmSync(this.#workDir, { recursive: true, force: true });
  }
}

/** What happened to the program's own resources: `op name`, without what stayed the same. */
export function changesOf({ steps }: Result): string[] {
  const quiet: readonly Op[] = ["same", "read"];
  return steps
    .filter(({ type, op }) => ours.test(type) && !quiet.includes(op))
    .map(({ op, name }) => `${op} ${name}`);
}

interface Meta {
  name: string;
  uid: string;
  generation: number;
  resourceVersion: string;
  annotations?: Record<string, string>;
  deletionTimestamp?: string;
}

/** A DaemonSet as the API server gives it, as far as the scenarios look. */
export interface LiveDaemonSet {
  metadata: Meta;
  spec: { template: { spec: { containers: { image: string; env: { name: string }[] }[] } } };
  status: { desiredNumberScheduled: number; updatedNumberScheduled: number; numberAvailable: number };
}

/** A Pod as the API server gives it, as far as the scenarios look. */
export interface LivePod {
  metadata: Meta;
  spec: { nodeName: string };
  status: { conditions?: { type: string; status: string }[] };
}

/** Whether a pod serves: ready, and not about to go. */
export function isServing({ metadata, status }: LivePod): boolean {
  const ready = status.conditions?.some(
    (condition) => condition.type === "Ready" && condition.status === "True",
  );
  return ready === true && metadata.deletionTimestamp === undefined;
}

/** Reads and changes the lab's cluster by kubectl. */
export class Cluster {
  readonly #lab: Lab;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  async daemonSet(): Promise<LiveDaemonSet | undefined> {
    return (await this.daemonSets())[0];
  }

  async daemonSets(): Promise<LiveDaemonSet[]> {
    return await this.#list<LiveDaemonSet>("daemonsets", "k8s-app=kube-proxy");
  }

  async pods(): Promise<LivePod[]> {
    return await this.#list<LivePod>("pods", "k8s-app=kube-proxy");
  }

  /** UIDs and versions of everything that is kube-proxy's, to see whether anything was touched. */
  async fingerprint(): Promise<string[]> {
    const kinds = "daemonsets,configmaps,serviceaccounts,roles,rolebindings";
    const namespaced = await this.#list<{ kind: string; metadata: Meta }>(kinds);
    const global = await this.#list<{ kind: string; metadata: Meta }>("clusterroles,clusterrolebindings");
    return [...namespaced, ...global]
      .filter(({ metadata }) =>
        /kube-proxy$|^kube-proxy-|kubeadm:node-proxier|kube-proxy:/.test(metadata.name),
      )
      .map(
        ({ kind, metadata }) =>
          `${kind} ${metadata.name} ${metadata.uid} ${metadata.generation || metadata.resourceVersion}`,
      )
      .sort();
  }

  /** Runs kubectl in kube-system; fails unless it succeeds. */
  async kubectl(args: string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await kubectl(
      this.#lab,
      ["-n", "kube-system", ...args],
      input === undefined ? {} : { stdin: input },
    );
    if (code !== 0) {
      throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
    }
    return stdout;
  }

  async #list<T>(kinds: string, selector = ""): Promise<T[]> {
    const output = await this.kubectl(["get", kinds, "-l", selector, "-o", "json"]);
    return (JSON.parse(output) as { items: T[] }).items;
  }
}

/** Waits until a condition holds. */
export async function eventually(
  what: string,
  condition: () => Promise<boolean>,
  seconds = 120,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Error(`after ${seconds} s still not: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
