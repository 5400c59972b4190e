import { suite } from "node:test";
import type { ControllerFacts, SelectorFacts } from "../../components/facts/surroundings.ts";
import { RestartStrategy } from "../../components/restart/restart.ts";
import { applied, type Case, nodes, restart, system, testCases, withFirst } from "./fixtures.ts";

const pools = [
  { name: "canary", nodeSelector: { pool: "canary" } },
  { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["canary"] }] },
];
const theirs = { "k8s-app": "kube-proxy" };
const exists = { key: "controller-revision-hash", operator: "Exists" };
const controller = (kind: string, name: string, selector: SelectorFacts): ControllerFacts => ({
  kind,
  name,
  selector,
});
const daemonSet = (name: string, image: string, more = {}) => ({
  namespace: "network",
  name,
  nodeSelector: {},
  containers: [{ name, image, command: [] }],
  ...more,
});

/** A cluster in which somebody has kept kube-proxy from every node, as Calico's documentation says for its own. */
const withoutPods = {
  ...applied(),
  daemonSets: applied().daemonSets.map((one) => ({ ...one, desired: 0, available: 0, updated: 0 })),
};

suite("checks of workloads", () => {
  testCases({
    "other-proxy": {
      fires: [
        [
          /^error .*Nodes node-1, node-2, node-3: k3s, which has/,
          {},
          { nodes: nodes(3, { ...system({ kubelet: "v1.37.2+k3s1" }) }) },
        ],
        [/^error .*RKE2/, {}, { nodes: nodes(3, { ...system({ kubelet: "v1.37.2+rke2r1" }) }) }],
        [/^error .*k0s/, {}, { nodes: nodes(3, { ...system({ kubelet: "v1.37.2+k0s" }) }) }],
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
        ...(
          [
            ["registry.k8s.io/kube-proxy-arm64:v1.15.0", []],
            ["registry.k8s.io/hyperkube:v1.18.0", ["/hyperkube", "kube-proxy", "--v=2"]],
            ["rancher/hyperkube-amd64:v1.18.0", ["/hyperkube", "proxy"]],
            ["example.com/node-tools:1", ["/usr/local/bin/kube-proxy"]],
          ] as const
        ).map(([image, command]): readonly [RegExp, ...Case] => [
          /^error .*DaemonSet network\/other: does kube-proxy's work/,
          {},
          {
            otherDaemonSets: [
              daemonSet("other", image, { containers: [{ name: "a", image, command: [...command] }] }),
            ],
          },
        ]),
        [
          /^error .*DaemonSet network\/both: does kube-proxy's work/,
          {},
          {
            otherDaemonSets: [
              daemonSet("both", "kube-proxy:v1", {
                terms: [
                  { matchExpressions: [{ key: "kubernetes.io/os", operator: "In", values: ["windows"] }] },
                  { matchExpressions: [{ key: "kubernetes.io/os", operator: "In", values: ["linux"] }] },
                ],
              }),
            ],
          },
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
              ...applied().daemonSets.map((one) => ({ ...one, name: "mine", annotations: {} })),
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
        ...[
          { os: "windows" },
          { nodeSelector: { "beta.kubernetes.io/os": "windows" } },
          { nodeSelector: { "node.kubernetes.io/windows-build": "10.0.20348" } },
          {
            terms: [{ matchExpressions: [{ key: "kubernetes.io/os", operator: "In", values: ["windows"] }] }],
          },
          {
            terms: [
              { matchExpressions: [{ key: "kubernetes.io/os", operator: "NotIn", values: ["linux"] }] },
            ],
          },
          {
            terms: [{ matchExpressions: [{ key: "node.kubernetes.io/windows-build", operator: "Exists" }] }],
          },
        ].map((more): Case => [{}, { otherDaemonSets: [daemonSet("windows", "kube-proxy:v1", more)] }]),
        [
          {},
          {
            otherDaemonSets: [
              daemonSet("api", "hyperkube:v1.18.0", {
                containers: [{ name: "a", image: "hyperkube:v1.18.0", command: ["/hyperkube", "kubelet"] }],
              }),
              daemonSet("exporter", "example.com/kube-proxy-exporter:1"),
            ],
          },
        ],
        [{}, { otherDaemonSets: [daemonSet("flannel", "flannel/flannel:v0.26")] }],
      ],
    },
    "switched-off": {
      fires: [
        [
          /^warning .*DaemonSet kube-proxy: has no pods, .* starts one on Nodes node-1, node-2, node-3/,
          restart,
          withoutPods,
        ],
        [/^warning .*DaemonSet kube-proxy: has no pods/, { image: "a/b:1" }, withoutPods],
      ],
      silent: [
        [{}, withoutPods],
        [restart, applied()],
        [{ ...restart, nodeSelector: { pool: "none" } }, withoutPods],
      ],
    },
    "pod-adopter": {
      fires: [
        [
          /^error .*DaemonSet kube-system\/twin: selects kube-proxy's pods: it adopts those that the deleted/,
          restart,
          applied({}, { controllers: [controller("DaemonSet", "twin", { matchLabels: theirs })] }),
        ],
        [
          /^error .*ReplicaSet kube-system\/any: selects/,
          restart,
          applied({}, { controllers: [controller("ReplicaSet", "any", { matchExpressions: [exists] })] }),
        ],
        [
          /^error .*Job kube-system\/job: selects/,
          { pools },
          applied(
            {},
            {
              nodes: withFirst({ labels: { "kubernetes.io/os": "linux", pool: "canary" } }),
              controllers: [controller("Job", "job", { matchLabels: theirs })],
            },
          ),
        ],
      ],
      silent: [
        [
          restart,
          applied({}, { controllers: [controller("DaemonSet", "kube-proxy", { matchLabels: theirs })] }),
        ],
        [
          restart,
          applied(
            {},
            { controllers: [controller("ReplicaSet", "b", { matchLabels: { ...theirs, b: "1" } })] },
          ),
        ],
        [restart, applied({}, { controllers: [controller("ReplicaSet", "none", {})] })],
        [{}, applied({}, { controllers: [controller("ReplicaSet", "b", { matchLabels: theirs })] })],
        [
          restart,
          applied(
            { restartStrategy: RestartStrategy.Recreate },
            { controllers: [controller("ReplicaSet", "b", { matchLabels: theirs })] },
          ),
        ],
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
          /^warning .*Node node-1: the kubelet does not answer: it is left out of the rollout and its proof; it gets/,
          restart,
          applied({}, { nodes: withFirst({ ready: "Unknown" }) }),
        ],
        [
          /^error .*its pod never ends, and the deletion of all pods waits for it in vain; repair/,
          { ...restart, restartStrategy: RestartStrategy.Recreate },
          applied({ restartStrategy: RestartStrategy.Recreate }, { nodes: withFirst({ ready: "Unknown" }) }),
        ],
        [
          /^error .*no other node to replace a pod on/,
          restart,
          applied({}, { nodes: nodes(3, { ready: "Unknown" }) }),
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
        [/^error .*PriorityClass high: is missing.*; create it, or/, { priorityClassName: "high" }, {}],
        [/^warning .*is missing/, {}, applied({}, { priorityClasses: [] })],
      ],
      silent: [[{}, {}]],
    },
  });
});
