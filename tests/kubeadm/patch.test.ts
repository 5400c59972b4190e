import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { readKubeadmConfig } from "../../components/kubeadm/configFile.ts";
import { marshal, type Yaml } from "../../components/configuration/goYaml.ts";
import { readYaml } from "../../components/configuration/readYaml.ts";
import { mapping } from "../../components/input/schema.ts";
import { kubeProxyObjects } from "../../components/kubeadm/manifests.ts";
import { minors } from "../../components/kubeadm/minors.ts";
import { type Operation, patchOf } from "../../components/kubeadm/patch.ts";
import { checkSettings, type Settings, settingsShape } from "../../components/kubeadm/settings.ts";
import {
  kubeadmPatch,
  patchProblems,
  patchWarnings,
  withSettings,
} from "../../components/plan/kubeadmPatch.ts";
import { type Plain, planOf } from "../../components/plan/plan.ts";
import { factsAfter } from "../plan/facts.ts";

const newest = minors.at(-1);
assert.ok(newest);
const kubernetesVersion = `v1.${newest.minor}.2`;
const base: Settings = { kubernetesVersion, controlPlaneEndpoint: "192.0.2.10:6443" };

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const key = fc.constantFrom("a/b", "a~b", "a/~1", "x", "y");
const metadata = fc.record(
  { labels: fc.dictionary(fc.constantFrom("x", "y", "a.b/c"), word), annotations: fc.dictionary(key, word) },
  { requiredKeys: [] },
);
const quantities = fc.dictionary(fc.constantFrom("cpu", "memory"), fc.constantFrom("1", "100m"));
const probe = fc.record({
  httpGet: fc.constant({ path: "/healthz", port: 10256 }),
  periodSeconds: fc.nat(9).map((n) => n + 1),
});
const volumes = fc.uniqueArray(
  fc.record({ name: word, emptyDir: fc.constantFrom({}, { medium: "Memory" }) }),
  { selector: ({ name }) => name, maxLength: 3 },
);

/** Whatever decides the DaemonSet, and the configuration. */
const chosen: fc.Arbitrary<Partial<Plain>> = fc.record(
  {
    imageRepository: fc.constantFrom("example.com/k8s", "registry.k8s.io"),
    image: fc.constantFrom("example.com/kube-proxy:v1", "example.com/proxy@sha256:" + "0".repeat(64)),
    imagePullSecrets: fc.array(word, { maxLength: 2 }),
    podSubnet: fc.constantFrom("10.244.0.0/16", "10.244.0.0/16,fd00:10:244::/56"),
    advertiseAddress: fc.constantFrom("192.0.2.10", "2001:db8::1"),
    configuration: fc.constantFrom({}, { mode: "nftables" }, { iptables: { minSyncPeriod: "2s" } }),
    nodeSelector: fc.dictionary(fc.constantFrom("zone", "kubernetes.io/arch"), word),
    tolerations: fc.array(fc.record({ key: word, operator: fc.constant("Exists") }), { maxLength: 3 }),
    resources: fc.record({ limits: quantities, requests: quantities }, { requiredKeys: [] }),
    updateStrategy: fc.record({
      rollingUpdate: fc.record({ maxUnavailable: fc.constantFrom("1", "3", "20%") }),
    }),
    env: fc.array(fc.record({ name: word, value: fc.string() }), { maxLength: 3 }),
    extraArgs: fc.array(fc.constantFrom("--v=4", "--v=5"), { maxLength: 2 }),
    podMetadata: metadata,
    excludeNodes: fc.array(fc.record({ key: word, operator: fc.constant("Exists") }), { maxLength: 2 }),
    priorityClassName: fc.constant("mine"),
    hostAliases: fc.array(fc.record({ ip: fc.constant("192.0.2.1"), hostnames: fc.array(word) }), {
      maxLength: 1,
    }),
    volumes,
    livenessProbe: probe,
    readinessProbe: probe,
    startupProbe: probe,
    restart: word,
    restartStrategy: fc.constantFrom("Rolling" as const, "Recreate" as const),
  },
  { requiredKeys: [] },
);

/** kubeadm's template, to which the patch is applied: no empty mapping is in it. */
function templateOf(settings: Settings): unknown {
  const { daemonSet } = kubeProxyObjects(settings);
  const [{ resources: _, ...container }] = daemonSet.spec.template.spec.containers;
  const template = {
    ...daemonSet.spec.template,
    spec: { ...daemonSet.spec.template.spec, containers: [container] },
  };
  return plainOf({ ...daemonSet, spec: { ...daemonSet.spec, template } });
}

const plainOf = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;
/** As the API server decodes it. */
const decoded = (value: unknown) =>
  value as { spec: { template: { spec: { containers: [{ resources?: unknown }] } } } };

