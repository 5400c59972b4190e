import { createHash } from "node:crypto";
import type { ClusterFacts, NodeFacts } from "../components/index.ts";
import { type Plain, planOf } from "../components/plan.ts";

/**
 * What a cluster says of itself when an `up` of these arguments has been done, and nothing since.
 *
 * @param nodes - all of its nodes
 */
export function factsAfter(plain: Plain, nodes: NodeFacts[]): ClusterFacts {
  const { waves } = planOf(plain);
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
    helpers: [],
  };
}
