/** Snapshots with pools, made from one without. */
import { type ApiObject, inOrder } from "../../../components/cluster/objects.ts";
import type { Snapshot } from "../../../components/cluster/snapshot/format.ts";
import { layoutAnnotation, poolLabel } from "../../../components/pools/waves.ts";
import { restartAnnotation } from "../../../components/restart/restart.ts";

/** Names of pools, each with the names of its nodes. */
export type Pools = Readonly<Record<string, readonly string[]>>;

interface DaemonSetSpec {
  readonly template: { readonly metadata: object; readonly spec: object };
}

/** The same snapshot with a DaemonSet and a ConfigMap for each pool in the place of its one DaemonSet. */
export function withPools(single: Snapshot, pools: Pools): Snapshot {
  const [daemonSet] = single.objects.filter(({ kind }) => kind === "DaemonSet");
  const [configMap] = single.objects.filter(({ kind }) => kind === "ConfigMap");
  if (daemonSet === undefined || configMap === undefined) throw new Error("the snapshot is not whole");
  const layout = JSON.stringify(pools);
  const objects = Object.entries(pools).flatMap(([pool, nodes]): ApiObject[] => {
    const metadata = { name: `kube-proxy-${pool}`, namespace: "kube-system" };
    const labels = { "k8s-app": "kube-proxy", [poolLabel]: pool };
    const annotations = { [restartAnnotation]: "initial", [layoutAnnotation]: layout };
    const spec = specOf(daemonSet["spec"] as DaemonSetSpec, labels, nodes);
    return [
      { ...configMap, metadata: { ...metadata, labels: { app: "kube-proxy", [poolLabel]: pool } } },
      { ...daemonSet, metadata: { ...metadata, labels, annotations }, spec },
    ];
  });
  const others = single.objects.filter((object) => object !== daemonSet);
  return { ...single, objects: inOrder([...others, ...objects]) };
}

function specOf({ template, ...spec }: DaemonSetSpec, labels: object, values: readonly string[]): object {
  const nodeSelectorTerms = [
    { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values }] },
  ];
  const affinity = {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
  };
  return {
    ...spec,
    selector: { matchLabels: labels },
    template: { ...template, metadata: { labels }, spec: { ...template.spec, affinity } },
  };
}
