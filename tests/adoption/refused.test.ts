import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { formatPath } from "../../components/adoption/differences.ts";
import type { Settings } from "../../components/kubeadm/settings.ts";
import {
  and,
  base,
  type Change,
  changed,
  configuration,
  container,
  gone,
  pathsOf,
  podSpec,
  put,
  takeOver,
  text,
  to,
} from "./change.ts";

suite("what no setting keeps is refused, by name", () => {
  const daemonSet = "DaemonSet kube-system/kube-proxy";
  const configMap = "ConfigMap kube-system/kube-proxy";
  const pod = "spec.template.spec";
  const cases: Record<string, readonly [kind: string, change: Change, paths: readonly string[]]> = {
    "a probe that settings do not know": [
      "DaemonSet",
      [[...container, "livenessProbe"], to({ grpc: { port: 10256 } })],
      [`${daemonSet}, ${pod}.containers[0].livenessProbe.grpc.port`],
    ],
    "an affinity that does more than leave nodes out": [
      "DaemonSet",
      [[...podSpec, "affinity"], to({ podAffinity: {} })],
      [`${daemonSet}, ${pod}.affinity.podAffinity`],
    ],
    "a volume that settings do not know, and its mount": [
      "DaemonSet",
      [
        podSpec,
        (old) =>
          put(
            put(old, ["volumes"], and({ name: "share", nfs: { server: "a", path: "/" } })),
            ["containers", 0, "volumeMounts"],
            and({ name: "share", mountPath: "/share" }),
          ),
      ],
      [`${daemonSet}, ${pod}.volumes`, `${daemonSet}, ${pod}.containers[0].volumeMounts`],
    ],
    "labels of kubeadm's that were taken out": [
      "ConfigMap",
      [["metadata", "labels"], gone],
      [`${configMap}, metadata.labels.app`],
    ],
    "a server that is a variable": [
      "ConfigMap",
      [["data", "kubeconfig.conf"], text((old) => old.replace("192.0.2.10", "${HOST}"))],
      [`${configMap}, kubeconfig.conf, server`],
    ],
    "no server at all": [
      "ConfigMap",
      [["data", "kubeconfig.conf"], text((old) => old.replace(/ +server: .*\n/, ""))],
      [`${configMap}, kubeconfig.conf, server`],
    ],
    "a kubeconfig that is not named to kube-proxy": [
      "ConfigMap",
      [configuration, text((old) => old.replace(/kubeconfig: .*/, 'kubeconfig: ""'))],
      [`${configMap}, config.conf, clientConnection.kubeconfig`],
    ],
    "a sidecar": [
      "DaemonSet",
      [[...podSpec, "containers"], and({ name: "other", image: "a" })],
      [`${daemonSet}, ${pod}.containers`],
    ],
    "no priority": [
      "DaemonSet",
      [[...podSpec, "priorityClassName"], gone],
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

test("an affinity that leaves nodes out and does more is not kept by half", () => {
  const requirements = [{ key: "edge", operator: "DoesNotExist" }];
  const nodeAffinity = {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: requirements }],
    },
  };
  const { edits, problems } = takeOver(
    changed("DaemonSet", [[...podSpec, "affinity"], to({ nodeAffinity, podAffinity: {} })]),
  );
  assert.deepEqual(edits, {});
  assert.ok(problems.length > 0);
});

suite("is not taken silently afterwards", () => {
  const ownFlags = [
    "/usr/local/bin/kube-proxy",
    "--kubeconfig=/var/lib/kube-proxy/kubeconfig.conf",
    "--proxy-mode=ipvs",
  ];
  const others: Record<string, readonly [Change, Partial<Settings>]> = {
    "other arguments": [[[...container, "command"], to(ownFlags)], { extraArgs: ["--v=4"] }],
    "another variable first": [
      [[...container, "env"], to([{ name: "NODE_NAME", value: "a" }])],
      { env: [{ name: "A", value: "b" }] },
    ],
    "other volumes": [[[...podSpec, "volumes"], to([])], { volumes: [{ name: "a", emptyDir: {} }] }],
    "no label of its operating system": [
      [[...podSpec, "nodeSelector"], to({ pool: "a" })],
      { nodeSelector: { pool: "b" } },
    ],
  };
  for (const [name, [change, own]] of Object.entries(others)) {
    test(`${name} in kubeadm's place: refused, and still so once the user has set what adds to it`, () => {
      const objects = changed("DaemonSet", change);
      const place = `DaemonSet kube-system/kube-proxy, ${formatPath(change[0])}`;
      for (const settings of [base, { ...base, ...own }]) {
        const found = pathsOf(takeOver(objects, settings));
        assert.ok(
          found.some((path) => path.startsWith(place)),
          found.join(),
        );
      }
    });
  }
});
