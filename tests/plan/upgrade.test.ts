import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { argsShape, checkArgs } from "../../components/args.ts";
import { fieldsOf } from "../../components/configuration/fields.ts";
import { readYaml } from "../../components/configuration/readYaml.ts";
import { at } from "../../components/configuration/render.ts";
import { settingsOfCluster } from "../../components/kubeadm/clusterConfiguration.ts";
import { minors } from "../../components/kubeadm/minors.ts";
import { unusedSettings } from "../../components/kubeadm/unused.ts";
import { changesOf } from "../../components/plan/changes.ts";
import { configMapOf, liveOf } from "../../components/plan/drift.ts";
import { type Plain, planOf } from "../../components/plan/plan.ts";
import { factsAfter, foretold } from "./facts.ts";

const endpoint = { controlPlaneEndpoint: "192.0.2.10:6443", podSubnet: "10.244.0.0/16" };
const nodes = [{ name: "a", labels: { "kubernetes.io/os": "linux" }, taints: [], ready: "True" }];
const withVersion = (kubernetesVersion: string, more: Partial<Plain> = {}): Plain => ({
  ...endpoint,
  kubernetesVersion,
  ...more,
});

/** What the preview says of a move from one set of arguments to another. */
function moved(from: Plain, to: Plain): string[] {
  const facts = factsAfter(from, nodes);
  const [wave] = planOf(to, facts).waves;
  const live = liveOf(wave, facts);
  assert.ok(live);
  return changesOf(wave, live, configMapOf(wave, facts));
}

/** What changes beside the image's tag when a minor is left behind, in the order in which it is told. */
const steps: Readonly<Record<number, RegExp[]>> = {
  16: [/^configuration: 1 fewer at their defaults$/],
  17: [/^configuration: 15 written otherwise, at their defaults$/],
  18: [
    /^nodeSelector: without beta\.kubernetes\.io\/os=linux, with kubernetes\.io\/os=linux$/,
    /^configuration: 5 more at their defaults$/,
  ],
  19: [/^configuration: 1 more at their defaults$/],
  22: [/^tolerations: without \{"key":"CriticalAddonsOnly","operator":"Exists"\}$/],
  24: [/^configuration: 4 more at their defaults$/],
  26: [/^configuration: 1 more at their defaults, 1 fewer at their defaults$/],
  28: [/^configuration: 3 more at their defaults$/],
  29: [/^configuration: 7 more at their defaults$/],
  30: [/^configuration: 1 more at their defaults$/],
  37: [/^configuration: mode "" -> iptables$/],
};

