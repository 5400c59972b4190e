import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { argsShape, checkArgs } from "../../components/args.ts";
import type { ClusterFacts } from "../../components/index.ts";
import { rightsIn } from "../../components/kubeadm/hardening.ts";
import { configHash } from "../../components/kubeadm/manifests.ts";
import { isDone } from "../../components/plan/forecast.ts";
import { immutableName, mountOf, pinNotice } from "../../components/plan/immutable.ts";
import { switchOf } from "../../components/plan/modeSwitch.ts";
import { type Plain, planOf } from "../../components/plan/plan.ts";
import { factsAfter, foretold } from "./facts.ts";

const base = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10" };
const plain: Plain = { ...base, immutableConfig: true };
const node = (name: string, labels = {}) => ({
  name,
  labels: { "kubernetes.io/os": "linux", ...labels },
  taints: [],
  ready: "True",
});
const nodes = [node("a", { pool: "canary" }), node("b")];
const numbered = (qps: number, more: Partial<Plain> = {}): Plain => ({
  ...plain,
  configuration: { clientConnection: { qps } },
  ...more,
});
const nameOf = (settings: Plain) => immutableName(planOf(settings).objects.configMap.data);
const namesIn = (settings: Plain, facts?: ClusterFacts, held: string[] = []) =>
  planOf(settings, facts, { held })
    .immutables.map(({ metadata }) => metadata.name)
    .sort();
const names = (...numbers: number[]) => numbers.map((one) => nameOf(numbered(one))).sort();

/** A cluster that has seen these configurations, one after the other. */
function history(numbers: readonly number[], more: Partial<Plain> = {}): ClusterFacts {
  const [first = 1, ...others] = numbers;
  return others.reduce(
    (facts, one) => factsAfter(numbered(one, more), nodes, facts),
    factsAfter(numbered(first, more), nodes),
  );
}

const pools = [
  { name: "canary", nodeSelector: { pool: "canary" } },
  { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["canary"] }] },
];

suite("an immutable configuration", () => {
  test("is what pods mount, has the hash of what it holds in its name, and ConfigMap kube-proxy holds the same", () => {
    const { objects, waves, immutables } = planOf(plain);
    const [{ daemonSet, configMap }] = waves;
    const hash = configHash(objects.configMap.data);
    assert.deepEqual(immutables, [
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: {
          name: `kube-proxy-${hash.slice(7, 17)}`,
          namespace: "kube-system",
          labels: { app: "kube-proxy", "kube-proxy/config": "immutable" },
        },
        immutable: true,
        data: objects.configMap.data,
      },
    ]);
    assert.equal(mountOf(daemonSet), immutables[0]?.metadata.name);
    assert.deepEqual(configMap, objects.configMap);
  });

  test("is none unless it is asked for, and changes nothing else then", () => {
    const { waves, immutables } = planOf(base);
    assert.deepEqual(immutables, []);
    assert.equal(mountOf(waves[0].daemonSet), "kube-proxy");
    assert.deepEqual(planOf(base).objects, planOf(plain).objects);
  });

  test("has the user's labels and annotations", () => {
    const metadata = { labels: { team: "network" }, annotations: { "example.com/a": "b" } };
    const [one] = planOf({ ...plain, metadata }).immutables;
    assert.equal(one?.metadata.labels?.["team"], "network");
    assert.deepEqual(one.metadata.annotations, metadata.annotations);
  });

  test("is one for all pools that have the same, each of which keeps a ConfigMap of its own name", () => {
    const other = [
      pools[0] as (typeof pools)[0],
      { ...pools[1], name: "rest", configuration: { mode: "nftables" } },
    ];
    assert.equal(planOf({ ...plain, pools }).immutables.length, 1);
    const { waves, immutables } = planOf({ ...plain, pools: other });
    assert.deepEqual(
      waves.map(({ daemonSet }) => mountOf(daemonSet)),
      immutables.map(({ metadata }) => metadata.name),
    );
    assert.deepEqual(
      waves.map(({ configMap }) => configMap.metadata.name),
      ["kube-proxy-canary", "kube-proxy-rest"],
    );
  });
});

