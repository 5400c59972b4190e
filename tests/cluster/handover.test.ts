import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Fate, obstaclesAmong, orphanOf, type WantedDaemonSet } from "../../components/cluster/handover.ts";
import type { DaemonSet, Pod } from "../../components/cluster/workload.ts";
import type { NodeFacts } from "../../components/facts/facts.ts";
import { layoutAnnotation, poolLabel } from "../../components/pools/waves.ts";

const one: WantedDaemonSet[] = [{ daemonSet: "kube-proxy", placement: {} }];
const pools: WantedDaemonSet[] = [
  {
    daemonSet: "kube-proxy-canary",
    pool: "canary",
    layout: "new",
    placement: { nodeSelector: { tier: "canary" } },
  },
  {
    daemonSet: "kube-proxy-rest",
    pool: "rest",
    layout: "new",
    placement: { nodeSelector: { tier: "rest" }, tolerations: [{ operator: "Exists" }] },
  },
];

function daemonSet(name: string, annotations: Record<string, string>): DaemonSet {
  return {
    metadata: { name, uid: name, annotations },
    spec: { template: { metadata: { labels: { "k8s-app": "kube-proxy" } } } },
    status: { desiredNumberScheduled: 1 },
  };
}
const ours = (name: string, layout?: string): DaemonSet =>
  daemonSet(name, { "kube-proxy/restart": "t", ...(layout !== undefined && { [layoutAnnotation]: layout }) });
const foreign = (name: string): DaemonSet => daemonSet(name, {});
/** As kubeadm makes it, and whoever has written to it since. */
const kubeadms = (...others: string[]): DaemonSet => {
  const { metadata, ...rest } = foreign("kube-proxy");
  const managedFields = ["kubeadm", ...others].map((manager) => ({ manager }));
  return { ...rest, metadata: { ...metadata, managedFields } };
};

suite("DaemonSets in the way", () => {
  const [canary, rest] = [ours("kube-proxy-canary", "new"), ours("kube-proxy-rest", "new")];
  const cases: [string, DaemonSet[], WantedDaemonSet[], string[]][] = [
    ["none before the first one", [], one, []],
    ["a plain restart", [ours("kube-proxy")], one, []],
    ["pools as they are", [canary, rest], pools, []],
    ["half of them made", [canary], pools, []],
    ["one to several", [ours("kube-proxy")], pools, ["kube-proxy"]],
    ["several to one", [canary, rest], one, ["kube-proxy-canary", "kube-proxy-rest"]],
    ["renamed", [canary, rest, ours("kube-proxy-old", "new")], pools, ["kube-proxy-old"]],
    ["cut anew", [ours("kube-proxy-canary", "old"), rest], pools, ["kube-proxy-canary"]],
    ["a pool without a layout", [ours("kube-proxy-canary"), rest], pools, ["kube-proxy-canary"]],
    ["one with a layout", [ours("kube-proxy", "old")], one, ["kube-proxy"]],
    ["kubeadm's own, beside pools that are there", [kubeadms(), canary, rest], pools, ["kube-proxy"]],
    ["somebody else's of a wanted name", [foreign("kube-proxy")], one, []],
  ];
  for (const [name, daemonSets, wanted, expected] of cases) {
    test(name, () => {
      assert.deepEqual(
        obstaclesAmong(daemonSets, wanted).map(({ metadata }) => metadata.name),
        expected,
      );
    });
  }

  const refused: [string, DaemonSet[], WantedDaemonSet[], string[]][] = [
    ["nobody knows whose, beside pools", [foreign("kube-proxy"), canary], pools, ["kube-proxy"]],
    ["kubeadm's, which somebody has edited", [kubeadms("kubectl-edit"), canary], pools, ["kube-proxy"]],
    ["kubeadm's, before there are pools", [kubeadms()], pools, ["kube-proxy"]],
    ["all of them at once", [foreign("a"), ours("kube-proxy"), foreign("b")], pools, ["a", "b"]],
    ["one of a wanted name that would adopt pods", [foreign("kube-proxy"), canary], one, ["kube-proxy"]],
  ];
  for (const [name, daemonSets, wanted, expected] of refused) {
    test(`somebody else's are refused: ${name}`, () => {
      const names = expected.map((one) => `DaemonSet kube-system/${one}`);
      assert.throws(
        () => obstaclesAmong(daemonSets, wanted),
        (error: { problems: { path: string }[]; message: string }) => {
          assert.deepEqual(
            error.problems.map(({ path }) => path),
            names,
          );
          assert.match(
            error.message,
            /nothing was changed:\n.* is in the way, and this program has not made it/,
          );
          return true;
        },
      );
    });
  }
});

suite("pods that belong to no DaemonSet", () => {
  const node = (labels: Record<string, string>): NodeFacts => ({
    name: "node-1",
    labels,
    taints: [],
    ready: "True",
  });
  const pod = (labels: Record<string, string> = {}, deletionTimestamp?: string): Pod => ({
    metadata: { name: "p", uid: "p", labels, ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
    spec: { nodeName: "node-1", containers: [] },
    status: {},
  });
  const ending = pod({}, "2026-11-24T08:00:00Z");
  const gpu = [{ key: "gpu", effect: "NoSchedule" }];
  const [canary, rest] = [node({ tier: "canary" }), node({ tier: "rest" })];

  const cases: [string, Pod, NodeFacts | undefined, WantedDaemonSet[], Fate, string?][] = [
    ["its node's pool", pod(), canary, pools, Fate.labelled, "canary"],
    ["another pool than before", pod({ [poolLabel]: "canary" }), rest, pools, Fate.labelled, "rest"],
    ["the same pool", pod({ [poolLabel]: "rest" }), rest, pools, Fate.left, "rest"],
    ["no pools", pod(), rest, one, Fate.left],
    ["no pools any more", pod({ [poolLabel]: "rest" }), rest, one, Fate.left],
    ["a node in no pool", pod(), node({}), pools, Fate.deleted],
    ["a taint that its pool does not tolerate", pod(), { ...canary, taints: gpu }, pools, Fate.deleted],
    ["a taint that its pool tolerates", pod(), { ...rest, taints: gpu }, pools, Fate.labelled, "rest"],
    ["no node", pod(), undefined, pools, Fate.deleted],
    ["about to end", ending, rest, pools, Fate.left, "rest"],
    ["about to end on a node in no pool", ending, node({}), pools, Fate.left],
  ];
  for (const [name, orphan, where, wanted, fate, pool] of cases) {
    test(name, () => {
      assert.deepEqual(orphanOf(orphan, where, wanted), { pod: orphan, fate, pool });
    });
  }
});
