/** Makes reports of any size, the same one each time. */
import {
  type NodeCourse,
  type NodeProof,
  type Outcome,
  type ProofReport,
  reportKind,
  reportVersion,
  type UpdateReport,
  type WaveReport,
} from "../../components/report/types.ts";

/** What a sample is to be. */
export interface SampleOptions {
  readonly nodes: number;
  /** `succeeded` unless said. */
  readonly outcome?: Outcome;
  /** Waves of pools; 1 is a cluster without pools. By default 1 up to 10 nodes, else 3. */
  readonly waves?: number;
  readonly seed?: number;
  /** Takes the place of names, token and configuration. */
  readonly hostile?: string;
}

const began = Date.parse("2026-11-28T09:30:00.000Z");
const pools = ["canary", "workers", "edge", "control-plane"];
const concurrency = (nodes: number) => Math.max(1, Math.ceil(nodes / 10));

/** Numbers from 0 up to 1, the same ones for the same seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const configuration = (mode: string, more: string) => `apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
clusterCIDR: 10.244.0.0/16
conntrack:
  maxPerCore: 32768
  min: 131072
kind: KubeProxyConfiguration
metricsBindAddress: 127.0.0.1:10249
mode: ${mode}
${more}`;

const round = (value: number) => Math.round(value * 1000) / 1000;

/** A report of a switch from iptables to nftables and a newer image, in waves. */
export function sample(options: SampleOptions): UpdateReport {
  const { nodes, outcome = "succeeded", hostile, seed = 7 } = options;
  const waveCount = options.waves ?? (nodes <= 10 ? 1 : 3);
  const next = chance(seed);
  const sizes = Array.from({ length: waveCount }, (_, index) =>
    index === 0 && waveCount > 1
      ? Math.max(1, Math.floor(nodes / 20))
      : Math.floor((nodes + index) / Math.max(1, waveCount - 1)),
  );
  const rest = nodes - sizes.slice(0, -1).reduce((sum, size) => sum + size, 0);
  sizes[sizes.length - 1] = rest;
  const waves: WaveReport[] = [];
  let clock = 1.2;
  let first = 0;
  for (const [index, size] of sizes.entries()) {
    const isLast = index === sizes.length - 1;
    const ends = outcome === "succeeded" || !isLast;
    const made = waveOf(
      { size, first, start: clock, ends, outcome, hostile, index, pooled: waveCount > 1 },
      next,
    );
    waves.push(made);
    clock = made.ended ?? Math.max(clock, ...made.nodes.map(({ synced }) => synced ?? 0)) + 5;
    first += size;
  }
  const isOver = outcome === "succeeded" || outcome === "failed";
  const end = new Date(began + Math.ceil(clock * 1000)).toISOString();
  return {
    kind: reportKind,
    version: reportVersion,
    began: new Date(began).toISOString(),
    ended: isOver ? end : null,
    written: end,
    outcome,
    writer: { pid: 4711, host: "build-3" },
    occasions: ["mode switch", "restart"],
    by: hostile ?? "anna@build-3",
    token: hostile ?? "CHG-20417: leave iptables before 1.36",
    strategy: "Rolling",
    stack: hostile ?? "example/kube-proxy/prod",
    cluster: {
      id: "2f0c8a52-7c1e-4c0e-9a3f-0c7f3f5d9a11",
      server: "https://10.0.0.10:6443",
      context: hostile ?? "prod",
    },
    snapshot: "snapshots/2f0c8a52/2026-11-28T09-29-58Z.json",
    told: [
      {
        level: "info",
        text: `${nodes} nodes get a new pod, ${concurrency(nodes)} at a time: about 4 minutes.`,
      },
      { level: "warn", text: hostile ?? "node-3 is not Ready: it gets its pod when it is back." },
    ],
    skipped: [
      { what: hostile ?? "pool gpu", why: hostile ?? "it is held where it is by `hold`" },
      { what: "node legacy-1", why: "it has no kube-proxy by choice" },
    ],
    waves,
    next:
      outcome === "succeeded"
        ? []
        : ["Goes on with the wave that has not ended.", "Proves the nodes of that wave anew."],
    unrecorded:
      outcome === "succeeded"
        ? []
        : [hostile ?? "Pods could not be watched for 4 s: the API server was away."],
  };
}

interface WaveOptions {
  readonly size: number;
  readonly first: number;
  readonly start: number;
  readonly ends: boolean;
  readonly outcome: Outcome;
  readonly hostile: string | undefined;
  readonly index: number;
  readonly pooled: boolean;
}

