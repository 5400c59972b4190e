import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { takeOverProblems } from "../../components/adoption/describe.ts";
import type { Path } from "../../components/adoption/differences.ts";
import type { LiveObject } from "../../components/adoption/live.ts";
import { type TakeOver, takeOverOf } from "../../components/adoption/takeOver.ts";
import { formatProblems } from "../../components/input/problems.ts";
import { mapping } from "../../components/input/schema.ts";
import { kubeProxyObjects } from "../../components/kubeadm/manifests.ts";
import { minors } from "../../components/kubeadm/minors.ts";
import { checkSettings, type Settings, settingsShape } from "../../components/kubeadm/settings.ts";
import { liveObjects } from "./live.ts";

const owner = "organization/kube-proxy/test";
const base: Settings = {
  kubernetesVersion: "v1.37.2",
  controlPlaneEndpoint: "192.0.2.10:6443",
  podSubnet: "10.244.0.0/16",
};

/** What it takes to take over, when all settings so far are the cluster's own word. */
const takeOver = (objects: readonly LiveObject[], settings: Settings = base): TakeOver =>
  takeOverOf(objects, { settings, cluster: base, owner });
const pathsOf = ({ problems }: TakeOver) => problems.map(({ path }) => path);

/** Something of an object that somebody changes: where it is, and into what; undefined takes it out. */
type Change = readonly [path: Path, into: (old: unknown) => unknown];

/** Objects of which one was changed. */
const changed = (kind: string, ...changes: readonly Change[]): LiveObject[] =>
  liveObjects(base).map((object) =>
    object.kind === kind
      ? changes.reduce<LiveObject>((all, one) => put(all, ...one) as LiveObject, object)
      : object,
  );

function put(value: unknown, [key, ...rest]: Path, into: (old: unknown) => unknown): unknown {
  if (key === undefined) {
    return into(value);
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => (index === key ? put(item, rest, into) : item));
  }
  const record = (value ?? {}) as Record<string, unknown>;
  return JSON.parse(JSON.stringify({ ...record, [key]: put(record[key], rest, into) }));
}

const to = (value: unknown) => () => value;
const gone = to(undefined);
const and =
  (...more: readonly unknown[]) =>
  (old: unknown) => [...(old as unknown[]), ...more];
const text = (change: (old: string) => string) => (old: unknown) => change(String(old));
const podSpec: Path = ["spec", "template", "spec"];
const container: Path = [...podSpec, "containers", 0];
const configuration: Path = ["data", "config.conf"];

