/** Watches the kube-proxies of real nodes while something is done to them. */
import { type KubeConfig, Watch } from "@kubernetes/client-node";
import { samplesOf } from "../../components/cluster/verify/metrics.ts";
import { type Lab, nodeCommand } from "../../lab/index.ts";
import { startLines } from "../../tests/node/lines.ts";
import type { Attempt } from "../../tests/node/probe.ts";
import type { NodeView, PodLife, Sync } from "./behaviour.ts";

const lastSync = "kubeproxy_sync_proxy_rules_last_timestamp_seconds";

/** Reads the time of the last sync whenever a line comes. */
const readSyncs = `while read -r _; do wget -q -O - http://127.0.0.1:10249/metrics | grep ^${lastSync}; done`;

/** Pause between two readings in milliseconds: a kube-proxy syncs at most once a second. */
const readingMs = 100;

/** A node, but not who is asked from there. */
type Watched = Omit<NodeView, "from">;

/** A watch on one lab. */
export interface NodeWatch {
  /** What was seen of every node since the watch began. */
  nodes(): Watched[];
  stop(): Promise<void>;
}

interface SeenPod {
  metadata: { uid: string };
  spec: { nodeName?: string };
  status: { conditions?: { type: string; status: string }[] };
}

/** Begins with the pods as they are. Has to be stopped. */
export async function watchNodes(lab: Lab, config: KubeConfig): Promise<NodeWatch> {
  const pods = new Map<string, PodLife & { node?: string | undefined }>();
  const watch = await new Watch(config).watch(
    "/api/v1/namespaces/kube-system/pods",
    { labelSelector: "k8s-app=kube-proxy" },
    (type, object) => {
      const pod = object as SeenPod;
      const { uid } = pod.metadata;
      const now = Date.now();
      const { created = now, ready = isReady(pod) ? now : undefined, gone } = pods.get(uid) ?? {};
      pods.set(uid, {
        uid,
        node: pod.spec.nodeName,
        created,
        ...(ready !== undefined && { ready }),
        ...(type === "DELETED" ? { gone: now } : gone !== undefined && { gone }),
      });
    },
    () => undefined,
  );
  const nodes = lab.realNodes.map((name) => watchNode(lab, name));
  return {
    nodes: () =>
      nodes.map(({ name, health, syncs }) => ({
        name,
        health,
        syncs: [...syncs.values()],
        pods: [...pods.values()].filter(({ node }) => node === name),
      })),
    stop: async () => {
      watch.abort();
      await Promise.all(nodes.map(({ stop }) => stop()));
    },
  };
}

function watchNode(lab: Lab, name: string) {
  const health: Pick<Attempt, "at" | "error">[] = [];
  const syncs = new Map<string, Sync>();
  const ask = ["labnode", "probe", "-target", "health=tcp/127.0.0.1:10256"];
  const asking = startLines(nodeCommand(lab, name, ask), (line) => {
    const attempt = JSON.parse(line) as Attempt;
    if (attempt.flow === "new") health.push(attempt);
  });
  const reading = startLines(
    nodeCommand(lab, name, ["sh", "-c", `exec 2>/dev/null; ${readSyncs}`]),
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
    await Promise.all([asking.stop(), reading.stop()]);
  };
  return { name, health, syncs, stop };
}

function isReady({ status }: SeenPod): boolean {
  return status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
}
