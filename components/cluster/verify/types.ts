import type { Machine } from "../../advisories/match.ts";
import type { ServiceAnswer } from "../../report/types.ts";
import type { Observation } from "./observation.ts";

/** What a cluster's kube-proxies are held against. What is left out is not checked. */
export interface Expectation {
  /** Name of the DaemonSet in `kube-system`. Default: `kube-proxy`. */
  readonly daemonSet?: string | undefined;
  /** Only these nodes, by name. Default: every node that the DaemonSet selects. */
  readonly nodes?: readonly string[] | undefined;
  /** The restart token, see `restartAnnotation`. */
  readonly token?: string | undefined;
  /** The configuration's hash, see `configHashAnnotation`. */
  readonly configHash?: string | undefined;
  /**
   * `iptables`, `ipvs` or `nftables`; empty is the platform's default, iptables. Default: what the declared
   * configuration says.
   */
  readonly mode?: string | undefined;
  /** The declared `config.conf`, YAML. Default: that in the ConfigMap which the DaemonSet mounts. */
  readonly configuration?: string | undefined;
  /** Whether failed syncs since the process started are not looked at. Default: they fail the node. */
  readonly allowFailures?: boolean | undefined;
  /** When the restart began, by this machine's clock. Every process must have started since. */
  readonly since?: Date | undefined;
  /** Whose test Services, made before the restart, have to answer after it as well; see `prepareServices`. */
  readonly testServices?: string | undefined;
  /**
   * How the nodes were before the change that is proved. With it a node that was Ready has to be verified or be gone, and
   * each has to send a sign of life after it has passed. Default: NotReady nodes are left out, whatever the reason.
   */
  readonly baseline?: Baseline | undefined;
}

/**
 * How the nodes were before a DaemonSet was changed. Those that were not Ready are named: they are few, and whoever is
 * not named has to be verified, be it one that the DaemonSet did not select then.
 */
export interface Baseline {
  /** Name of the DaemonSet. */
  readonly daemonSet: string;
  /** When it was taken, ISO 8601, by this machine's clock. */
  readonly at: string;
  /** Whether the cluster had no kube-proxy at all: then no node has to be Ready, since their network needs one. */
  readonly first: boolean;
  /** How many nodes the DaemonSet selected; 0 where there was none yet, of which all nodes are looked at. */
  readonly nodes: number;
  /** When the newest of them was made, ISO 8601, by the API server's clock; null without nodes. */
  readonly newest: string | null;
  /** Names of those that were not Ready. */
  readonly notReady: readonly string[];
}

/** A pod of the DaemonSet, as the API server knows it. */
export interface Pod {
  readonly name: string;
  readonly node: string;
  /** Its IP address, which is its node's; empty as long as it has none. */
  readonly address: string;
  /** Whether its node is one of the control plane's, which asks itself when its API server asks it. */
  readonly besideApiServer: boolean;
  /** Undefined when it is Ready, otherwise why not. */
  readonly notReady: string | undefined;
  /** Label `controller-revision-hash`. */
  readonly revision: string | undefined;
  readonly token: string | undefined;
  readonly configHash: string | undefined;
}

/** A node that the DaemonSet selects, with what runs on it. */
export interface Node {
  readonly name: string;
  /** When its object was made, ISO 8601, by the API server's clock. */
  readonly created: string;
  /** Undefined when it is Ready, otherwise why not. */
  readonly notReady: string | undefined;
  /** What its kubelet says of the machine; undefined until it has. */
  readonly machine?: Machine | undefined;
  /** Pods of the DaemonSet that are not about to end; there should be exactly one. */
  readonly pods: readonly Pod[];
}

/** The DaemonSet and its nodes at one moment. */
export interface Fleet {
  /** Hash of the newest ControllerRevision; undefined as long as the DaemonSet's controller has not seen the change. */
  readonly revision: string | undefined;
  /** The `config.conf` that the pods mount, as an object; undefined when there is none. */
  readonly configuration: Readonly<Record<string, unknown>> | undefined;
  readonly nodes: readonly Node[];
}

/** An observation, or in one sentence why there is none. */
export type Probed = Observation | string;

/** What a node answered. */
export interface Answered {
  readonly probed: Probed;
  /** Null when kube-proxy gave no answer: nothing has to be known of Services then. */
  readonly service: ServiceAnswer | null;
}

// What it comes to is kept in reports, whose room is below this one.
export type {
  NodeProof as NodeResult,
  ProofReport as Report,
  ServiceAnswer,
  Verdict,
} from "../../report/types.ts";
