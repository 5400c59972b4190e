import { suite } from "node:test";
import { RestartStrategy } from "../../components/index.ts";
import { applied, restart, testCases } from "./fixtures.ts";

const webhook = {
  configuration: "ValidatingWebhookConfiguration policy",
  name: "pods.example.com",
  rules: [{ operations: ["*"], groups: [""], versions: ["v1"], resources: ["pods"], scope: "*" }],
  namespaceSelector: {},
  objectSelector: {},
  service: "policy/webhook",
};
const quota = (hard: Record<string, string>, more = {}) => ({ name: "limits", hard, used: {}, ...more });

suite("checks of admission", () => {
  testCases({
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
        [
          /^error /,
          {},
          {
            webhooks: [
              {
                ...webhook,
                objectSelector: {
                  matchExpressions: [{ key: "controller-revision-hash", operator: "Exists" }],
                },
              },
            ],
          },
        ],
        [
          /^warning .*matchConditions are not looked at/,
          {},
          { webhooks: [{ ...webhook, conditional: true }] },
        ],
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
        [
          {},
          { namespace: { uid: "the-uid", labels: { "pod-security.kubernetes.io/enforce": "privileged" } } },
        ],
        [{}, { namespace: { uid: "the-uid", labels: { "pod-security.kubernetes.io/warn": "restricted" } } }],
      ],
    },
  });
});