suite("taking over", () => {
  test("no problem shows a secret: of an environment, of a container beside, or of the kubeconfig", () => {
    const variable = { name: "API_KEY", value: "hidden" };
    const users = [{ name: "default", user: { token: "hidden" } }];
    const edits = [
      changed("DaemonSet", [[...container, "env", 0], to(variable)]),
      changed("DaemonSet", [
        [...podSpec, "containers"],
        and({ name: "beside", image: "x", env: [variable] }),
      ]),
      changed("DaemonSet", [
        [...podSpec, "initContainers"],
        to([{ name: "before", image: "x", env: [variable] }]),
      ]),
      changed("ConfigMap", [
        ["data", "kubeconfig.conf"],
        text((old) => stringify({ ...(parse(old) as object), users })),
      ]),
      changed("ConfigMap", [
        ["data", "kubeconfig.conf"],
        text((old) => old.replace("https://", "https://me:hidden@")),
      ]),
    ];
    for (const [index, objects] of edits.entries()) {
      const found = takeOver(objects);
      const problems = takeOverProblems(found, {});
      assert.doesNotMatch(formatProblems("the cluster", problems), /hidden/);
      assert.equal(problems.length > 0, index < edits.length - 1, `edit ${index} is told`);
    }
  });

  test("what kubeadm has made, of every minor, changes nothing", () => {
    for (const { minor } of minors) {
      const settings = { ...base, kubernetesVersion: `v1.${minor}.0` };
      const objects = liveObjects(settings);
      const { edits, problems, changes, keepsPods } = takeOverOf(objects, {
        settings,

        cluster: settings,
        owner,
      });
      assert.deepEqual(
        { edits, problems, changes, keepsPods },
        { edits: {}, problems: [], changes: [], keepsPods: true },
      );
    }
  });

  const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
  const labels = fc.dictionary(word, word, { minKeys: 1, maxKeys: 3 });
  const metadata = fc.record({ labels, annotations: labels }, { requiredKeys: ["labels"] });
  const edits = fc.record(
    {
      image: fc.constantFrom("registry.example.com/kube-proxy:v1.37.2-own", `a/b@sha256:${"0".repeat(64)}`),
      extraArgs: fc.array(fc.constantFrom("--v=4", "-v=2", "--vmodule=a=1"), { minLength: 1, maxLength: 2 }),
      env: fc.uniqueArray(fc.record({ name: word, value: fc.string() }), {
        minLength: 1,
        maxLength: 3,
        selector: ({ name }) => name,
      }),
      resources: fc.record({
        requests: fc.constant({ cpu: "100m" }),
        limits: fc.constant({ memory: "1Gi" }),
      }),
      tolerations: fc.array(fc.record({ key: word, operator: fc.constant("Exists") }), {
        minLength: 1,
        maxLength: 3,
      }),
      nodeSelector: labels,
      imagePullSecrets: fc.array(word, { minLength: 1, maxLength: 2 }),
      updateStrategy: fc.record({
        rollingUpdate: fc.record({ maxUnavailable: fc.constantFrom("2", "30%", "100%") }),
      }),
      metadata,
      podMetadata: metadata,
      controlPlaneEndpoint: fc.constantFrom("api.example.com:8443", "[2001:db8::1]:6443"),
      configuration: fc.record(
        {
          mode: fc.constantFrom("iptables" as const, "ipvs" as const, "nftables" as const),
          clusterCIDR: fc.constant("10.1.0.0/16"),
          metricsBindAddress: fc.constantFrom("0.0.0.0:10249", "127.0.0.1"),
          iptables: fc.record({ masqueradeAll: fc.boolean(), minSyncPeriod: fc.constantFrom("0s", "2s") }),
          conntrack: fc.record({ maxPerCore: fc.constantFrom(0, 1, 32768) }),
          ipvs: fc.record({ strictARP: fc.boolean(), excludeCIDRs: fc.constantFrom([], ["10.0.0.0/8"]) }),
          nodePortAddresses: fc.constantFrom([], ["10.0.0.0/8"]),
          oomScoreAdj: fc.integer({ min: -1000, max: 1000 }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  );

  test("any edit that a setting can express is printed as settings that keep every pod", () => {
    fc.assert(
      fc.property(edits, fc.constantFrom(...minors), (drawn, { minor }) => {
        const made = JSON.parse(JSON.stringify(drawn)) as Partial<Settings>;
        const kubernetesVersion = `v1.${minor}.0`;
        const cluster = { ...base, kubernetesVersion };
        const edited: Settings = { ...cluster, ...made };
        fc.pre(checkSettings(mapping(settingsShape), { ...edited }).length === 0);
        const objects = liveObjects(edited);
        const first = takeOverOf(objects, { settings: cluster, cluster, owner });
        assert.deepEqual(first.problems, []);
        const settings = { ...cluster, ...first.edits };
        const second = takeOverOf(objects, { settings, cluster, owner });
        assert.deepEqual(second.problems, []);
        assert.deepEqual(second.edits, {});
        assert.equal(second.keepsPods, true);
        // What kube-proxy's pods are made of is the same to the letter.
        const [kept, was] = [kubeProxyObjects(settings), kubeProxyObjects(edited)];
        assert.deepEqual(kept.daemonSet.spec.template, was.daemonSet.spec.template);
      }),
    );
  });

  test("the same configuration in other words is no edit", () => {
    const lines = [
      "# by hand",
      "kind: KubeProxyConfiguration",
      "apiVersion: kubeproxy.config.k8s.io/v1alpha1",
      "clusterCIDR: 10.244.0.0/16",
      "clientConnection: {kubeconfig: /var/lib/kube-proxy/kubeconfig.conf, qps: 5, burst: 10}",
      "conntrack: {maxPerCore: 32768, tcpCloseWaitTimeout: 60m}",
      "iptables: {syncPeriod: 30s, masqueradeBit: 14, localhostNodePorts: true}",
      "oomScoreAdj: -999",
      "",
    ];
    const reworded = changed(
      "ConfigMap",
      [configuration, to(lines.join("\n"))],
      [["data", "kubeconfig.conf"], text((old) => `# by hand\n${old}\n`)],
    );
    const { edits, problems, changes, keepsPods } = takeOver(reworded);
    assert.deepEqual({ edits, problems, keepsPods }, { edits: {}, problems: [], keepsPods: true });
    assert.deepEqual(changes, [
      "ConfigMap: config.conf is written as kubeadm writes it, and means the same",
      "ConfigMap: kubeconfig.conf is written as kubeadm writes it, and means the same",
    ]);
  });

  test("a zero that is not the default is an edit", () => {
    const zero = text((old) => old.replace("maxPerCore: null", "maxPerCore: 0"));
    const { edits } = takeOver(changed("ConfigMap", [configuration, zero]));
    assert.deepEqual(edits, { configuration: { conntrack: { maxPerCore: 0 } } });
  });

  test("pods of another version are taken over in theirs; what kubeadm does differently there is no edit", () => {
    const { edits, problems } = takeOver(liveObjects({ ...base, kubernetesVersion: "v1.17.4" }));
    assert.deepEqual(problems, []);
    assert.deepEqual(edits, { kubernetesVersion: "v1.17.4" });
  });

  test("what the user sets counts more than an edit, and restarts the pods", () => {
    const objects = liveObjects({ ...base, configuration: { mode: "ipvs", ipvs: { strictARP: true } } });
    const settings = { ...base, configuration: { mode: "nftables" as const } };
    const first = takeOver(objects, settings);
    assert.deepEqual(first.edits, { configuration: { mode: "nftables", ipvs: { strictARP: true } } });
    const second = takeOver(objects, { ...settings, ...first.edits });
    assert.deepEqual([second.edits, second.problems, second.keepsPods], [{}, [], false]);
    assert.deepEqual(second.changes, ["ConfigMap: config.conf, mode"]);
  });

  suite("is refused, by name", () => {
    const daemonSet = "DaemonSet kube-system/kube-proxy";
    const configMap = "ConfigMap kube-system/kube-proxy";
    const pod = "spec.template.spec";
    const cases: Record<string, readonly [kind: string, change: Change, paths: readonly string[]]> = {
      "a probe": [
        "DaemonSet",
        [[...container, "livenessProbe"], to({ httpGet: { port: 10256 } })],
        [`${daemonSet}, ${pod}.containers[0].livenessProbe.httpGet.port`],
      ],
      "a sidecar": [
        "DaemonSet",
        [[...podSpec, "containers"], and({ name: "other", image: "a" })],
        [`${daemonSet}, ${pod}.containers`],
      ],
      "another priority": [
        "DaemonSet",
        [[...podSpec, "priorityClassName"], to("high")],
        [`${daemonSet}, ${pod}.priorityClassName`],
      ],
      "a field of kubeadm's that was taken out": [
        "DaemonSet",
        [[...podSpec, "hostNetwork"], gone],
        [`${daemonSet}, ${pod}.hostNetwork`],
      ],
      "tolerations that were taken out": [
        "DaemonSet",
        [[...podSpec, "tolerations"], gone],
        [`${daemonSet}, ${pod}.tolerations`],
      ],
      "a variable with a value from elsewhere": [
        "DaemonSet",
        [[...container, "env"], and({ name: "A", valueFrom: { secretKeyRef: {} } })],
        [`${daemonSet}, ${pod}.containers[0].env`],
      ],
      "another selector": [
        "DaemonSet",
        [["spec", "selector", "matchLabels", "app"], to("kube-proxy")],
        [`${daemonSet}, spec.selector.matchLabels.app`],
      ],
      "a strategy that never finishes": [
        "DaemonSet",
        [["spec", "updateStrategy"], to({ type: "OnDelete" })],
        [`${daemonSet}, spec.updateStrategy.type`],
      ],
      "a ConfigMap without config.conf": ["ConfigMap", [configuration, gone], [`${configMap}, config.conf`]],
      "a configuration that is no YAML": [
        "ConfigMap",
        [configuration, to("mode: [")],
        [`${configMap}, config.conf`],
      ],
      "unknown fields and fields given twice, all of them": [
        "ConfigMap",
        [configuration, text((old) => `${old}\nmod: ipvs\nresourceContainer: a\nmode: ipvs`)],
        [
          `${configMap}, config.conf, mode`,
          `${configMap}, config.conf, mod`,
          `${configMap}, config.conf, resourceContainer`,
        ],
      ],
      "a second document": [
        "ConfigMap",
        [configuration, text((old) => `${old}\n---\nmode: ipvs`)],
        [`${configMap}, config.conf, document 2`],
      ],
      "a value that was taken out": [
        "ConfigMap",
        [configuration, text((old) => old.replace(/clusterCIDR: .*/, 'clusterCIDR: ""'))],
        [`${configMap}, config.conf, clusterCIDR`],
      ],
      "another key": ["ConfigMap", [["data", "more"], to("x")], [`${configMap}, data.more`]],
      "an immutable ConfigMap": ["ConfigMap", [["immutable"], to(true)], [`${configMap}, immutable`]],
      "a kubeconfig with another user": [
        "ConfigMap",
        [["data", "kubeconfig.conf"], text((old) => old.replace("tokenFile", "token"))],
        [
          `${configMap}, kubeconfig.conf, users.0.user.token`,
          `${configMap}, kubeconfig.conf, users.0.user.tokenFile`,
        ],
      ],
      "more rights": [
        "Role",
        [["rules", 0, "verbs"], and("list")],
        ["Role kube-system/kube-proxy, rules[0].verbs"],
      ],
      "another role": [
        "ClusterRoleBinding",
        [["roleRef", "name"], to("cluster-admin")],
        ["ClusterRoleBinding kubeadm:node-proxier, roleRef.name"],
      ],
      "secrets of the ServiceAccount": [
        "ServiceAccount",
        [["imagePullSecrets"], to([{ name: "a" }])],
        ["ServiceAccount kube-system/kube-proxy, imagePullSecrets"],
      ],
    };
    for (const [name, [kind, change, paths]] of Object.entries(cases)) {
      test(name, () => {
        assert.deepEqual(pathsOf(takeOver(changed(kind, change))).sort(), [...paths].sort());
      });
    }

    const owners: Record<string, [object, RegExp]> = {
      Helm: [{ labels: { "app.kubernetes.io/managed-by": "Helm" } }, /^belongs to Helm/],
      "Helm's release": [{ annotations: { "meta.helm.sh/release-name": "a" } }, /^belongs to Helm/],
      "Argo CD": [{ annotations: { "argocd.argoproj.io/tracking-id": "a" } }, /^belongs to Argo CD/],
      "an older Argo CD": [{ labels: { "app.kubernetes.io/instance": "a" } }, /^belongs to Argo CD or Helm/],
      Flux: [{ labels: { "kustomize.toolkit.fluxcd.io/name": "a" } }, /^belongs to Flux/],
      "another stack": [
        { annotations: { "kube-proxy/owner": "organization/kube-proxy/other", "kube-proxy/restart": "a" } },
        /^belongs to Pulumi stack organization\/kube-proxy\/other/,
      ],
      "another Pulumi program": [
        { annotations: { "pulumi.com/patchForce": "true" } },
        /^belongs to another Pulumi/,
      ],
      "an operator": [{ ownerReferences: [{ kind: "Proxy", name: "a" }] }, /^belongs to Proxy a$/],
    };
    for (const [name, [metadata, said]] of Object.entries(owners)) {
      test(`an object of ${name}`, () => {
        for (const kind of ["DaemonSet", "ConfigMap", "Role"]) {
          const { problems } = takeOver(
            changed(kind, [["metadata"], (old) => ({ ...(old as object), ...metadata })]),
          );
          assert.equal(problems.length, 1);
          assert.match(String(problems[0]?.value), said);
        }
      });
    }
  });

  test("what the API server and kubectl write for themselves is no edit", () => {
    const kubectl = "kubectl.kubernetes.io";
    const { edits, problems, keepsPods } = takeOver(
      changed(
        "DaemonSet",
        [["metadata", "annotations", `${kubectl}/last-applied-configuration`], to("{}")],
        [
          ["spec", "template", "metadata", "annotations", `${kubectl}/restartedAt`],
          to("2026-11-26T10:00:00Z"),
        ],
      ),
    );
    assert.deepEqual({ edits, problems, keepsPods }, { edits: {}, problems: [], keepsPods: true });
  });
});
