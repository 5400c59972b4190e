/** Watches the kube-proxies of real nodes while something is done to them. */
import { CoreV1Api, type KubeConfig, makeInformer, type V1Pod } from "@kubernetes/client-node";
import { helperPorts } from "../../components/cluster/modeSwitch/pods.ts";
import { samplesOf } from "../../components/cluster/verify/metrics.ts";
import { clearingValue, countingValue, helperLabel } from "../../components/plan/modes.ts";
import { type Lab, nodeCommand } from "../../lab/index.ts";
import { startLines } from "../../tests/node/lines.ts";
import type { Attempt } from "../../tests/node/probe.ts";
import type { NodeView, PodLife, Sync } from "./behaviour.ts";

const lastSync = "kubeproxy_sync_proxy_rules_last_timestamp_seconds";

const namespace = "kube-system";

/** Reads the time of the last sync at a port whenever a line comes. */
const readSyncs = (port: number) =>
  `while read -r _; do wget -q -O - http://127.0.0.1:${port}/metrics | grep ^${lastSync}; done`;

/** How often a {@link NodeWatch} looks, in milliseconds. */
interface WatchPace {
  /** Between two readings of the syncs: a kube-proxy syncs at most once a second. */
  readonly readingMs: number;
  /** Between two questions for its health. */
  readonly healthMs: number;
  /** How long an answer to one may take, before nobody is there. */
  readonly timeoutMs: number;
}

const standard: WatchPace = { readingMs: 100, healthMs: 50, timeoutMs: 2000 };

/** A node, but not who is asked from there. */
type Watched = Omit<NodeView, "from">;

/** A watch on one lab. */
export interface NodeWatch {
  /** What was seen of every node since the watch began. */
  nodes(): Watched[];
  stop(): Promise<void>;
}

/** Begins with the pods as they are. Has to be stopped. */
export async function watchNodes(
  lab: Lab,
  config: KubeConfig,
  pace: WatchPace = standard,
): Promise<NodeWatch> {
  const pods = new Map<string, PodLife & { kind: Kind; node?: string | undefined }>();
  const see = (pod: V1Pod, gone?: number): void => {
    const kind = kindOf(pod);
    if (kind === undefined) return;
    const now = Date.now();
    const uid = pod.metadata?.uid ?? "";
    const { created = now, ready = isReady(pod) ? now : undefined } = pods.get(uid) ?? {};
    pods.set(uid, {
      uid,
      kind,
      node: pod.spec?.nodeName,
      created,
      ...(ready !== undefined && { ready }),
      ...(gone !== undefined && { gone }),
    });
  };
  // Goes on when a watch ends, as it does after half a minute without news.
  const list = () => config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace });
  const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/pods`, list);
  informer.on("add", (pod) => {
    see(pod);
  });
  informer.on("update", (pod) => {
    see(pod);
  });
  informer.on("delete", (pod) => {
    see(pod, Date.now());
  });
  await informer.start();
  const nodes = [...lab.realNodes, ...lab.vmNodes].map((name) => watchNode(lab, name, pace));
  const podsOf = (name: string, wanted: Kind) =>
    [...pods.values()].filter(({ node, kind }) => node === name && kind === wanted);
  return {
    nodes: () =>
      nodes.map(({ name, health, proxy, helper }) => ({
        name,
        health,
        syncs: [...proxy.syncs.values()],
        pods: podsOf(name, "proxy"),
        helpers: { syncs: [...helper.syncs.values()], pods: podsOf(name, "helper") },
      })),
    stop: async () => {
      await informer.stop();
      await Promise.all(nodes.map(({ stop }) => stop()));
    },
  };
}

/** Whether a pod is a kube-proxy of the DaemonSet, a helper in a switch between modes, or neither. */
type Kind = "proxy" | "helper";

function kindOf({ metadata }: V1Pod): Kind | undefined {
  const { [helperLabel]: helps, "k8s-app": app } = metadata?.labels ?? {};
  if (helps !== undefined) return [clearingValue, countingValue].includes(helps) ? undefined : "helper";
  return app === "kube-proxy" ? "proxy" : undefined;
}

function watchNode(lab: Lab, name: string, { readingMs, healthMs, timeoutMs }: WatchPace) {
  const health: Pick<Attempt, "at" | "error">[] = [];
  const times = ["-interval", `${healthMs}ms`, "-timeout", `${timeoutMs}ms`];
  const ask = ["labnode", "probe", ...times, "-target", "health=tcp/127.0.0.1:10256"];
  const asking = startLines(nodeCommand(lab, name, ask), (line) => {
    const attempt = JSON.parse(line) as Attempt;
    if (attempt.flow === "new") health.push(attempt);
  });
  const syncsAt = (port: number) => watchSyncs(lab, name, port, readingMs);
  const [proxy, helper] = [syncsAt(10249), syncsAt(helperPorts.metrics)];
  const stop = async () => {
    await Promise.all([asking.stop(), proxy.stop(), helper.stop()]);
  };
  return { name, health, proxy, helper, stop };
}

/** Of the kube-proxy whose metrics are at this port of the node's loopback address. */
function watchSyncs(lab: Lab, name: string, port: number, readingMs: number) {
  const syncs = new Map<string, Sync>();
  const reading = startLines(
    nodeCommand(lab, name, ["sh", "-c", `exec 2>/dev/null; ${readSyncs(port)}`]),
    (line) => {
      for (const { labels, value } of samplesOf(line, (metric) => metric === lastSync)) {
        syncs.set(line, { family: labels["ip_family"] ?? "", at: value * 1000 });
      }
    },
  );
  const timer = setInterval(() => {
    reading.write("");
  }, readingMs);
  const stop = async () => {
    clearInterval(timer);
    await reading.stop();
  };
  return { syncs, stop };
}

function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
}
