import assert from "node:assert/strict";
import { after, suite, test } from "node:test";
import type { ClusterFacts } from "../../components/index.ts";
import { ClusterRoleChoice, RestartStrategy } from "../../components/index.ts";
import type { Plain } from "../../components/plan.ts";
import { accessesOf, describeAccess } from "../../components/preflight/rights.ts";
import { applied, findings, names, nodes, well, type Wishes } from "./fixtures.ts";

type Case = readonly [args: Partial<Plain>, facts: Partial<ClusterFacts>, wishes?: Wishes];
type Fires = readonly [expected: RegExp, ...Case];

const restart = { restart: "2" };
const [first, ...others] = nodes(3);
assert.ok(first);
const withFirst = (more: object): ClusterFacts["nodes"] => [{ ...first, ...more }, ...others];
const system = { kubelet: "v1.37.2", kernel: "6.12.0", os: "linux", architecture: "amd64" };
const kubeadm = (networking: string) => `apiVersion: kubeadm.k8s.io/v1beta4\nnetworking:\n  ${networking}\n`;
const controlPlane = { labels: { "node-role.kubernetes.io/control-plane": "" } };
const pools = [
  { name: "canary", nodeSelector: { pool: "canary" } },
  { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["canary"] }] },
];
const daemonSet = (name: string, image: string, more = {}) => ({
  namespace: "network",
  name,
  nodeSelector: {},
  containers: [{ name, image, command: [] }],
  ...more,
});
const webhook = {
  configuration: "ValidatingWebhookConfiguration policy",
  name: "pods.example.com",
  rules: [{ operations: ["*"], groups: [""], versions: ["v1"], resources: ["pods"], scope: "*" }],
  namespaceSelector: {},
  objectSelector: {},
  service: "policy/webhook",
};
const quota = (hard: Record<string, string>, more = {}) => ({ name: "limits", hard, used: {}, ...more });