function assertPatched(made: Settings, wanted: unknown, patch: readonly Operation[]): void {
  const result = decoded(applied(templateOf(made), patch));
  result.spec.template.spec.containers[0].resources ??= {};
  assert.deepEqual(withoutEmpty(result), withoutEmpty(plainOf(wanted)));
}

/** An empty mapping or list beside kubeadm's fields is none for the API server. */
function withoutEmpty(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, part: unknown) =>
      ["annotations", "labels", "limits", "requests"].includes(name) &&
      Object.keys(part as object).length === 0
        ? undefined
        : part,
    ),
  );
}

/** RFC 6902, as strict as kubeadm's library: what is replaced or removed has to be there. */
function applied(document: unknown, patch: readonly Operation[]): unknown {
  const root = structuredClone(document);
  for (const operation of patch) {
    const parts = operation.path
      .slice(1)
      .split("/")
      .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = parts.pop() ?? "";
    const parent = parts.reduce<unknown>((value, part) => {
      assert.ok(
        typeof value === "object" && value !== null && part in value,
        `${operation.path} has its parents`,
      );
      return (value as Record<string, unknown>)[part];
    }, root) as Record<string, unknown> | unknown[];
    assert.equal(typeof parent, "object", operation.path);
    if (operation.op !== "add") assert.ok(last in parent, `${operation.path} is there`);
    if (Array.isArray(parent)) {
      assert.notEqual(operation.op, "remove");
      if (operation.op === "add") {
        assert.equal(last, "-");
        parent.push(operation.value);
      } else if (operation.op === "replace") parent[Number(last)] = operation.value;
    } else if (operation.op === "remove") {
      Reflect.deleteProperty(parent, last);
    } else {
      parent[last] = operation.value;
    }
  }
  return root;
}

/** The settings as kubeadm has them, when it is given the documents. */
function madeBy(settings: Partial<Settings>): Settings {
  assert.ok(newest);
  const documents = withSettings({}, { ...base, ...settings }, newest, "/patches");
  const text = Object.values(documents).map((one) => marshal(one as Yaml));
  return readKubeadmConfig(text.join("\n---\n"), "documents").settings;
}

suite("kubeadm's patch", () => {
  test("settings are generated that are accepted", () => {
    fc.assert(
      fc.property(chosen, ({ restart: _, restartStrategy: __, ...settings }) => {
        const all = { ...base, ...settings };
        assert.deepEqual(checkSettings(mapping(settingsShape), all), []);
      }),
    );
  });

  test("on kubeadm's template makes the DaemonSet of the settings; the other objects are the documents'", () => {
    fc.assert(
      fc.property(chosen, (settings) => {
        const plain = { ...base, ...settings };
        const made = madeBy(settings);
        const wanted = kubeProxyObjects(plain);
        assertPatched(made, wanted.daemonSet, kubeadmPatch(made, plain, undefined));
        const { daemonSet: _, ...others } = kubeProxyObjects(made);
        const { daemonSet: __, ...wantedOthers } = wanted;
        assert.deepEqual(others, wantedOthers);
      }),
    );
  });

  test("the configuration that the program has written kubeadm writes again at an upgrade, to the letter", () => {
    fc.assert(
      fc.property(chosen, (settings) => {
        const made = madeBy(settings);
        const { data } = kubeProxyObjects({ ...base, ...settings }).configMap;
        const [document] = readYaml(data["config.conf"]);
        const again = madeBy({ ...settings, configuration: document?.value as object });
        assert.deepEqual(kubeProxyObjects(again).configMap.data, data);
        assert.deepEqual(kubeProxyObjects(made).configMap.data, data);
      }),
    );
  });

  test("where the program's DaemonSet runs, makes that with its annotations, whatever the settings become", () => {
    const node = { name: "a", labels: { "kubernetes.io/os": "linux" }, taints: [], ready: "True" };
    fc.assert(
      fc.property(chosen, chosen, (before, settings) => {
        const facts = factsAfter({ ...base, ...before }, [node]);
        const plain = { ...base, ...settings, restart: before.restart ?? "initial" };
        const { daemonSet } = planOf(plain, facts).waves[0];
        const { "kube-proxy/restarted-at": at, ...annotations } = daemonSet.metadata.annotations ?? {};
        assert.equal(at, facts.daemonSets[0]?.annotations["kube-proxy/restarted-at"]);
        assert.ok("kube-proxy/template-hash" in annotations);
        const made = madeBy(settings);
        assertPatched(made, daemonSet, kubeadmPatch(made, plain, facts));
      }),
      { numRuns: 40 },
    );
  });

  test("is empty where nothing is set", () => {
    assert.deepEqual(kubeadmPatch(madeBy({}), base, undefined), []);
  });

  test("keeps what `kubectl rollout restart` has written, by which every pod would restart", () => {
    const node = { name: "a", labels: { "kubernetes.io/os": "linux" }, taints: [], ready: "True" };
    const annotations = { "kubectl.kubernetes.io/restartedAt": "2026-11-29T00:00:00Z" };
    const live = {
      kind: "DaemonSet",
      metadata: { name: "kube-proxy" },
      spec: { template: { metadata: { annotations } } },
    };
    const facts = { ...factsAfter(base, [node]), objects: JSON.stringify([live]) };
    const patch = kubeadmPatch(base, base, facts);
    const added = patch.find(({ path }) => path === "/spec/template/metadata/annotations");
    assert.ok(added?.op === "add");
    assert.ok(
      Object.entries(added.value as object).some(([name]) => name === "kubectl.kubernetes.io/restartedAt"),
    );
  });

  test("writes a key as a part of a JSON pointer", () => {
    const { daemonSet } = kubeProxyObjects(base);
    const wanted = kubeProxyObjects({ ...base, metadata: { labels: { "a~1/b": "c" } } }).daemonSet;
    const patch = patchOf(daemonSet, wanted);
    assert.deepEqual(patch, [{ op: "add", path: "/metadata/labels/a~01~1b", value: "c" }]);
    assert.deepEqual(applied(plainOf(daemonSet), patch), plainOf(wanted));
  });

  test("names what differs, and replaces only lists that begin otherwise", () => {
    const { daemonSet } = kubeProxyObjects(base);
    const wanted = kubeProxyObjects({
      ...base,
      tolerations: [{ key: "a", operator: "Exists" }],
      extraArgs: ["--v=4"],
    }).daemonSet;
    assert.deepEqual(patchOf(daemonSet, wanted), [
      { op: "replace", path: "/spec/template/spec/tolerations", value: [{ key: "a", operator: "Exists" }] },
      { op: "add", path: "/spec/template/spec/containers/0/command/-", value: "--v=4" },
    ]);
  });
});

