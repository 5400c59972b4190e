import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { KubeProxy, type KubeProxyArgs } from "../../components/index.ts";
import { kubeProxyObjects } from "../../components/kubeadm/manifests.ts";
import { factsAfter, objectsAfter } from "../plan/facts.ts";
import { registrationsOf } from "./registration.ts";

const plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const node = { name: "a", labels: { "kubernetes.io/os": "linux" }, taints: [], ready: "True" };
const facts = factsAfter(plain, [node]);

/** What the component says, by level. */
async function said(
  t: TestContext,
  more: Partial<KubeProxyArgs>,
): Promise<Record<"info" | "warn", string[]>> {
  const lines: Record<"info" | "warn", string[]> = { info: [], warn: [] };
  for (const level of ["info", "warn"] as const) {
    t.mock.method(pulumi.log, level, (line: string) => {
      lines[level].push(line);
      return Promise.resolve();
    });
  }
  await registrationsOf(() => new KubeProxy("kube-proxy", { ...plain, facts, ...more }));
  return lines;
}

suite("what KubeProxy says in a preview", () => {
  test("what changes, but no value when one of the arguments is a secret", async (t) => {
    const shown = await said(t, { configuration: { mode: "nftables" } });
    assert.match(shown.info.join(), /changes: configuration: mode iptables -> nftables/);
    const { info } = await said(t, { configuration: pulumi.secret({ mode: "nftables" }) });
    assert.match(info.join(), /is changed in place/);
    assert.doesNotMatch(info.join(), /nftables/);
  });

  const changed = { configuration: { mode: "nftables" } } as const;
  const cluster = (clusterConfiguration: string) => ({ facts: { ...facts, clusterConfiguration } });

  test("that kubeadm will write, in one line, until it is told not to", async (t) => {
    const notices = async (text: string): Promise<Record<"info" | "warn", string[]>> => {
      const { info, warn } = await said(t, { ...changed, ...cluster(text) });
      const ofKubeadm = (lines: string[]) => lines.filter((line) => line.startsWith("kubeadm "));
      return { info: ofKubeadm(info), warn: ofKubeadm(warn) };
    };
    const { info, warn } = await notices("kubernetesVersion: v1.37.2");
    assert.deepEqual(info, []);
    assert.equal(warn.length, 1);
    assert.match(warn[0] ?? "", /^kubeadm overwrites kube-proxy with the next upgrade/);
    const old = await notices("kubernetesVersion: v1.30.1");
    assert.deepEqual([old.info.length, old.warn.length], [1, 0]);
    const disabled = "kubernetesVersion: v1.37.2\nproxy: {disabled: true}";
    assert.deepEqual(await notices(disabled), { info: [], warn: [] });
    assert.doesNotMatch((await said(t, changed)).warn.join(), /kubeadm/, "no kubeadm here");
    const pools = [{ name: "all" }];
    const pooled = {
      ...factsAfter({ ...plain, pools }, [node]),
      clusterConfiguration: "kubernetesVersion: v1.37.2",
    };
    const { warn: ofPools } = await said(t, { pools, ...changed, facts: pooled });
    assert.ok(ofPools.some((line) => line.startsWith("kubeadm makes a DaemonSet kube-proxy beside")));
  });

  suite("that, and where the settings come from,", () => {
    const clusterConfiguration = "kubernetesVersion: v1.37.2";
    const remarks = ["The cluster's own settings are used:\n  podSubnet 10.244.0.0/16, from somewhere"];
    const settled = { ...facts, clusterConfiguration, objects: objectsAfter(plain) };
    const all = async (t: TestContext, more: Partial<KubeProxyArgs>) => {
      const { info, warn } = await said(t, { remarks, facts: settled, ...more });
      return [...info, ...warn];
    };
    const told = async (t: TestContext, more: Partial<KubeProxyArgs>) => {
      const lines = await all(t, more);
      assert.equal(lines.filter((line) => remarks.includes(line)).length, 1, lines.join("\n"));
      assert.equal(lines.filter((line) => line.startsWith("kubeadm ")).length, 1, lines.join("\n"));
    };

    test("is not said where nothing changes", async (t) => {
      assert.deepEqual(await all(t, {}), []);
      const owner = "organization/kube-proxy/test";
      const daemonSets = facts.daemonSets.map((one) => {
        return { ...one, annotations: { ...one.annotations, "kube-proxy/owner": owner } };
      });
      const owned = { ...settled, daemonSets };
      const more = { adopt: true, owner, facts: owned, restartNodes: { nodes: ["a"] } };
      assert.deepEqual(await all(t, more), []);
    });

    test("is said where a state that was lost takes back what is there", async (t) => {
      await told(t, { adopt: true });
    });

    test("is said before the first update, a restart, a change, an end, and where the cluster is not known", async (t) => {
      const empty = { ...settled, daemonSets: [], configMaps: [], objects: "[]" };
      await told(t, { facts: empty });
      await told(t, { restart: "again" });
      await told(t, changed);
      await told(t, { metadata: { labels: { team: "net" } } });
      await told(t, { running: false });
      await told(t, { facts: { ...settled, unread: { nodes: "500" } } });
    });

    test("is said with a takeover", async (t) => {
      const { daemonSet, ...others } = kubeProxyObjects(plain);
      const objects = JSON.stringify([...Object.values(others), daemonSet]);
      const spec = structuredClone(daemonSet.spec);
      const live = facts.daemonSets.map((one) => ({ ...one, annotations: {}, spec, managers: ["kubeadm"] }));
      await told(t, { adopt: true, facts: { ...settled, daemonSets: live, objects } });
    });
  });

  test("what of the arguments has no effect with this version", async (t) => {
    const { warn } = await said(t, { featureGates: { IPv6DualStack: true } });
    assert.match(warn.join(), /^featureGates\.IPv6DualStack has no effect/);
  });
});