suite("a changed kubernetesVersion says what moves with it", () => {
  for (const { minor } of minors.slice(1)) {
    test(`1.${minor - 1} to 1.${minor}`, () => {
      const [image, ...others] = moved(withVersion(`v1.${minor - 1}.0`), withVersion(`v1.${minor}.0`));
      const registry = (of: number) => (of < 25 ? "k8s.gcr.io" : "registry.k8s.io");
      assert.equal(
        image,
        `image ${registry(minor - 1)}/kube-proxy:v1.${minor - 1}.0 -> ${registry(minor)}/kube-proxy:v1.${minor}.0`,
      );
      const expected = steps[minor] ?? [];
      assert.equal(others.length, expected.length, others.join("; "));
      expected.forEach((pattern, index) => {
        assert.match(others[index] ?? "", pattern);
      });
    });

    test(`1.${minor} back to 1.${minor - 1}: the same, the other way round`, () => {
      const back = moved(withVersion(`v1.${minor}.0`), withVersion(`v1.${minor - 1}.0`));
      assert.equal(back.length, 1 + (steps[minor] ?? []).length, back.join("; "));
      for (const [from, to] of [
        [minor, minor - 1],
        [37, minor - 1],
      ] as const) {
        const facts = factsAfter(withVersion(`v1.${from}.0`, { configuration: { mode: "iptables" } }), nodes);
        assert.deepEqual(checkArgs(argsShape, { ...withVersion(`v1.${to}.0`) }, facts), []);
      }
    });
  }

  test("in the preview, below what happens to the pods", () => {
    const facts = factsAfter(withVersion("v1.21.14"), nodes);
    const { lines } = foretold(withVersion("v1.25.3"), facts, "3m");
    assert.deepEqual(lines, [
      "DaemonSet kube-proxy is changed in place, at most 1 of 1 node at a time; waits up to 3m.",
      "DaemonSet kube-proxy changes: image k8s.gcr.io/kube-proxy:v1.21.14 -> registry.k8s.io/kube-proxy:v1.25.3; " +
        'tolerations: without {"key":"CriticalAddonsOnly","operator":"Exists"}; ' +
        "configuration: 4 more at their defaults.",
    ]);
  });

  test("a patch moves the tag alone; the registry, too, where it was changed in a patch", () => {
    assert.deepEqual(moved(withVersion("v1.37.1"), withVersion("v1.37.2")), [
      "image registry.k8s.io/kube-proxy:v1.37.1 -> registry.k8s.io/kube-proxy:v1.37.2",
    ]);
    assert.deepEqual(moved(withVersion("v1.23.14"), withVersion("v1.23.15")), [
      "image k8s.gcr.io/kube-proxy:v1.23.14 -> registry.k8s.io/kube-proxy:v1.23.15",
    ]);
  });

  test("a pre-release and a build are tags of their own", () => {
    assert.deepEqual(moved(withVersion("v1.37.0-rc.1+abc"), withVersion("v1.37.0")), [
      "image registry.k8s.io/kube-proxy:v1.37.0-rc.1_abc -> registry.k8s.io/kube-proxy:v1.37.0",
    ]);
  });

  test("nothing, where the image is the user's and the minor brings nothing", () => {
    const more = { image: "example.com/p:1" };
    assert.deepEqual(moved(withVersion("v1.34.0", more), withVersion("v1.35.0", more)), []);
  });

  test("the server that somebody else wrote is told without its user and password, and taken over so", () => {
    const facts = factsAfter(withVersion("v1.37.2"), nodes);
    const [wave] = planOf(withVersion("v1.37.2"), facts).waves;
    const [live, configMap] = [liveOf(wave, facts), configMapOf(wave, facts)];
    assert.ok(live && configMap);
    const kubeconfig = (configMap.data["kubeconfig.conf"] ?? "").replace(
      "192.0.2.10",
      "me:hidden@192.0.2.20",
    );
    const edited = { ...configMap, data: { ...configMap.data, "kubeconfig.conf": kubeconfig } };
    assert.deepEqual(changesOf(wave, live, edited), [
      "server https://192.0.2.20:6443 -> https://192.0.2.10:6443",
    ]);
    assert.equal(settingsOfCluster(undefined, kubeconfig).settings.controlPlaneEndpoint, "192.0.2.20:6443");
  });

  test("a key that stands twice in kubeadm-config is a problem", () => {
    const text =
      "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nclusterName: a\nclusterName: a\n";
    assert.deepEqual(
      settingsOfCluster(text, undefined).problems.map(({ path }) => path),
      ["ConfigMap kube-system/kubeadm-config, ClusterConfiguration.clusterName"],
    );
  });

  test("what else can change in place is told by what it was and what it is", () => {
    const before = withVersion("v1.37.2", {
      env: [
        { name: "GONE", value: "" },
        { name: "HTTPS_PROXY", value: "http://user:before@proxy" },
      ],
      resources: { requests: { cpu: "100m" } },
      configuration: { mode: "nftables", iptables: { syncPeriod: "30s" } },
    });
    const after = withVersion("v1.37.2", {
      controlPlaneEndpoint: "api.example.com",
      tolerations: [],
      imagePullSecrets: ["registry"],
      env: [
        { name: "HTTPS_PROXY", value: "http://user:password@proxy" },
        { name: "NEW", value: "1" },
      ],
      configuration: { mode: "iptables" },
    });
    assert.deepEqual(moved(before, after), [
      'tolerations: without {"operator":"Exists"}',
      'imagePullSecrets: with {"name":"registry"}',
      'resources: without requests={"cpu":"100m"}',
      "env: without GONE, with NEW, another value of HTTPS_PROXY",
      "configuration: mode nftables -> iptables, 1 written otherwise, at their defaults",
      "server https://192.0.2.10:6443 -> https://api.example.com:6443",
    ]);
  });
});

