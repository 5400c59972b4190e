import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { KubeProxy, type KubeProxyArgs } from "../../components/index.ts";
import { factsAfter } from "../plan/facts.ts";
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

  test("that kubeadm will write, in one line, until it is told not to", async (t) => {
    const cluster = (clusterConfiguration: string) => ({ facts: { ...facts, clusterConfiguration } });
    const { info, warn } = await said(t, cluster("kubernetesVersion: v1.37.2"));
    assert.deepEqual(info, []);
    assert.equal(warn.length, 1);
    assert.match(warn[0] ?? "", /^kubeadm overwrites kube-proxy with the next upgrade/);
    const old = await said(t, cluster("kubernetesVersion: v1.30.1"));
    assert.deepEqual([old.info.length, old.warn.length], [1, 0]);
    const disabled = "kubernetesVersion: v1.37.2\nproxy: {disabled: true}";
    assert.deepEqual(await said(t, cluster(disabled)), { info: [], warn: [] });
    assert.deepEqual(await said(t, {}), { info: [], warn: [] }, "no kubeadm here");
    const pools = [{ name: "all" }];
    const pooled = {
      ...factsAfter({ ...plain, pools }, [node]),
      clusterConfiguration: "kubernetesVersion: v1.37.2",
    };
    assert.match(
      (await said(t, { pools, facts: pooled })).warn.join(),
      /^kubeadm makes a DaemonSet kube-proxy beside/,
    );
  });

  test("what of the arguments has no effect with this version", async (t) => {
    const { warn } = await said(t, { featureGates: { IPv6DualStack: true } });
    assert.match(warn.join(), /^featureGates\.IPv6DualStack has no effect/);
  });
});