suite("what kubeadm cannot make", () => {
  test("is refused, with what to do instead", () => {
    const settings = {
      ...base,
      pools: [{ name: "a" }],
      running: false,
      clusterRole: "create",
      controlPlaneEndpoint: "https://rancher.example.com/k8s",
    } as Plain;
    const problems = patchProblems(settings, newest, undefined);
    assert.deepEqual(
      problems.map(({ path }) => path),
      ["pools", "running", "clusterRole", "controlPlaneEndpoint"],
    );
    assert.ok(problems.every(({ accepted }) => accepted.includes("proxy: {disabled: true}")));
  });

  test("is everything before the first minor that patches the DaemonSet", () => {
    for (const minor of minors) {
      const found = patchProblems({ kubernetesVersion: `v1.${minor.minor}.0` }, minor, undefined);
      assert.equal(found.length, minor.minor < 37 ? 1 : 0);
      const advice = minor.minor < 32 ? /--skip-phases=addon\/kube-proxy/ : /proxy: \{disabled: true\}/;
      for (const { accepted } of found) assert.match(accepted, advice);
    }
  });

  test("is told where kubeadm-config says something else, by which `kubeadm upgrade` goes", () => {
    const own = { controlPlaneEndpoint: "192.0.2.10:6443", podSubnet: "10.1.0.0/16" };
    const [warning, ...others] = patchWarnings(own, { ...base, podSubnet: "10.2.0.0/16" });
    assert.deepEqual(others, []);
    assert.match(warning ?? "", /^podSubnet: .* where it is 10\.2\.0\.0\/16: make it 10\.1\.0\.0\/16/);
    assert.deepEqual(patchWarnings(own, undefined), []);
  });

  test("is a restart that is yet to be done", () => {
    const facts = factsAfter({ ...base, restart: "first" }, []);
    const [problem, ...others] = patchProblems({ ...base, restart: "second" }, newest, facts);
    assert.deepEqual(others, []);
    assert.equal(problem?.path, "restart");
    assert.match(problem.accepted, /"first"/);
    assert.deepEqual(patchProblems({ ...base, restart: "first" }, newest, facts), []);
  });

  test("is what kubeadm has written anew before: the annotations are gone", () => {
    const facts = factsAfter(base, []);
    const daemonSets = facts.daemonSets.map((one) => ({ ...one, annotations: {} }));
    assert.deepEqual(
      patchProblems(base, newest, { ...facts, daemonSets }).map(({ path }) => path),
      ["DaemonSet kube-system/kube-proxy"],
    );
  });
});