suite("a move drops nothing that the user wrote", () => {
  const texts = fc.constantFrom("30s", "1m0s", "rr");
  /** Some fields of the minor's configuration, by their paths. */
  const configuration = (minor: number) => {
    const durations = fieldsOf(minor).filter(({ kind, path }) => kind === "duration" && path.includes("."));
    return fc.dictionary(fc.constantFrom(...durations.map(({ path }) => path)), texts, { maxKeys: 4 });
  };
  const settings = fc.record(
    {
      nodeSelector: fc.constant({ zone: "a" }),
      tolerations: fc.constant<Plain["tolerations"]>([{ key: "mine", operator: "Exists" }]),
      imageRepository: fc.constant("registry.example.com/k8s"),
      resources: fc.constant({ limits: { memory: "64Mi" } }),
      env: fc.constant<Plain["env"]>([{ name: "MINE", value: "1" }]),
      featureGates: fc.constant({ IPv6DualStack: true }),
    },
    { requiredKeys: [] },
  );
  const nested = (flat: Record<string, string>) => {
    const tree: Record<string, Record<string, string>> = {};
    for (const [path, value] of Object.entries(flat)) {
      const [section = "", field = ""] = path.split(".");
      tree[section] = { ...tree[section], [field]: value };
    }
    return tree;
  };

  /** Everything is in the objects, or refused by its name, or said to have no effect. */
  function assertKept(plain: Plain, flat: Record<string, string>): void {
    const problems = checkArgs(argsShape, { ...plain }, undefined).map(({ path }) => path);
    const missing = Object.keys(flat).filter((path) => !problems.includes(`configuration.${path}`));
    if (problems.length > 0) {
      assert.ok(
        problems.every((path) => /^configuration\b/.test(path)),
        problems.join(),
      );
      return;
    }
    const [{ configMap, daemonSet }] = planOf(plain).waves;
    const rendered = readYaml(configMap.data["config.conf"])[0]?.value as object;
    assert.deepEqual(
      missing.filter((path) => at(rendered, path) !== flat[path] && at(rendered, path) !== "30s"),
      [],
    );
    const { spec } = daemonSet.spec.template;
    const [container] = spec.containers;
    const written = JSON.stringify([spec.nodeSelector, spec.tolerations, container]);
    for (const [key, text] of Object.entries({
      nodeSelector: '"zone":"a"',
      tolerations: '[{"key":"mine","operator":"Exists"}]',
      imageRepository: "registry.example.com/k8s/kube-proxy:v1.",
      resources: '"memory":"64Mi"',
      env: '"MINE"',
    })) {
      assert.ok(!(key in plain) || written.includes(text), `${key} is lost`);
    }
    if (plain.featureGates !== undefined) {
      const isSaid = unusedSettings(plain).some((line) => line.startsWith("featureGates.IPv6DualStack "));
      assert.notEqual(isSaid, at(rendered, "featureGates.IPv6DualStack") === true);
    }
  }

  for (const { minor } of minors.slice(1)) {
    test(`between 1.${minor - 1} and 1.${minor}, in both directions`, () => {
      for (const [from, to] of [
        [minor - 1, minor],
        [minor, minor - 1],
      ] as const) {
        fc.assert(
          fc.property(settings, configuration(from), (chosen, flat) => {
            const more = Object.keys(flat).length === 0 ? {} : { configuration: nested(flat) };
            assertKept(withVersion(`v1.${to}.0`, { ...chosen, ...more } as Partial<Plain>), flat);
          }),
          { numRuns: 25 },
        );
      }
    });
  }

  test("a field that the new minor lacks is refused by its name", () => {
    const [problem] = checkArgs(
      argsShape,
      { ...withVersion("v1.26.0"), configuration: { udpIdleTimeout: "1s" } },
      undefined,
    );
    assert.equal(problem?.path, "configuration.udpIdleTimeout");
    assert.match(problem.accepted, /was removed after Kubernetes 1\.25/);
  });

  test("what only an earlier kubeadm hands on is said to have no effect", () => {
    const featureGates = { IPv6DualStack: true, Other: true };
    assert.deepEqual(unusedSettings(withVersion("v1.23.0", { featureGates })), []);
    assert.match(
      unusedSettings(withVersion("v1.24.0", { featureGates })).join(),
      /^featureGates\.IPv6DualStack has no effect: .* from 1\.16 to 1\.23 only, not in 1\.24\. Take it out\.$/,
    );
    const configuration = { bindAddress: "192.0.2.1" };
    assert.match(
      unusedSettings(withVersion("v1.15.0", { configuration })).join(),
      /bindAddress has no effect/,
    );
    assert.deepEqual(unusedSettings(withVersion("v1.16.0", { configuration })), []);
  });
});

suite("a downgrade below what runs", () => {
  const running = factsAfter(withVersion("v1.31.0", { configuration: { mode: "nftables" } }), nodes);
  const check = (version: string, facts = running) =>
    checkArgs(argsShape, { ...withVersion(version) }, facts);

  test("is refused where it does not know the mode", () => {
    const [problem, ...more] = check("v1.28.0");
    assert.deepEqual(more, []);
    assert.equal(problem?.path, "kubernetesVersion");
    assert.match(
      problem.accepted,
      /^v1\.29 or later as long as mode nftables runs, .* configuration\.mode first/,
    );
  });

  test("is none where it does, and where another mode runs", () => {
    assert.deepEqual(check("v1.29.0"), []);
    assert.deepEqual(check("v1.28.0", factsAfter(withVersion("v1.31.0"), nodes)), []);
    for (const text of ["a: [", "", "mode: userspace", "mode: {toString: 1}"]) {
      const configMaps = [{ name: "kube-proxy", resourceVersion: "1", data: { "config.conf": text } }];
      assert.deepEqual(check("v1.28.0", { ...running, configMaps }), []);
    }
  });
});
