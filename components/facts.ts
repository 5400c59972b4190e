import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ClusterChoice } from "./cluster/kubeconfig.ts";
import { compileCache } from "./commands.ts";

/** What a running cluster says that decides what an `up` does. */
export interface ClusterFacts {
  /** All nodes. */
  nodes: NodeFacts[];
  /** The DaemonSets in kube-system whose pods have label `k8s-app=kube-proxy`. */
  daemonSets: DaemonSetFacts[];
  /** The ConfigMaps in kube-system with label `app=kube-proxy`: kubeadm's one and those of pools. */
  configMaps: ConfigMapFacts[];
  /** The pods that help in a switch between modes which has not ended. */
  helpers: HelperFacts[];
  /** kube-proxy's objects by kubeadm's names, as far as they exist, as a list in JSON: what `adopt` takes over. */
  objects?: string;
  /** kubeadm's own ClusterConfiguration, as YAML; absent where kubeadm left none. */
  clusterConfiguration?: string;
}

/** A node. */
export interface NodeFacts {
  name: string;
  labels: Record<string, string>;
  taints: TaintFacts[];
  /** Status of its condition Ready: `True`, `False`, or `Unknown` when its kubelet does not answer, or has never yet. */
  ready: string;
}

/** A taint of a node. */
export interface TaintFacts {
  key: string;
  value?: string;
  /** `NoSchedule`, `PreferNoSchedule` or `NoExecute`. */
  effect: string;
}

/** A DaemonSet of kube-proxy. */
export interface DaemonSetFacts {
  name: string;
  uid: string;
  /** Its annotations whose keys begin with `kube-proxy/` or `pulumi.com/`. */
  annotations: Record<string, string>;
  /** The API server adds one with every change of the spec. */
  generation: number;
  /** Its spec, with what the API server has filled in. */
  // Pulumi's schema of the component has no word for "unknown".
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  spec: Record<string, any>;
  /** Who has written to it, as the API server calls them (`kubeadm`, `kubectl-edit`), the last one first. */
  managers: string[];
  /** Nodes that should have a pod of it. */
  desired: number;
  /** Nodes that have one which serves. */
  available: number;
}

/** A ConfigMap of kube-proxy. */
export interface ConfigMapFacts {
  name: string;
  /** Another one with every change. */
  resourceVersion: string;
  /** `config.conf` and `kubeconfig.conf`, and whatever else somebody put there. */
  data: Record<string, string>;
}

/** A pod that helps in a switch between modes. */
export interface HelperFacts {
  uid: string;
  /** The mode whose rules it makes; `clearing` for one that removes rules. */
  mode: string;
}

/** Longest wait for the cluster, in milliseconds. */
const deadlineMs = 10_000;

/**
 * Asks a cluster for its facts, in a process of its own: loading the Kubernetes client takes a third of a second and
 * keeps 80 MB, which the program itself should not pay for.
 *
 * @param cluster - which one; default as kubectl's
 * @throws Error in one line, when the cluster cannot be asked or gives no answer within 10 s
 */
export async function askFacts({ kubeconfig, context }: ClusterChoice): Promise<ClusterFacts> {
  const script = join(import.meta.dirname, "..", "commands", "facts.ts");
  const env = {
    ...inheritedEnvironment(),
    NODE_COMPILE_CACHE: compileCache,
    // Not as arguments: a kubeconfig can be a secret, and every process of a machine sees another one's arguments.
    ...(kubeconfig !== undefined && { KUBE_PROXY_KUBECONFIG: kubeconfig }),
    ...(context !== undefined && { KUBE_PROXY_CONTEXT: context }),
  };
  try {
    const options = { env, timeout: deadlineMs, maxBuffer: Infinity };
    const { stdout } = await promisify(execFile)(process.execPath, [script], options);
    return JSON.parse(stdout) as ClusterFacts;
  } catch (error) {
    throw new Error(`the cluster's nodes and DaemonSets cannot be read: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** The environment of the program without the stack's config, where secrets are, and its passphrase. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("PULUMI_CONFIG")),
  );
}

function reasonOf(error: unknown): string {
  const { killed, stderr, message } = error as { killed?: boolean; stderr?: string; message: string };
  if (killed === true) {
    return `no answer within ${deadlineMs / 1000} s`;
  }
  return (stderr || message).trim().replace(/\s+/g, " ");
}
