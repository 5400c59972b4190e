/** Which alerts each recording raises, and where each fault of the lab is tried. */
import type { Fault } from "../../lab/faults.ts";

/** A recording, and what it raises at the end of its fault. */
export interface Expected {
  readonly recording: string;
  /** So many minutes longer than it was recorded the fault stays. */
  readonly holdMinutes: number;
  readonly raised: readonly string[];
  /** That is seen so many minutes after the end of the fault, where an alert takes longer than the fault; default: 0. */
  readonly lateMinutes?: number;
  /** So many minutes after the end of the recording nothing fires any more; absent where the recording ends before that. */
  readonly silentAfter?: number;
}

/** What a fault that lasts raises, of its own recording. */
function lasting(recording: string, ...raised: string[]): Expected {
  return { recording, holdMinutes: 0, raised, silentAfter: 7 };
}

/** Every recording. */
export const expectations: readonly Expected[] = [
  { recording: "nftables-healthy", holdMinutes: 90, raised: [], silentAfter: 0 },
  { recording: "iptables-healthy", holdMinutes: 90, raised: [], silentAfter: 0 },
  lasting("nftables-failuresGrow", "KubeProxyRulesNotSynced real-1", "KubeProxySyncFailures real-1"),
  // Only the first sync is counted as failed: later ones end before iptables-restore is run.
  lasting("iptables-lockHeld", "KubeProxyRulesNotSynced real-1"),
  lasting("nftables-neverSynced", "KubeProxyFirstSyncSlow real-1"),
  { ...lasting("nftables-slow", "KubeProxyProgrammingSlow real-1"), lateMinutes: 3 },
  // The kubelet waits for minutes before it starts a container again that has ended several times.
  { recording: "nftables-crashing", holdMinutes: 0, raised: ["KubeProxyUnreachable real-1"] },
  {
    recording: "nftables-wrongMode",
    holdMinutes: 31,
    raised: ["KubeProxyModeDiffers real-1"],
    silentAfter: 1,
  },
  ...["nftables-stopped", "iptables-stopped"].map((recording) => ({
    ...{ recording, holdMinutes: 5, raised: ["KubeProxyUnreachable real-1"], silentAfter: 1 },
  })),
  // It has failures once, and syncs again.
  lasting("nftables-removed"),
  // It believes that all is well.
  lasting("nftables-deaf"),
];

const silence = "nftables-stopped";

/** By fault, the recording or edge in which it is tried; why not where no metric tells it. */
export const faultsTried: Readonly<Record<Fault, { readonly by: string } | { readonly unseen: string }>> = {
  neverSynced: { by: "nftables-neverSynced" },
  staleSync: {
    by: "a process whose last sync was before its start, and a release that says 0 before the first one",
  },
  failuresGrow: { by: "nftables-failuresGrow" },
  wrongMode: { by: "nftables-wrongMode" },
  wrongConfiguration: { unseen: "no metric tells the configuration" },
  oldProcess: { unseen: "nothing is wrong with it" },
  // To Prometheus all of these are a scrape that fails.
  slow: { by: silence },
  reset: { by: silence },
  garbage: { by: silence },
  huge: { by: silence },
  noMetrics: { by: "a page of something else where kube-proxy should be" },
  deaf: { by: "nftables-deaf" },
  isolated: { unseen: "its own node does not need the way to others" },
  unreachable: { by: silence },
};
