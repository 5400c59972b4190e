import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { KubeProxy, type KubeProxyArgs } from "../../components/index.ts";
import { needingFacts } from "../../components/args.ts";
import { planOf } from "../../components/plan/plan.ts";
import { ownerAnnotation } from "../../components/restart/restart.ts";
import { factsAfter } from "../plan/facts.ts";
import { at, find, named, type Registration, registrationsOf } from "./registration.ts";

const plain = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10", immutableConfig: true };
const earlier = { ...plain, configuration: { mode: "nftables" } };
const before = factsAfter(plain, []);
const facts = factsAfter(earlier, [], before);
const nameOf = (args: typeof plain) => planOf(args).immutables[0]?.metadata.name ?? "";
const [first, second] = [nameOf(plain), nameOf(earlier)];

const declare = (more: Partial<KubeProxyArgs> = {}) =>
  registrationsOf(() => new KubeProxy("kube-proxy", { ...earlier, facts, ...more }));
const resource = (name: string) => name.replace("kube-proxy", "config");
const immutablesIn = (registrations: readonly Registration[]) =>
  registrations.filter(({ name }) => /^kube-proxy-config-[0-9a-f]{10}$/.test(name));
const names = (urns: readonly string[]) => urns.map((urn) => urn.split("::").at(-1));

suite("immutable ConfigMaps", () => {
  test("are a resource each, named by what they hold: the one in force, and the earlier ones with what they hold", async () => {
    const registrations = await declare();
    assert.deepEqual(
      immutablesIn(registrations)
        .map((one) => [one.name, at(one, "metadata", "name"), at(one, "immutable"), at(one, "data")])
        .sort(),
      [before, facts]
        .map(({ configMaps }, index) => {
          const name = [first, second][index] ?? "";
          return [`kube-proxy-${resource(name)}`, name, true, configMaps[0]?.data];
        })
        .sort(),
    );
    assert.deepEqual(at(named(registrations, "config-map"), "data"), facts.configMaps[0]?.data);
  });

  test("come after the snapshot and before the DaemonSet; the seal is above them", async () => {
    const registrations = await declare({ cluster: { id: "1" } });
    for (const name of [first, second].map((one) => `kube-proxy-${resource(one)}`)) {
      assert.ok(
        names(named(registrations, name.replace("kube-proxy-", "")).dependencies).includes(
          "kube-proxy-snapshot",
        ),
      );
      for (const above of ["daemon-set", "seal"])
        assert.ok(names(named(registrations, above).dependencies).includes(name), above);
    }
  });

  test("another configuration is another resource, which replaces none; the DaemonSet is as replaceable as before", async () => {
    const [one, other] = [await declare(), await declare({ configuration: { mode: "iptables" } })];
    const all = (registrations: readonly Registration[]) =>
      immutablesIn(registrations).map(({ name }) => name);
    assert.deepEqual(
      all(one).filter((name) => !all(other).includes(name)),
      [],
    );
    assert.deepEqual(find(other, "DaemonSet").replaceOnChanges, find(one, "DaemonSet").replaceOnChanges);
  });

  test("are none without the key, but for one that a pool mounts which is held", async () => {
    assert.deepEqual(immutablesIn(await declare({ immutableConfig: false })), []);
    const pools = [
      { name: "canary", nodeSelector: { pool: "canary" } },
      { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["canary"] }] },
    ];
    const held = await declare({
      ...{ pools, hold: ["rest"], immutableConfig: false },
      facts: factsAfter({ ...earlier, pools }, []),
    });
    assert.deepEqual(
      immutablesIn(held).map(({ name }) => name),
      [`kube-proxy-${resource(second)}`],
    );
  });

  test("of secret arguments are secret", async () => {
    const isSecretWith = async (podSubnet: pulumi.Input<string>) => {
      const seen: Promise<boolean>[] = [];
      // Mocks take no secrets: what is asked for is looked at before.
      const transformation: pulumi.ResourceTransformation = ({ name, props }) => {
        const { data } = props as { data?: pulumi.Output<unknown> };
        if (/-config-[0-9a-f]{10}$/.test(name) && data) seen.push(pulumi.isSecret(data));
        return undefined;
      };
      const args = { ...earlier, facts, podSubnet };
      await registrationsOf(() => new KubeProxy("kube-proxy", args, { transformations: [transformation] }));
      return [...new Set(await Promise.all(seen))];
    };
    assert.deepEqual(await isSecretWith(pulumi.secret("10.244.0.0/16")), [true]);
    assert.deepEqual(await isSecretWith("10.244.0.0/16"), [false]);
  });

  test("are taken back into a state that has lost them", async () => {
    const unclaimed = facts.daemonSets.map((one) => {
      const { [ownerAnnotation]: _, ...annotations } = one.annotations;
      return { ...one, annotations };
    });
    const registrations = await declare({
      adopt: true,
      owner: "me",
      facts: { ...facts, daemonSets: unclaimed },
    });
    for (const { name, importId } of immutablesIn(registrations))
      assert.equal(importId, `kube-system/${name.replace("kube-proxy-config", "kube-proxy")}`);
  });

  test("need what the cluster says: which earlier ones there are", () => {
    assert.deepEqual(needingFacts(earlier), ["immutableConfig"]);
    assert.deepEqual(needingFacts({ ...earlier, immutableConfig: false }), []);
  });
});