/** For each check: where it fires and with which words, and where it is silent although something is near. */
const table: Readonly<Record<string, { fires: readonly Fires[]; silent: readonly Case[] }>> = {
  "api-server-version": {
    fires: [
      [
        /^error .*DaemonSet kube-proxy: kube-proxy 1\.37 is newer than the API server, v1\.36\.1; /,
        {},
        { serverVersion: "v1.36.1" },
      ],
      [/^error .*1\.33 is more than 3 minors older/, { kubernetesVersion: "v1.33.0" }, {}],
      [
        /^error .*1\.24 is more than 2 minors older/,
        { kubernetesVersion: "v1.24.0" },
        { serverVersion: "v1.27.0" },
      ],
      [/^error .*kube-proxy 1\.33 is/, { image: "example.com/kube-proxy:v1.33.1" }, {}],
      [/^warning .*newer than/, restart, applied({}, { serverVersion: "v1.36.1" })],
    ],
    silent: [
      [{ kubernetesVersion: "v1.34.0" }, {}],
      [{ kubernetesVersion: "v1.37.9" }, {}],
      [{}, { serverVersion: "v1.37.0+k3s1" }],
      [{ image: `example.com/kube-proxy@sha256:${"0".repeat(64)}` }, {}],
    ],
  },
  "kubelet-version": {
    fires: [
      [
        /^error .*Node node-1: kubelet v1\.33\.9 is more than 3 minors apart/,
        {},
        { nodes: withFirst({ system: { ...system, kubelet: "v1.33.9" } }) },
      ],
      [
        /^error .*Nodes node-1, node-2, node-3, node-4, node-5, 2 more: kubelet v1\.30\.0/,
        {},
        { nodes: nodes(7, { system: { ...system, kubelet: "v1.30.0" } }) },
      ],
    ],
    silent: [
      [{}, { nodes: nodes(2, { system: { ...system, kubelet: "v1.34.0" } }) }],
      [{ nodeSelector: { new: "yes" } }, { nodes: nodes(2, { system: { ...system, kubelet: "v1.30.0" } }) }],
    ],
  },
  "nftables-kernel": {
    fires: [
      [
        /^error .*Node node-1: kernel 5\.10\.0-21-amd64: /,
        { configuration: { mode: "nftables" } },
        { nodes: withFirst({ system: { ...system, kernel: "5.10.0-21-amd64" } }) },
      ],
      [
        /^error .*kernel 4\.18/,
        { configuration: { mode: "nftables" } },
        { nodes: withFirst({ system: { ...system, kernel: "4.18.0" } }) },
      ],
    ],
    silent: [
      [{}, { nodes: withFirst({ system: { ...system, kernel: "5.10.0" } }) }],
      [
        { configuration: { mode: "nftables" } },
        { nodes: withFirst({ system: { ...system, kernel: "5.13.0" } }) },
      ],
      [
        {
          configuration: { mode: "nftables" },
          env: [{ name: "KUBE_PROXY_NFTABLES_SKIP_KERNEL_VERSION_CHECK", value: "1" }],
        },
        { nodes: withFirst({ system: { ...system, kernel: "5.10.0" } }) },
      ],
    ],
  },
  "ipvs-deprecated": {
    fires: [
      [
        /^warning .*mode ipvs is deprecated: switched off by default in 1\.40/,
        { configuration: { mode: "ipvs" } },
        {},
      ],
    ],
    silent: [[{ configuration: { mode: "ipvs" }, kubernetesVersion: "v1.34.0" }, {}]],
  },
  "node-os": {
    fires: [
      [
        /^error .*Node node-1: windows, where/,
        {},
        { nodes: withFirst({ system: { ...system, os: "windows" } }) },
      ],
    ],
    silent: [
      [
        {},
        {
          nodes: withFirst({
            labels: { "kubernetes.io/os": "windows" },
            system: { ...system, os: "windows" },
          }),
        },
      ],
    ],
  },
  "node-architecture": {
    fires: [
      [
        /^warning .*Node node-1: architecture riscv64, for which there is no registry\.k8s\.io/,
        {},
        { nodes: withFirst({ system: { ...system, architecture: "riscv64" } }) },
      ],
      [
        /^warning .*its nodes are amd64 and arm64; see that example\.com/,
        { image: "example.com/p:1" },
        { nodes: withFirst({ system: { ...system, architecture: "arm64" } }) },
      ],
      [
        /^warning .*its nodes are amd64 and arm64/,
        { imageRepository: "registry.k8s.io" },
        { nodes: withFirst({ system: { ...system, architecture: "arm64" } }) },
      ],
    ],
    silent: [
      [{}, { nodes: withFirst({ system: { ...system, architecture: "arm64" } }) }],
      [{ image: "example.com/p:1" }, {}],
    ],
  },
  "pod-subnet": {
    fires: [
      [
        /^error .*clusterCIDR is 10\.244\.0\.0\/16, but kubeadm's podSubnet is 10\.0\.0\.0\/8/,
        {},
        { clusterConfiguration: kubeadm("podSubnet: 10.0.0.0/8") },
      ],
      [
        /^error .*Node node-1: podCIDR 10\.245\.0\.0\/24 is outside/,
        {},
        { nodes: withFirst({ podCIDRs: ["10.245.0.0/24"] }) },
      ],
    ],
    silent: [
      [{}, { clusterConfiguration: kubeadm("podSubnet: 10.244.0.0/16") }],
      [{}, { clusterConfiguration: ": no YAML: [" }],
      [
        { podSubnet: "10.244.0.0/16,fd00::/48" },
        { clusterConfiguration: kubeadm('podSubnet: "fd00::/48, 10.244.0.0/16"') },
      ],
      [
        { configuration: { detectLocalMode: "NodeCIDR" } },
        { nodes: withFirst({ podCIDRs: ["10.245.0.0/24"] }) },
      ],
      [{}, { nodes: withFirst({ podCIDRs: ["10.244.1.0/24", "fd00::/64"] }) }],
    ],
  },
  "ip-families": {
    fires: [
      [
        /^error .*clusterCIDR has no IPv6, but Services have: kube-proxy exits/,
        {},
        { serviceCIDRs: ["fd00:96::/112"] },
      ],
      [
        /^warning .*clusterCIDR has no IPv6, but Services have: pods' traffic/,
        {},
        { serviceCIDRs: ["10.96.0.0/16", "fd00:96::/112"] },
      ],
    ],
    silent: [[{ podSubnet: "10.244.0.0/16,fd00::/48" }, { serviceCIDRs: ["10.96.0.0/16", "fd00:96::/112"] }]],
  },
  "endpoint-service-ip": {
    fires: [
      [
        /^error .*controlPlaneEndpoint: 10\.96\.0\.1 is a Service/,
        { controlPlaneEndpoint: "10.96.0.1:443" },
        {},
      ],
      [
        /^error .*kubernetes\.default\.svc is a Service/,
        { controlPlaneEndpoint: "kubernetes.default.svc" },
        {},
      ],
    ],
    silent: [[{ controlPlaneEndpoint: "kubernetes.example.com" }, {}]],
  },
  "endpoint-unknown": {
    fires: [
      [
        /^error .*192\.0\.2\.11 is no address that this cluster knows/,
        { controlPlaneEndpoint: "192.0.2.11" },
        {},
      ],
      [
        /^warning .*192\.0\.2\.10 is not what kubeadm gave the nodes, api\.example\.com/,
        {},
        { clusterConfiguration: "controlPlaneEndpoint: api.example.com:6443" },
      ],
    ],
    silent: [
      [{ controlPlaneEndpoint: "api.example.com" }, {}],
      [{ controlPlaneEndpoint: "127.0.0.1:7443" }, {}],
      [{ controlPlaneEndpoint: "192.0.2.11" }, { server: "https://192.0.2.11:6443" }],
      [{ controlPlaneEndpoint: "[2001:db8::1]:6443" }, { server: "https://[2001:db8::1]:6443" }],
      [
        { controlPlaneEndpoint: "192.0.2.11" },
        { clusterConfiguration: "controlPlaneEndpoint: 192.0.2.11:6443" },
      ],
      [{ controlPlaneEndpoint: "198.18.0.1" }, {}],
      [
        { controlPlaneEndpoint: "192.0.2.11" },
        {
          configMaps: [
            { name: "kube-proxy", data: { "kubeconfig.conf": "    server: https://192.0.2.11:6443" } },
          ],
        },
      ],
    ],
  },
  "endpoint-single-node": {
    fires: [
      [
        /^warning .*Node node-1: is one of 2 control planes/,
        { controlPlaneEndpoint: "198.18.0.1" },
        { nodes: nodes(2, controlPlane) },
      ],
    ],
    silent: [
      [{ controlPlaneEndpoint: "198.18.0.1" }, { nodes: [...nodes(1, controlPlane), ...others] }],
      [{}, { nodes: nodes(2, controlPlane) }],
    ],
  },
  "admission-webhook": {
    fires: [
      [
        /^error .*ValidatingWebhookConfiguration policy, webhook pods\.example\.com: .* by Service policy\/webhook, for which there is no kube-proxy/,
        {},
        { webhooks: [webhook] },
      ],
      [
        /^warning .*reached by Service policy\/webhook; exclude/,
        restart,
        applied({}, { webhooks: [webhook] }),
      ],
      [
        /^error .*there is no kube-proxy then/,
        { ...restart, restartStrategy: RestartStrategy.Recreate },
        applied({ restartStrategy: RestartStrategy.Recreate }, { webhooks: [webhook] }),
      ],
      [/^warning .*matchConditions are not looked at/, {}, { webhooks: [{ ...webhook, conditional: true }] }],
    ],
    silent: [
      [{}, applied({}, { webhooks: [webhook] })],
      [{}, { webhooks: [{ ...webhook, service: "" }].map(({ service, ...url }) => url) }],
      [
        {},
        {
          webhooks: [
            {
              ...webhook,
              namespaceSelector: {
                matchExpressions: [
                  { key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["kube-system"] },
                ],
              },
            },
          ],
        },
      ],
      [{}, { webhooks: [{ ...webhook, objectSelector: { matchLabels: { injection: "enabled" } } }] }],
    ],
  },
  "resource-quota": {
    fires: [
      [
        /^error .*ResourceQuota kube-system\/limits: limits limits\.cpu, and so refuses/,
        {},
        { quotas: [quota({ "limits.cpu": "4" })] },
      ],
      [
        /^error .*has room for 1 pods, but kube-proxy needs 3/,
        {},
        { quotas: [quota({ pods: "10" }, { used: { pods: "9" } })] },
      ],
      [
        /^error .*limits requests\.cpu/,
        { resources: { limits: { memory: "1Gi" } } },
        { quotas: [quota({ "requests.cpu": "4" })] },
      ],
    ],
    silent: [
      [{}, { quotas: [quota({ pods: "1G" })] }],
      [restart, applied({}, { quotas: [quota({ pods: "3" }, { used: { pods: "3" } })] })],
      [{ resources: { limits: { cpu: "1" } } }, { quotas: [quota({ "requests.cpu": "4" })] }],
      [{}, { quotas: [quota({ "limits.cpu": "4" }, { scopes: ["NotBestEffort"] })] }],
      [
        {},
        {
          quotas: [
            quota(
              { pods: "0" },
              { scopeSelector: [{ scopeName: "PriorityClass", operator: "In", values: ["low"] }] },
            ),
          ],
        },
      ],
    ],
  },
  "pod-security": {
    fires: [
      [
        /^error .*Namespace kube-system: has label pod-security\.kubernetes\.io\/enforce=baseline/,
        {},
        { namespace: { uid: "the-uid", labels: { "pod-security.kubernetes.io/enforce": "baseline" } } },
      ],
    ],
    silent: [
      [{}, { namespace: { uid: "the-uid", labels: { "pod-security.kubernetes.io/enforce": "privileged" } } }],
      [{}, { namespace: { uid: "the-uid", labels: { "pod-security.kubernetes.io/warn": "restricted" } } }],
    ],
  },
  "node-proxier-role": {
    fires: [
      [/^error .*ClusterRole system:node-proxier: is missing/, {}, { clusterRoles: [] }],
      [
        /^error .*does not let kube-proxy list servicecidrs\.networking\.k8s\.io, watch servicecidrs/,
        {},
        {
          clusterRoles: (well.clusterRoles ?? []).map(({ name, rules }) => ({
            name,
            rules: rules.filter(({ resources }) => !resources.includes("servicecidrs")),
          })),
        },
      ],
      [/^warning /, {}, applied({}, { clusterRoles: [] })],
    ],
    silent: [
      [{ clusterRole: ClusterRoleChoice.create }, { clusterRoles: [] }],
      [
        { kubernetesVersion: "v1.29.0" },
        {
          serverVersion: "v1.29.0",
          nodes: nodes(1, { system: { ...system, kubelet: "v1.29.0" } }),
          clusterRoles: (well.clusterRoles ?? []).map(({ name, rules }) => ({
            name,
            rules: rules.filter(({ resources }) => !resources.includes("servicecidrs")),
          })),
        },
      ],
      [
        {},
        {
          clusterRoles: [
            { name: "system:node-proxier", rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }] },
          ],
        },
      ],
    ],
  },
  rights: {
    fires: [
      [
        /^error .*your user: may not delete daemonsets\.apps kube-proxy in kube-system, which this update needs \(restart\)/,
        restart,
        applied({}, { denied: ["delete daemonsets.apps kube-proxy in kube-system"] }),
      ],
      [
        /^warning .*may not bind clusterroles\.rbac/,
        {},
        { denied: ["bind clusterroles.rbac.authorization.k8s.io system:node-proxier"] },
      ],
      [
        /^error .*may not delete daemonsets\.apps kube-proxy-canary in kube-system/,
        { ...restart, pools },
        applied(
          { pools },
          {
            nodes: withFirst({ labels: { "kubernetes.io/os": "linux", pool: "canary" } }),
            denied: ["delete daemonsets.apps kube-proxy-canary in kube-system"],
          },
        ),
      ],
      [
        /^error .*\(stop\)/,
        {},
        applied({}, { denied: ["delete daemonsets.apps kube-proxy in kube-system"] }),
        { running: false },
      ],
    ],
    silent: [
      [{}, applied({}, { denied: ["delete daemonsets.apps kube-proxy in kube-system"] })],
      [restart, applied({}, { denied: ["bind clusterroles.rbac.authorization.k8s.io system:node-proxier"] })],
      [{}, { denied: ["list daemonsets.apps", "list servicecidrs.networking.k8s.io"] }],
    ],
  },
  "other-proxy": {
    fires: [
      [
        /^error .*Nodes node-1, node-2, node-3: k3s, which has/,
        {},
        { nodes: nodes(3, { system: { ...system, kubelet: "v1.37.2+k3s1" } }) },
      ],
      [/^error .*RKE2/, {}, { nodes: nodes(3, { system: { ...system, kubelet: "v1.37.2+rke2r1" } }) }],
      [/^error .*k0s/, {}, { nodes: nodes(3, { system: { ...system, kubelet: "v1.37.2+k0s" } }) }],
      [
        /^error .*OpenShift/,
        {},
        { nodes: nodes(3, { labels: { "kubernetes.io/os": "linux", "node.openshift.io/os_id": "rhel" } }) },
      ],
      [
        /^error .*DaemonSet network\/proxy: does kube-proxy's work/,
        {},
        { otherDaemonSets: [daemonSet("proxy", "registry.k8s.io/kube-proxy:v1.37.2")] },
      ],
      [
        /^error .*DaemonSet network\/kube-router/,
        {},
        { otherDaemonSets: [daemonSet("kube-router", "docker.io/cloudnativelabs/kube-router:v2.1")] },
      ],
      [
        /^error .*static pods kube-system\/kube-proxy-node-1: kube-proxy, too/,
        {},
        { staticPods: [{ namespace: "kube-system", name: "kube-proxy-node-1" }] },
      ],
      [
        /^error .*Cilium: does kube-proxy's work itself: kube-proxy-replacement .* is true/,
        {},
        {
          dataPlanes: [
            { plugin: "Cilium", setting: "kube-proxy-replacement in ConfigMap a/b", value: "true" },
          ],
        },
      ],
      [
        /^warning .*Calico/,
        restart,
        applied({}, { dataPlanes: [{ plugin: "Calico", setting: "bpfEnabled", value: "true" }] }),
      ],
      [
        /^warning .*DaemonSet kube-system\/mine/,
        {},
        {
          daemonSets: [
            ...applied().daemonSets,
            { name: "mine", uid: "2", annotations: {}, desired: 1, available: 1 },
          ],
        },
      ],
    ],
    silent: [
      [{}, { dataPlanes: [{ plugin: "Cilium", setting: "kube-proxy-replacement", value: "false" }] }],
      [
        {},
        {
          otherDaemonSets: [
            daemonSet("kube-router", "kube-router:v2", {
              containers: [{ name: "a", image: "kube-router:v2", command: ["--run-service-proxy=false"] }],
            }),
          ],
        },
      ],
      [
        {},
        {
          otherDaemonSets: [
            daemonSet("kube-proxy-windows", "sigwindowstools/kube-proxy:v1", {
              nodeSelector: { "kubernetes.io/os": "windows" },
            }),
          ],
        },
      ],
      [{}, { otherDaemonSets: [daemonSet("flannel", "flannel/flannel:v0.26")] }],
    ],
  },
  "rollout-running": {
    fires: [
      [
        /^warning .*DaemonSet kube-proxy: is still rolling, or stuck: of 3 pods 1 are of the newest template, 2 available/,
        restart,
        applied(
          {},
          { daemonSets: applied().daemonSets.map((one) => ({ ...one, updated: 1, available: 2 })) },
        ),
      ],
      [
        /^warning .*still rolling/,
        restart,
        applied({}, { daemonSets: applied().daemonSets.map((one) => ({ ...one, observed: false })) }),
      ],
    ],
    silent: [
      [restart, applied()],
      [{}, applied({}, { daemonSets: applied().daemonSets.map((one) => ({ ...one, available: 2 })) })],
    ],
  },
  "node-unreachable": {
    fires: [
      [
        /^error .*Node node-1: the kubelet does not answer: the rollout would never end, and with maxUnavailable 10% no pod/,
        restart,
        applied({}, { nodes: withFirst({ ready: "Unknown" }) }),
      ],
      [
        /^error .*the rollout would never end; repair/,
        { ...restart, updateStrategy: { rollingUpdate: { maxUnavailable: "3" } } },
        applied({}, { nodes: withFirst({ ready: "Unknown" }) }),
      ],
    ],
    silent: [
      [{}, { nodes: withFirst({ ready: "Unknown" }) }],
      [{}, applied({}, { nodes: withFirst({ ready: "Unknown" }) })],
      [restart, applied({}, { nodes: withFirst({ ready: "False" }) })],
    ],
  },
  "node-not-ready": {
    fires: [
      [/^warning .*Node node-1: NotReady/, restart, applied({}, { nodes: withFirst({ ready: "False" }) })],
    ],
    silent: [
      [{}, { nodes: nodes(3, { ready: "False" }) }],
      [{}, applied({}, { nodes: nodes(3, { ready: "False" }) })],
    ],
  },
  "node-cordoned": {
    fires: [
      [
        /^warning .*Node node-1: cordoned/,
        restart,
        applied({}, { nodes: withFirst({ unschedulable: true }) }),
      ],
    ],
    silent: [[{}, { nodes: withFirst({ unschedulable: true }) }]],
  },
  "empty-pool": {
    fires: [[/^error .*pool canary: has no node now/, { pools }, {}]],
    silent: [
      [{ pools }, { nodes: nodes(2, { labels: { "kubernetes.io/os": "linux", pool: "canary" } }) }],
      [{ pools }, { nodes: [] }],
      [{ pools }, applied({ pools }), { held: ["canary", "rest"] }],
    ],
  },
  "priority-class": {
    fires: [
      [/^error .*PriorityClass system-node-critical: is missing/, {}, { priorityClasses: [] }],
      [/^warning .*is missing/, {}, applied({}, { priorityClasses: [] })],
    ],
    silent: [[{}, {}]],
  },
};

