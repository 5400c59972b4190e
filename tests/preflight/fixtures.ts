import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeSystemFacts } from "../../components/facts/facts.ts";
import type { ClusterFacts, NodeFacts } from "../../components/index.ts";
import { nodeProxierRules } from "../../components/kubeadm/manifests.ts";
import { minors } from "../../components/kubeadm/minors.ts";
import { intentOf } from "../../components/plan/intent.ts";
import { type Plain, planOf } from "../../components/plan/plan.ts";
import type { SnapshotIn } from "../../components/plan/snapshotIn.ts";
import { checks, preflight as run } from "../../components/preflight/index.ts";
import { factsAfter } from "../plan/facts.ts";

const [newest] = minors.slice(-1);

/** Settings of a kubeadm cluster of the newest minor. */
export const plain: Plain = {
  kubernetesVersion: "v1.37.2",
  controlPlaneEndpoint: "192.0.2.10:6443",
  podSubnet: "10.244.0.0/16",
};

/** Its nodes, all well. */
export function nodes(count: number, more: Partial<NodeFacts> = {}): NodeFacts[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `node-${index + 1}`,
    labels: { "kubernetes.io/os": "linux" },
    taints: [],
    ready: "True",
    podCIDRs: [`10.244.${index}.0/24`],
    addresses: [`198.18.0.${index + 1}`],
    system: { kubelet: "v1.37.2", kernel: "6.12.0-kwok", os: "linux", architecture: "amd64" },
    ...more,
  }));
}

/** A cluster in which nothing is wrong and where there is no kube-proxy yet. */
export const well: ClusterFacts = {
  nodes: nodes(3),
  daemonSets: [],
  configMaps: [],
  helpers: [],
  server: "https://127.0.0.1:40000",
  serverVersion: "v1.37.2",
  namespace: { uid: "the-uid", labels: { "kubernetes.io/metadata.name": "kube-system" } },
  webhooks: [],
  quotas: [],
  clusterRoles: [
    {
      name: "system:node-proxier",
      rules: (newest ? nodeProxierRules(newest) : []).map(({ apiGroups, resources, verbs }) => ({
        apiGroups: [...apiGroups],
        resources: [...resources],
        verbs: [...verbs],
      })),
    },
  ],
  priorityClasses: ["system-node-critical"],
  serviceCIDRs: ["10.96.0.0/16"],
  apiServers: ["192.0.2.10"],
  otherDaemonSets: [],
  controllers: [],
  staticPods: [],
  dataPlanes: [],
  denied: [],
};

/** The same cluster as an `up` of these arguments leaves it. */
export function applied(args: Partial<Plain> = {}, facts: Partial<ClusterFacts> = {}): ClusterFacts {
  const count = facts.nodes?.length ?? 3;
  const { daemonSets, configMaps } = factsAfter({ ...plain, ...args }, nodes(count));
  const rolledOut = daemonSets.map((one) => ({ ...one, updated: count, observed: true }));
  return { ...well, daemonSets: rolledOut, configMaps, ...facts };
}

/** What else decides what an `up` wants. */
export interface Wishes {
  readonly held?: readonly string[];
  readonly running?: boolean;
  readonly preview?: boolean;
  readonly secret?: boolean;
  readonly snapshotIn?: SnapshotIn;
  readonly ignored?: Readonly<Record<string, string>>;
}

/** Runs the checks before an `up` of these arguments. */
export function check(
  args: Partial<Plain>,
  facts: Partial<ClusterFacts>,
  wishes: Wishes = {},
  standard: ClusterFacts = well,
) {
  const settings = { ...plain, ...args };
  const { held = [], running = true, preview = false, secret = false, snapshotIn, ignored = {} } = wishes;
  const { waves } = planOf(settings);
  const all = { ...standard, ...facts };
  const always = { verify: true, restartsNodes: false };
  const wish = { settings, waves, held, running, ...always, snapshotIn, preview, secret };
  return run(all, intentOf(wish, all), ignored);
}

/** What {@link check} says, each line as `error NAME: ...` or `warning NAME: ...`. */
export function findings(args: Partial<Plain>, facts: Partial<ClusterFacts>, wishes: Wishes = {}): string[] {
  const { problems, warnings } = check(args, facts, wishes);
  return [
    ...problems.map(({ path, accepted }) => `error ${path}: ${accepted}`),
    ...warnings.map((warning) => `warning ${warning}`),
  ];
}

/** Names of all checks. */
export const names = checks.map(({ name }) => name);

/** Arguments and what the cluster has: whatever else it has is {@link well}. */
export type Case = readonly [args: Partial<Plain>, facts: Partial<ClusterFacts>, wishes?: Wishes];

/** For a check: where it fires and with which words, and where it is silent although something is near. */
export interface Cases {
  readonly fires: readonly (readonly [expected: RegExp, ...Case])[];
  readonly silent: readonly Case[];
}

/** Tests that checks fire where they should and only there. */
export function testCases(table: Readonly<Record<string, Cases>>): void {
  for (const [name, { fires, silent }] of Object.entries(table)) {
    const own = (found: readonly string[]) =>
      found.filter((line) => line.replace(/^\w+ /, "").startsWith(`${name}: `));
    test(name, () => {
      assert.ok(names.includes(name), "there is no such check");
      for (const [expected, ...given] of fires) {
        const found = findings(...given);
        assert.ok(
          own(found).some((line) => expected.test(line)),
          `${expected} in:\n${found.join("\n") || "nothing"}`,
        );
      }
      for (const given of silent) {
        assert.deepEqual(own(findings(...given)), []);
      }
    });
  }
}

const [, ...others] = nodes(3);

/** Three nodes, of which something is different on the first. */
export function withFirst(more: Partial<NodeFacts>): NodeFacts[] {
  return [...nodes(1).map((node) => ({ ...node, ...more })), ...others];
}

/** What a kubelet says of itself, with something different. */
export function system(more: Partial<NodeSystemFacts>): Pick<NodeFacts, "system"> {
  return {
    system: { kubelet: "v1.37.2", kernel: "6.12.0-kwok", os: "linux", architecture: "amd64", ...more },
  };
}

/** A new token. */
export const restart = { restart: "2" };
