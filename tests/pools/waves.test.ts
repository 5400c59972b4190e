import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { selects } from "../../components/pools/placement.ts";
import { wavesOf } from "../../components/pools/waves.ts";

const settings = {
  kubernetesVersion: "v1.37.2",
  controlPlaneEndpoint: "192.0.2.10",
  excludeNodes: [{ key: "node-role.kubernetes.io/edge", operator: "Exists" }],
  volumes: [{ name: "extra", configMap: { name: "extra" } }],
  volumeMounts: [{ name: "extra", mountPath: "/extra" }],
};
const pools = [
  { name: "canary", nodeSelector: { pool: "canary" } },
  { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["canary"] }] },
];

suite("waves", () => {
  test("leave the nodes out that are excluded, without pools and with them", () => {
    const linux = { "kubernetes.io/os": "linux" };
    const counts = (labels: Record<string, string>, list: typeof pools) =>
      wavesOf(settings, list).filter(({ daemonSet }) =>
        selects(daemonSet.spec.template.spec, { metadata: { name: "a", labels: { ...linux, ...labels } } }),
      ).length;
    for (const list of [[], pools]) {
      for (const pool of ["canary", "other"]) {
        assert.equal(counts({ pool }, list), 1);
        assert.equal(counts({ pool, "node-role.kubernetes.io/edge": "" }, list), 0);
      }
    }
  });

  test("each mount their own configuration; a ConfigMap of the user's stays the user's", () => {
    const mounted = wavesOf(settings, pools).map(({ configMap, daemonSet }) => ({
      own: configMap.metadata.name,
      volumes: daemonSet.spec.template.spec.volumes.flatMap((volume) => volume.configMap?.name ?? []),
    }));
    assert.deepEqual(mounted, [
      { own: "kube-proxy-canary", volumes: ["kube-proxy-canary", "extra"] },
      { own: "kube-proxy-rest", volumes: ["kube-proxy-rest", "extra"] },
    ]);
  });
});