function waveOf(options: WaveOptions, next: () => number): WaveReport {
  const { size, first, start, ends, outcome, hostile, index, pooled } = options;
  const courses = Array.from({ length: size }, (_, offset) => courseOf(options, offset, next));
  const last = Math.max(start, ...courses.map(({ synced }) => synced ?? 0));
  const name = pooled ? (pools[index] ?? `pool-${index}`) : null;
  const daemonSet = name === null ? "kube-proxy" : `kube-proxy-${name}`;

  return {
    daemonSet,
    pool: name !== null && hostile !== undefined ? hostile : name,
    state: ends ? "proved" : outcome === "failed" ? "failed" : "running",
    began: start,
    ended: ends || outcome === "failed" ? round(last + 3) : null,
    changes: hostile === undefined ? ["image: v1.34.2 to v1.35.1", "mode: iptables to nftables"] : [hostile],
    before: {
      image: "registry.k8s.io/kube-proxy:v1.34.2",
      mode: "iptables",
      token: null,
      configuration: configuration("iptables", "nodePortAddresses: null\n"),
    },
    after: {
      image: "registry.k8s.io/kube-proxy:v1.35.1",
      mode: "nftables",
      token: hostile ?? "CHG-20417: leave iptables before 1.36",
      configuration: configuration(
        "nftables",
        hostile === undefined ? "nodePortAddresses:\n  - primary\n" : hostile,
      ),
    },
    nodes: courses,
    failure:
      outcome === "failed" && !ends
        ? (hostile ?? "without a ready new pod: node-3 (ImagePullBackOff)")
        : null,
    proof:
      ends || outcome === "failed"
        ? proofOf(daemonSet, courses, first, outcome === "failed" && !ends, hostile)
        : null,
  };
}

function courseOf(
  { size, first, start, ends, hostile }: WaveOptions,
  offset: number,
  next: () => number,
): NodeCourse {
  const number = first + offset + 1;
  const node = hostile === undefined || offset > 2 ? `node-${number}` : `${hostile}${number}`;
  const turn = Math.floor(offset / concurrency(size));
  const deleted = round(start + turn * 4.5 + next() * 1.5);
  const stopped = round(deleted + 0.2 + next() * 0.6);
  const ready = round(stopped + 0.7 + next() * 1.4 + (next() > 0.97 ? next() * 9 : 0));
  const synced = round(ready + 0.2 + next() * 0.9);
  const isLeft = !ends && offset >= size * 0.6;
  const isBare = !ends && !isLeft && offset >= size * 0.55;
  const seen = (value: number, hidden: boolean) => (hidden ? null : value);
  return {
    node,
    oldPod: `kube-proxy-${number.toString(36)}old`,
    newPod: isLeft ? null : `kube-proxy-${number.toString(36)}new`,
    deleted: seen(deleted, isLeft),
    stopped: seen(stopped, isLeft),
    created: seen(round(stopped + 0.1), isLeft),
    ready: seen(ready, isLeft || isBare),
    synced: seen(synced, isLeft || isBare),
    isExact: next() > 0.2,
  };
}

function proofOf(
  daemonSet: string,
  courses: readonly NodeCourse[],
  first: number,
  fails: boolean,
  hostile?: string,
): ProofReport {
  const nodes = courses.map((course, offset): NodeProof => {
    const isExcluded = first + offset === 2;
    const isFailed = fails && course.ready === null;
    return {
      node: course.node,
      pod: course.newPod,
      ageSeconds: course.ready === null ? null : 12,
      syncDelaySeconds: course.synced === null ? null : 0.4,
      mode: isFailed || isExcluded ? null : "nftables",
      service:
        isFailed || isExcluded
          ? { verdict: "unasked", reason: "no pod is ready" }
          : { verdict: "answers", seconds: 0.004 },
      verdict: isExcluded ? "excluded" : isFailed ? "failed" : "verified",
      reasons: isExcluded
        ? ["the node is not Ready"]
        : isFailed
          ? [hostile ?? "its pod is not ready: ImagePullBackOff"]
          : [],
    };
  });
  const of = (verdict: NodeProof["verdict"]) => nodes.filter((node) => node.verdict === verdict).length;
  return {
    daemonSet,
    ok: of("failed") === 0,
    verified: of("verified"),
    failed: of("failed"),
    excluded: of("excluded"),
    seconds: 2.4,
    nodes,
  };
}

/** Five reports from before, the newest first. */
export function earlier(nodes: number): UpdateReport[] {
  return [1, 2, 3, 4, 5].map((days) => {
    const report = sample({ nodes, seed: 100 + days, outcome: days === 3 ? "failed" : "succeeded" });
    const shifted = (iso: string | null) =>
      iso === null ? null : new Date(Date.parse(iso) - days * 7 * 86_400_000).toISOString();
    return {
      ...report,
      began: shifted(report.began) ?? "",
      ended: shifted(report.ended),
      written: shifted(report.written) ?? "",
      token: `CHG-${20417 - days * 111}`,
    };
  });
}
