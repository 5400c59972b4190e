import { createHash } from "node:crypto";
import { type ClusterFacts, type NodeFacts, RestartStrategy } from "../../components/index.ts";
import { forecast } from "../../components/plan/forecast.ts";
import { intentOf, type Wish } from "../../components/plan/intent.ts";
import { type Plain, planOf } from "../../components/plan/plan.ts";

/**
 * What a cluster says of itself when an `up` of these arguments has been done, and nothing since.
 *
 * @param nodes - all of its nodes
 * @param before - what it said before that; undefined where there was no kube-proxy
 */
export function factsAfter(plain: Plain, nodes: NodeFacts[], before?: ClusterFacts): ClusterFacts {
  const { waves, immutables } = planOf(plain, before);
  const earlier = before?.immutableConfigs ?? [];
  const hour = 10 + earlier.length;
  return {
    nodes,
    daemonSets: waves.map(({ daemonSet: { metadata, spec } }) => ({
      name: metadata.name,
      uid: "1",
      annotations: { ...metadata.annotations },
      generation: 1,
      spec: structuredClone(spec),
      managers: ["pulumi-kubernetes"],
      desired: nodes.length,
      available: nodes.length,
    })),
    configMaps: waves.map(({ configMap: { metadata, data } }) => ({
      name: metadata.name,
      resourceVersion: createHash("sha256").update(JSON.stringify(data)).digest("hex").slice(0, 8),
      data: { ...data },
    })),
    ...(immutables.length > 0 && {
      immutableConfigs: immutables.map(
        ({ metadata: { name }, data }) =>
          earlier.find((one) => one.name === name) ?? {
            ...{ name, resourceVersion: "1", data: { ...data } },
            created: `2026-11-23T${hour}:00:00Z`,
          },
      ),
    }),
    helpers: [],
  };
}

/** kube-proxy's own objects after such an `up`, but for the DaemonSet, as facts have them. */
export function objectsAfter(plain: Plain): string {
  const { daemonSet: _, ...objects } = planOf(plain).objects;
  return JSON.stringify(Object.values(objects));
}

/** What a preview of these arguments tells of the pods. */
export function foretold(
  settings: Plain,
  facts: ClusterFacts,
  wait: string,
  { held = [], takeOver }: Partial<Pick<Wish, "held" | "takeOver">> = {},
) {
  const strategy = settings.restartStrategy ?? RestartStrategy.Rolling;
  const { waves } = planOf(settings, facts);
  const wish = { settings, waves, held, takeOver, running: true, verify: true, restartsNodes: false };
  const waits = waves.map(() => ({ create: wait, update: wait }));
  const plan = { strategy, waves, held, waits, confirmed: settings.confirmModeSwitch };
  return forecast(intentOf(wish, facts), plan, facts);
}