suite("earlier configurations", () => {
  test("stay, the newest of them, as many as configHistory says", () => {
    const facts = history([1, 2, 3, 4, 5]);
    assert.deepEqual(namesIn(numbered(5), facts), names(2, 3, 4, 5));
    assert.deepEqual(namesIn(numbered(5, { configHistory: 1 }), facts), names(4, 5));
    assert.deepEqual(namesIn(numbered(6, { configHistory: 2 }), facts), names(4, 5, 6));
  });

  test("that pods still mount count first, so that the next update finds nothing to remove", () => {
    const back = factsAfter(numbered(1), nodes, history([1, 2, 3]));
    const settings = numbered(9, { configHistory: 2 });
    const wanted = names(1, 3, 9);
    assert.deepEqual(namesIn(settings, back), wanted);
    assert.deepEqual(namesIn(settings, factsAfter(settings, nodes, back)), wanted);
  });

  test("that are mounted by a DaemonSet which gives its pods to pools stay until it has", () => {
    const back = factsAfter(numbered(1), nodes, history([1, 2, 3]));
    assert.deepEqual(namesIn(numbered(9, { pools, configHistory: 1 }), back), names(1, 9));
  });

  test("that a pool mounts which stays as it is are no history", () => {
    const old = history([1, 2], { pools });
    const settings = numbered(3, { pools, configHistory: 1 });
    assert.deepEqual(namesIn(settings, old, ["rest"]), names(1, 2, 3));
    assert.deepEqual(namesIn({ ...settings, immutableConfig: false }, old, ["rest"]), names(2));
    assert.deepEqual(namesIn({ ...settings, immutableConfig: false }, old), []);
  });

  test("that hold something else than their name says are none", () => {
    const facts = history([1, 2]);
    const forged = facts.immutableConfigs?.map((one) => ({
      ...one,
      data: { ...one.data, "config.conf": "mode: ipvs" },
    }));
    assert.deepEqual(namesIn(numbered(2), { ...facts, immutableConfigs: forged ?? [] }), names(2));
  });
});

suite("configHash", () => {
  const facts = history([1, 2]);
  const hash = configHash(planOf(numbered(1)).objects.configMap.data);
  const problems = (more: object, known = facts) =>
    checkArgs(argsShape, { ...numbered(2), ...more }, { ...known, namespace: { uid: "1", labels: {} } }).map(
      ({ path, accepted }) => `${path}: ${accepted}`,
    );

  test("has a hardened kube-proxy have the rights of the mode that it goes back to", () => {
    const hardened = (mode: "iptables" | "nftables", more: Partial<Plain> = {}): Plain => ({
      ...plain,
      ...{ hardened: true, configuration: { mode } },
      ...more,
    });
    const old = configHash(planOf(hardened("iptables")).objects.configMap.data);
    const ran = factsAfter(hardened("nftables"), nodes, factsAfter(hardened("iptables"), nodes));
    const [wave] = planOf(hardened("nftables", { configHash: old }), ran).waves;
    const [container] = wave.daemonSet.spec.template.spec.containers;
    assert.deepEqual(container.securityContext, rightsIn("iptables"));
    const [plainWave] = planOf({ ...plain, configHash: old }, ran).waves;
    assert.deepEqual(plainWave.daemonSet.spec.template.spec.containers[0].securityContext, {
      privileged: true,
    });
  });

  test("puts an earlier configuration in force, in ConfigMap kube-proxy as well, by whatever of it is given", () => {
    for (const given of [hash, hash.slice(7), hash.slice(7, 17)]) {
      assert.deepEqual(problems({ configHash: given }), []);
      const { objects, waves } = planOf(numbered(2, { configHash: given }), facts);
      assert.equal(configHash(objects.configMap.data), hash);
      assert.equal(configHash(waves[0].configMap.data), hash);
      assert.equal(mountOf(waves[0].daemonSet), nameOf(numbered(1)));
    }
  });

  test("that is in force stays so when somebody deletes its ConfigMap: kube-proxy holds the same", () => {
    const pin = { configHash: hash };
    const known = factsAfter(numbered(2, pin), nodes, facts);
    const gone = { ...known, immutableConfigs: [] };
    assert.deepEqual(problems(pin, gone), []);
    assert.deepEqual(namesIn(numbered(2, pin), gone), names(1));
  });

  test("takes kubeadm's hash of another content away, by which kubeadm would take it for its own", () => {
    const annotation = "kubeadm.kubernetes.io/component-config.hash";
    const annotationsOf = (settings: Plain) => planOf(settings, facts).objects.configMap.metadata.annotations;
    assert.ok(annotationsOf(plain)?.[annotation]);
    assert.equal(annotationsOf({ ...plain, configHash: hash }), undefined);
    const own = factsAfter(plain, nodes);
    const same = configHash(planOf(plain).objects.configMap.data);
    assert.equal(
      planOf({ ...plain, configHash: same }, own).objects.configMap.metadata.annotations?.[annotation],
      same,
    );
  });

  test("that is not kept is refused, with those that are and when they were made", () => {
    const [problem = "", ...others] = problems({ configHash: "0123456789" });
    assert.deepEqual(others, []);
    assert.match(problem, /^configHash: the hash of one of these configurations, which are kept: /);
    assert.ok(problem.includes(`${hash} of 2026-11-23T10:00:00Z`));
    assert.match(
      problems({ configHash: hash }, factsAfter(base, nodes)).join(),
      /no configuration is kept yet/,
    );
  });

  test("that is none, and one without immutableConfig or beside a pool's own configuration, is refused", () => {
    assert.match(problems({ configHash: "latest" }).join(), /^configHash: a hash as in annotation/);
    assert.match(
      problems({ configHash: hash, immutableConfig: false }).join(),
      /^configHash: nothing without immutableConfig: true/,
    );
    const own = [pools[0], { ...pools[1], configuration: { mode: "nftables" } }];
    assert.match(
      problems({ configHash: hash, pools: own }).join(),
      /^configHash: nothing as long as pools\[1\] has/,
    );
  });

  test("of what the wanted version refuses is refused", () => {
    const old = { ...plain, configuration: { mode: "nftables" } };
    const known = factsAfter(old, nodes);
    const given = {
      configHash: configHash(planOf(old).objects.configMap.data),
      configuration: undefined,
      kubernetesVersion: "v1.28.0",
    };
    assert.ok(problems(given, known).some((line) => line.startsWith("configHash, mode of kube-proxy-")));
  });
});

