/** Measures what some work does to connections, and what the work needs for it. */
import { loadCluster } from "../../components/cluster/client.ts";
import { formatReport, verify } from "../../components/cluster/verify/index.ts";
import { nodeCommand, type Lab } from "../../lab/index.ts";
import { run, runOrFail } from "../../lab/tools.ts";
import type { Running } from "../engine/index.ts";
import { type Attempt, type Pace, Probe } from "./probe.ts";
import type { Targets } from "./responder.ts";

/** Whom {@link measure} asks, from which node beside the client pod, and how. */
export interface Asked {
  readonly node: string;
  readonly targets: Targets;
  /** Default: the probe's own. */
  readonly pace?: Pace;
  /** Attempts of each kind before the work. Default: what it takes to ask everybody once. */
  readonly ahead?: number;
  /** The same after it. Default: 20, a second at the probe's own pace, long enough to see what was left behind. */
  readonly afterwards?: number;
}

/** What happened while some work was done. */
export interface Measured {
  /** When the work began and ended, in milliseconds since 1970. */
  readonly began: number;
  readonly ended: number;
  readonly attempts: readonly Attempt[];
}

/** Asks before, during and after some work. */
export async function measure(
  lab: Lab,
  { node, targets, pace, ahead = 0, afterwards = 20 }: Asked,
  work: () => Promise<unknown>,
): Promise<Measured> {
  const probe = await Probe.start(lab, node, targets, pace);
  try {
    if (ahead > 0) await probe.after(Date.now(), ahead);
    const began = Date.now();
    await work();
    const ended = Date.now();
    await probe.after(ended, afterwards);
    return { began, ended, attempts: probe.attempts };
  } finally {
    await probe.stop();
  }
}

/** Whether somebody answered. */
export const answered = ({ error }: Attempt): boolean => error === undefined;

/**
 * Whoever asks a dead Service leaves an entry in the kernel's table of connections for two minutes, which leads a later
 * connection from the same port nowhere, too. That is no failure of what comes next.
 */
export async function forgetVainConnections(lab: Lab): Promise<void> {
  const vain = ["--proto", "tcp", "--state", "SYN_SENT"];
  for (const name of lab.realNodes) {
    for (const family of ["ipv4", "ipv6"]) {
      // Its exit code is 1 where there is none.
      await run(nodeCommand(lab, name, ["conntrack", "--delete", "--family", family, ...vain]));
    }
  }
}

/** Waits for the moment in a restart from which on there is no DaemonSet. */
export async function deletionOfDaemonSet(restarting: Running): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    restarting.onStep(({ op, type, status }) => {
      if (op === "delete-replaced" && type.endsWith(":DaemonSet") && status === "done") resolve();
    });
    restarting.done.then(({ output }) => {
      reject(new Error(`no DaemonSet was deleted:\n${output}`));
    }, reject);
  });
}

/** `kill -9` of a node's kube-proxy; waits until the next one has synced its rules. */
export async function killKubeProxy(lab: Lab, node: string): Promise<void> {
  const since = new Date();
  const pids = await runOrFail(nodeCommand(lab, node, ["pidof", "kube-proxy"]));
  await runOrFail(nodeCommand(lab, node, ["kill", "-9", ...pids.trim().split(" ")]));
  const cluster = loadCluster({ kubeconfig: lab.kubeconfig }, {});
  const report = await verify(cluster, { nodes: [node], since }, { deadlineMs: 60_000 });
  if (!report.ok) throw new Error(formatReport(report));
}
