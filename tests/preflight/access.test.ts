import { suite } from "node:test";
import { ClusterRoleChoice } from "../../components/index.ts";
import { applied, nodes, restart, system, testCases, well, withFirst } from "./fixtures.ts";

const pools = [
  { name: "canary", nodeSelector: { pool: "canary" } },
  { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["canary"] }] },
];

suite("checks of access", () => {
  testCases({
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
        [
          /^error .*does not let kube-proxy /,
          {},
          {
            clusterRoles: (well.clusterRoles ?? []).map(({ name, rules }) => ({
              name,
              rules: rules.map((rule) => ({ ...rule, resourceNames: ["one"] })),
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
            nodes: nodes(1, { ...system({ kubelet: "v1.29.0" }) }),
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
          /^warning .*may not delete daemonsets/,
          restart,
          applied({}, { denied: ["delete daemonsets.apps kube-proxy in kube-system"] }),
          { preview: true },
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
        [
          restart,
          applied({}, { denied: ["bind clusterroles.rbac.authorization.k8s.io system:node-proxier"] }),
        ],
        [{}, { denied: ["list daemonsets.apps", "list servicecidrs.networking.k8s.io"] }],
      ],
    },
  });
});