test("API servers that do not know immutable ConfigMaps are not given any", () => {
  const problems = (kubernetesVersion: string) =>
    checkArgs(argsShape, { ...plain, kubernetesVersion }, undefined).map(
      ({ path, accepted }) => `${path}: ${accepted}`,
    );
  assert.deepEqual(problems("v1.18.0"), [
    "immutableConfig: false with kubernetesVersion v1.18.0: API servers know immutable ConfigMaps since 1.19",
  ]);
  assert.deepEqual(problems("v1.19.0"), []);
});

test("a version that does not know the mode which is mounted is refused, whatever ConfigMap kube-proxy holds", () => {
  const known = factsAfter({ ...plain, configuration: { mode: "nftables" } }, nodes);
  const facts = {
    ...{ ...known, configMaps: factsAfter(plain, nodes).configMaps },
    namespace: { uid: "1", labels: {} },
  };
  const paths = checkArgs(argsShape, { ...plain, kubernetesVersion: "v1.28.0" }, facts).map(
    ({ path }) => path,
  );
  assert.deepEqual(paths, ["kubernetesVersion"]);
});

test("what kubeadm has installed is taken over with a restart, which is told", () => {
  const { configMap, daemonSet, ...others } = planOf(base).objects;
  const found = { nodes, daemonSets: [], configMaps: [], helpers: [] };
  const facts = { ...found, objects: JSON.stringify([configMap, daemonSet, ...Object.values(others)]) };
  const { takeOver, waves } = planOf(plain, facts, { adopt: true });
  assert.equal(takeOver?.keepsPods, false);
  assert.ok(takeOver.changes.some((line) => line.startsWith("immutableConfig: ")));
  assert.notEqual(mountOf(waves[0].daemonSet), "kube-proxy");
  assert.equal(planOf(base, facts, { adopt: true }).takeOver?.keepsPods, true);
});

suite("files beside the configuration", () => {
  const facts = factsAfter(base, nodes);
  const added = {
    ...facts,
    configMaps: facts.configMaps.map((one) => ({ ...one, data: { ...one.data, "more.conf": "x" } })),
    namespace: { uid: "1", labels: {} },
  };
  const problems = (more: object) =>
    checkArgs(argsShape, { ...base, ...more }, added).map(({ path, accepted }) => path + accepted);

  test("are refused as long as pods mount them: they would be without", () => {
    assert.match(
      problems({ immutableConfig: true }).join(),
      /^immutableConfigfalse as long as ConfigMap kube-proxy .*more\.conf/,
    );
    assert.deepEqual(problems({}), []);
    const mounted = factsAfter(plain, nodes).daemonSets;
    assert.deepEqual(
      checkArgs(argsShape, plain as object as Record<string, unknown>, { ...added, daemonSets: mounted }),
      [],
    );
  });
});

