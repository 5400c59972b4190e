/** The `version` of reports that this release writes. A field that is added leaves it; one that means another thing does not. */
export const reportVersion = 1;

/** The `kind` of reports, by which a file is known to be one. */
export const reportKind = "kube-proxy-update";

/**
 * What an `up` has done to kube-proxy's pods, as it is kept beside its snapshot.
 *
 * Moments are ISO 8601 by the clock of the machine that ran the program; what happened on nodes is in seconds since `began`,
 * by the same clock unless said otherwise.
 */
export interface UpdateReport {
  readonly kind: typeof reportKind;
  readonly version: typeof reportVersion;
  /** When the first thing was changed. */
  readonly began: string;
  /** When all was done, or given up; null as long as it is under way, and for ever where the program was killed. */
  readonly ended: string | null;
  /** When this was written. */
  readonly written: string;
  readonly outcome: Outcome;
  /** Process that wrote it, of the machine `host`: one that is no longer there has not ended its report. */
  readonly writer: { readonly pid: number; readonly host: string };
  /** What it was, the weightiest first; several where one update did several. */
  readonly occasions: readonly Occasion[];
  /** Who: `user@host`, or the URL of a CI run. */
  readonly by: string;
  /** Why: the restart token. */
  readonly token: string;
  /** `Rolling` or `Recreate`. */
  readonly strategy: string;
  /** The Pulumi stack, `organization/project/stack`; null where there is none. */
  readonly stack: string | null;
  readonly cluster: {
    /** UID of its namespace kube-system. */
    readonly id: string;
    /** URL of its API server, without user and password. */
    readonly server: string;
    readonly context: string | null;
  };
  /** Path of the newest snapshot from before the update; null where there was nothing to keep. */
  readonly snapshot: string | null;
  /** What was told before it began: forecast and preflight. */
  readonly told: readonly Told[];
  /** Pools that were held where they are, or that the update did not reach, and why; nodes that have no kube-proxy by choice. */
  readonly skipped: readonly Skipped[];
  /** The waves in their order. */
  readonly waves: readonly WaveReport[];
  /** What the next `pulumi up` does, one sentence each; empty where all is done. */
  readonly next: readonly string[];
  /** What could not be recorded, one sentence each, such as a right that lacks. */
  readonly unrecorded: readonly string[];
}

/** How an update ended. `interrupted`: whoever wrote it is gone without a word. */
export type Outcome = "running" | "succeeded" | "failed" | "interrupted";

/** What an update was. */
export type Occasion =
  "provision" | "adoption" | "mode switch" | "restart" | "rollout" | "repair" | "restart of nodes";

/** A line that the program has told. */
export interface Told {
  readonly level: "info" | "warn";
  readonly text: string;
}

/** Something that the update left out. */
export interface Skipped {
  /** Such as `pool workers`, `node node-7`. */
  readonly what: string;
  readonly why: string;
}

/** One DaemonSet's part of an update. */
export interface WaveReport {
  /** Name of the DaemonSet. */
  readonly daemonSet: string;
  /** Name of the pool; null without pools. */
  readonly pool: string | null;
  /**
   * `unchanged`: nothing of it was to be done; `waiting`: not reached yet; `running`; `proved`: every node that should be is
   * verified; `done`: its pods are there, and nobody was asked to prove them; `failed`.
   */
  readonly state: "unchanged" | "waiting" | "running" | "proved" | "done" | "failed";
  /** Seconds since the update began; null where it did not. */
  readonly began: number | null;
  readonly ended: number | null;
  /** What changes of its pods and their configuration, as `changesOf` says it, one line each. */
  readonly changes: readonly string[];
  /** How its pods were meant to be before; null where there was no DaemonSet. */
  readonly before: PodsReport | null;
  /** How they are meant to be now. */
  readonly after: PodsReport;
  /** Nodes whose pod was seen to come or go, by name. */
  readonly nodes: readonly NodeCourse[];
  /** Why it failed, as far as its pods tell; null where it has not, or they do not. */
  readonly failure: string | null;
  /** What the proof found; null where none was made, or it has not ended. */
  readonly proof: ProofReport | null;
}

/** What pods of a DaemonSet are made of. */
export interface PodsReport {
  readonly image: string;
  /** `iptables`, `ipvs` or `nftables`. */
  readonly mode: string;
  readonly token: string | null;
  /** The `config.conf`, YAML; null where it is a secret, or cannot be told. */
  readonly configuration: string | null;
}

/** What happened on one node, in seconds since the update began; null for what has not happened, or was not seen. */
export interface NodeCourse {
  readonly node: string;
  /** Name of the pod that went; null where none was there. */
  readonly oldPod: string | null;
  /** Name of the pod that came. */
  readonly newPod: string | null;
  /** The old pod was told to go. */
  readonly deleted: number | null;
  /** The old pod's process was seen to be gone. */
  readonly stopped: number | null;
  /** The new pod was made. */
  readonly created: number | null;
  /** The new pod was seen to be ready: its process runs. */
  readonly ready: number | null;
  /** The new process had synced its rules for the first time. */
  readonly synced: number | null;
  /** Whether `synced` is the first sync's own time, by the node's clock; otherwise it was then at the latest. */
  readonly isExact: boolean;
}

/** The result of a verification, as `npm run verify -- --json` prints it. */
export interface ProofReport {
  /** The DaemonSet's name. */
  readonly daemonSet: string;
  /** Whether every Ready node is verified, and there is at least one. */
  readonly ok: boolean;
  /** Numbers of nodes by verdict. */
  readonly verified: number;
  readonly failed: number;
  readonly excluded: number;
  /** How long it took, in seconds. */
  readonly seconds: number;
  /** Failed nodes first, then excluded ones, then verified ones; within each the slowest sync first. */
  readonly nodes: readonly NodeProof[];
}

/** The result for one node, as it is in the table and in the JSON. */
export interface NodeProof {
  readonly node: string;
  /** Name of its kube-proxy pod; null when there is none. */
  readonly pod: string | null;
  /** Seconds since the kube-proxy process started, by the node's clock; null when it gave no answer. */
  readonly ageSeconds: number | null;
  /** Seconds from the process' start to its latest sync; null when it gave no answer or has never synced. */
  readonly syncDelaySeconds: number | null;
  /** The mode that it runs in; null when it gave no answer. */
  readonly mode: string | null;
  /** Whether Services answer there; null when its kube-proxy gave no answer. */
  readonly service: ServiceAnswer | null;
  readonly verdict: Verdict;
  /** Why it is not verified, one sentence each; empty when it is. */
  readonly reasons: readonly string[];
}

/** Whether Services answer on a node. */
export type ServiceAnswer =
  /** They do. `seconds`: from the making of a new one until it was seen to; nodes are asked some at a time. */
  | { readonly verdict: "answers"; readonly seconds: number }
  /** They do not, and that is not for the network. */
  | { readonly verdict: "fails"; readonly reason: string }
  /** None could be asked for. */
  | { readonly verdict: "unasked"; readonly reason: string };

/** `verified`: all checks passed. `failed`: at least one did not. `excluded`: the node is NotReady, nobody was asked. */
export type Verdict = "verified" | "failed" | "excluded";
