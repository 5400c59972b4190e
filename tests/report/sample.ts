/** Reports of any size, the same each time, for tests and for docs/pictures. */
import { reportKind, reportVersion } from "../../components/report/types.ts";
import type {
  NodeCourse,
  NodeProof,
  PodsReport,
  UpdateReport,
  WaveReport,
} from "../../components/report/types.ts";

/** What a sample is made of. */
export interface Wish {
  /** How many nodes there are, in two pools: one of twenty is a canary. */
  readonly nodes: number;
  /** How the update ended; a failed one has failed in its second wave. Default `succeeded`. */
  readonly outcome?: UpdateReport["outcome"];
  readonly token?: string;
  /** Names of nodes, by their number. Default `node-0001` and so on. */
  readonly nameOf?: (index: number) => string;
  /** When it began. Default 2026-11-29T10:00:00Z. */
  readonly began?: number;
}

/** Numbers from 0 to 1, the same each time. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const round = (value: number) => Math.round(value * 1000) / 1000;

const configuration = (mode: string) =>
  `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nclusterCIDR: 10.244.0.0/16\nkind: KubeProxyConfiguration\nmode: ${mode}\nnodePortAddresses: null\nconntrack:\n  maxPerCore: null`;

const pods = (mode: string, token: string): PodsReport => ({
  ...{ image: "registry.k8s.io/kube-proxy:v1.37.2", mode, token },
  configuration: configuration(mode),
});

/** A report. */
export function sampleOf({
  nodes,
  outcome = "succeeded",
  token = "lost-rules-7",
  nameOf,
  began,
}: Wish): UpdateReport {
  const random = numbersFrom(nodes);
  const start = began ?? Date.parse("2026-11-29T10:00:00.000Z");
  const name = nameOf ?? ((index: number) => `node-${String(index + 1).padStart(4, "0")}`);
  const canaries = Math.max(1, Math.round(nodes / 20));
  const all = Array.from({ length: nodes }, (_, index) => name(index));
  const first = wave("canary", all.slice(0, canaries), 0.6);
  const second = wave("rest", all.slice(canaries), (first.ended ?? 0) + 0.4);
  const isWhole = outcome === "succeeded";
  const ended = (second.ended ?? 0) + 0.2;
  return {
    ...{ kind: reportKind, version: reportVersion },
    began: new Date(start).toISOString(),
    ended:
      outcome === "running" || outcome === "interrupted"
        ? null
        : new Date(start + ended * 1000).toISOString(),
    written: new Date(start + ended * 1000).toISOString(),
    outcome,
    writer: { pid: 1, host: "ci-7" },
    occasions: ["mode switch", "restart"],
    by: "https://ci.example.com/runs/4711",
    token,
    strategy: "Rolling",
    stack: "acme/kube-proxy/prod",
    cluster: {
      ...{
        id: "5b1ae3c2-0000-4000-8000-000000000001",
        server: "https://api.example.com:6443",
        context: "prod",
      },
    },
    snapshot: "/var/backups/kube-proxy/5b1ae3c2-0000-4000-8000-000000000001/2026-11-29T10-00-00.000Z.yaml",
    told: [
      { level: "warn", text: "the first sync of nftables takes longer on nodes with many Services" },
      { level: "info", text: "DaemonSet kube-proxy-canary is restarted, at most 1 node at a time" },
    ],
    skipped: isWhole ? [{ what: "pool edge", why: "the update pauses before it (pause)" }] : [],
    waves: isWhole ? [first, second] : [first, halted(second)],
    next: isWhole
      ? ["With a smaller pause it goes on with pool edge."]
      : ["It goes on with DaemonSet kube-proxy-rest as it stands."],
    unrecorded: [],
  };

  function wave(pool: string, members: readonly string[], from: number): WaveReport {
    const atOnce = Math.max(1, Math.ceil(members.length / 10));
    const courses = members.map((node, index): NodeCourse => {
      const deleted = from + 0.5 + Math.floor(index / atOnce) * 3 + random() * 0.4;
      const isSlow = random() > 0.985;
      const stopped = deleted + 0.2 + random() * 0.3;
      const created = stopped + 0.1 + random() * 0.2;
      const ready = created + 0.5 + random() * 0.8 + (isSlow ? 6 + random() * 20 : 0);
      return {
        ...{ node, oldPod: `kube-proxy-${pool}-a${index}`, newPod: `kube-proxy-${pool}-b${index}` },
        ...{ deleted: round(deleted), stopped: round(stopped), created: round(created), ready: round(ready) },
        ...{ synced: round(ready + 0.3 + random()), isExact: random() > 0.2 },
      };
    });
    const last = courses.reduce((most, { synced }) => Math.max(most, synced ?? 0), from);
    const proofs = courses.map(({ node, newPod }, index): NodeProof => {
      const isExcluded = pool === "rest" && index === 3;
      return {
        ...{ node, pod: newPod, ageSeconds: 12, syncDelaySeconds: isExcluded ? null : round(0.3 + random()) },
        ...{ mode: isExcluded ? null : "nftables", verdict: isExcluded ? "excluded" : "verified" },
        service: isExcluded ? null : { verdict: "answers", seconds: round(random()) },
        reasons: isExcluded ? ["its node is NotReady: Kubelet stopped posting node status"] : [],
      };
    });
    const excluded = proofs.filter(({ verdict }) => verdict === "excluded").length;
    return {
      ...{
        daemonSet: `kube-proxy-${pool}`,
        pool,
        state: "proved",
        began: round(from),
        ended: round(last + 2),
      },
      changes: ["configuration: mode iptables -> nftables"],
      ...{ before: pods("iptables", "initial"), after: pods("nftables", token) },
      ...{ nodes: courses, failure: null },
      proof: {
        ...{
          daemonSet: `kube-proxy-${pool}`,
          ok: true,
          verified: proofs.length - excluded,
          failed: 0,
          excluded,
        },
        ...{ seconds: 1.6, nodes: proofs.toReversed() },
      },
    };
  }
}

/** A wave in which the last of its nodes have no new pod that is ready. */
function halted(wave: WaveReport): WaveReport {
  const from = Math.floor(wave.nodes.length * 0.7);
  const nodes = wave.nodes.map((node, index) => {
    if (index < from) return node;
    const isTouched = index < from + 2;
    const unseen = { ready: null, synced: null, isExact: false };
    return isTouched
      ? { ...node, ...unseen }
      : { ...node, ...unseen, newPod: null, deleted: null, stopped: null, created: null };
  });
  const failure = `without a ready new pod: ${nodes[from]?.node ?? ""} (ImagePullBackOff)`;
  return { ...wave, state: "failed", nodes, failure, proof: null };
}