suite("the checks before an up", () => {
  const seen = new Set<string>();
  after(() => {
    assert.deepEqual([...seen].sort(), names.toSorted(), "every check has its cases");
  });

  test("are silent where nothing is wrong: on a new cluster, when nothing changes, with a restart", () => {
    assert.deepEqual(findings({}, well), []);
    assert.deepEqual(findings({}, applied()), []);
    assert.deepEqual(findings(restart, applied()), []);
    assert.deepEqual(findings({}, applied(), { running: false }), []);
  });

  for (const [name, { fires, silent }] of Object.entries(table)) {
    test(name, () => {
      seen.add(name);
      const own = (line: string) => line.replace(/^\w+ /, "").startsWith(`${name}: `);
      for (const [expected, args, facts, wishes] of fires) {
        const found = findings(args, facts, wishes).filter(own);
        assert.ok(
          found.some((line) => expected.test(line)),
          `${expected} in:\n${findings(args, facts, wishes).join("\n") || "nothing"}`,
        );
      }
      for (const [args, facts, wishes] of silent) {
        assert.deepEqual(findings(args, facts, wishes).filter(own), []);
      }
    });
  }
});

suite("rights", () => {
  test("are asked for one by one, each once, with the pools' objects", () => {
    const asked = accessesOf(["canary"]).map(describeAccess);
    assert.deepEqual(asked, [...new Set(asked)]);
    assert.ok(asked.includes("delete daemonsets.apps kube-proxy-canary in kube-system"));
    assert.ok(asked.includes("create pods/portforward in kube-system"));
    assert.ok(!asked.some((one) => /^create .* kube-proxy/.test(one)), "a create has no name yet");
  });

  test("a restart of a user with none names all that it needs", () => {
    const denied = accessesOf([]).map(describeAccess);
    const found = findings(restart, applied({}, { denied })).filter((line) =>
      line.startsWith("error rights"),
    );
    for (const right of [
      "delete daemonsets",
      "create daemonsets",
      "watch pods",
      "list nodes",
      "get pods/portforward",
    ]) {
      assert.ok(
        found.some((line) => line.includes(right)),
        `${right} in:\n${found.join("\n")}`,
      );
    }
    assert.ok(!found.some((line) => line.includes("create serviceaccounts")));
  });
});