suite("what is told", () => {
  const facts = history([1, 2]);

  test("of a changed configuration: the ConfigMaps, and what differs from the one that is mounted", () => {
    // Whatever ConfigMap kube-proxy holds.
    const { lines } = foretold(numbered(3), { ...facts, configMaps: history([7]).configMaps }, "12m");
    const [from, to] = [nameOf(numbered(2)), nameOf(numbered(3))];
    assert.ok(
      lines.some(
        (line) => line.includes(`ConfigMap ${from} -> ${to}`) && line.includes("clientConnection.qps 2 -> 3"),
      ),
      lines.join("\n"),
    );
    assert.ok(!lines.some((line) => line.includes("volumes")));
  });

  test("of one that is gone, or not what its name says: it is made again, and what that means", () => {
    const wave = planOf(numbered(2), facts).waves[0];
    assert.equal(isDone(wave, facts), true);
    const gone = { ...facts, immutableConfigs: [] };
    const other = {
      ...facts,
      immutableConfigs: (facts.immutableConfigs ?? []).map((one) => ({
        ...one,
        data: { "config.conf": "" },
      })),
    };
    for (const [known, what] of [
      [gone, "is gone"],
      [other, "holds something else than its name says"],
    ] as const) {
      const { lines, warnings } = foretold(numbered(2), known, "12m");
      assert.deepEqual(lines, []);
      assert.equal(warnings.length, 1);
      assert.match(
        warnings[0] ?? "",
        new RegExp(
          `^ConfigMap ${nameOf(numbered(2))}, which DaemonSet kube-proxy mounts, ${what}: it is made again\\.`,
        ),
      );
      assert.equal(isDone(wave, known), false);
    }
    assert.deepEqual(foretold(numbered(3), gone, "12m").warnings, [], "pods are about to leave it");
  });

  test("of a configHash, as long as the settings make another configuration", () => {
    const [own, other] = [1, 2].map((one) => configHash(planOf(numbered(one)).objects.configMap.data));
    const notice = (settings: Plain) => pinNotice(settings, planOf(settings, facts).objects.configMap);
    assert.equal(
      notice(numbered(2, { configHash: own ?? "" })),
      `configHash: the configuration ${own ?? ""} is in force; that of the other settings, ${other ?? ""}, comes with the next update without configHash.`,
    );
    assert.equal(notice(numbered(1, { configHash: own ?? "" })), undefined);
    assert.equal(notice(numbered(2)), undefined);
  });

  test("of ConfigMap kube-proxy, which others have changed: no kube-proxy mounts it", () => {
    const changed = {
      ...facts,
      configMaps: facts.configMaps.map((one) => ({ ...one, data: { ...one.data, "config.conf": "" } })),
    };
    assert.match(
      foretold(numbered(2), changed, "12m").warnings.join(),
      /changed back; no kube-proxy mounts it/,
    );
  });

  test("of a switch between modes, by the configuration that is mounted and the one that is pinned", () => {
    const nftables: Plain = { ...plain, configuration: { mode: "nftables" } };
    const known = factsAfter(nftables, nodes, factsAfter(plain, nodes));
    const wanted = (settings: Plain) => planOf(settings, known).waves[0];
    // An update that was interrupted has written ConfigMap kube-proxy, and no pod has read it.
    const interrupted = { ...known, configMaps: factsAfter(plain, nodes).configMaps };
    assert.deepEqual(switchOf(wanted(plain), interrupted), { from: "nftables", to: "iptables" });
    const hash = configHash(planOf(plain).objects.configMap.data);
    assert.deepEqual(switchOf(wanted({ ...nftables, configHash: hash }), known), {
      from: "nftables",
      to: "iptables",
    });
    assert.equal(switchOf(wanted(nftables), known), undefined);
  });
});

test("what a DaemonSet mounts is read of whatever somebody has written there", () => {
  const mounts = (volumes: unknown) => mountOf({ spec: { template: { spec: { volumes } } } });
  assert.equal(mounts([null, { name: "kube-proxy", configMap: { name: "a" } }]), "a");
  for (const volumes of [undefined, null, {}, "x", [], [{ name: "kube-proxy" }]]) {
    assert.equal(mounts(volumes), undefined);
  }
  assert.equal(mounts([{ name: "kube-proxy", configMap: { name: 5 } }]), undefined);
  assert.equal(mountOf({ spec: {} }), undefined);
});
