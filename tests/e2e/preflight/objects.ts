/** Objects that the checks before an `up` say something about. */
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { type Lab, status } from "../../../lab/index.ts";

/** A webhook that is asked about every pod and reached by a Service; it would keep pods from being made. */
export const webhook = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingWebhookConfiguration",
  metadata: { name: "policy" },
  webhooks: [
    {
      name: "pods.example.com",
      admissionReviewVersions: ["v1"],
      sideEffects: "None",
      clientConfig: { service: { namespace: "policy", name: "webhook" } },
      rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
    },
  ],
};

/** A quota that refuses pods without a limit. */
export const quota = {
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "limits" },
  spec: { hard: { "limits.cpu": "4" } },
};

/** Another kube-proxy, and Cilium with its own; none has a node. */
export const otherProxies = [
  daemonSet("second", "registry.k8s.io/kube-proxy:v1.37.2"),
  daemonSet("cilium", "quay.io/cilium/cilium:v1.18.0"),
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "cilium-config" },
    data: { "kube-proxy-replacement": "true" },
  },
];

function daemonSet(name: string, image: string): object {
  const labels = { app: name };
  const spec = { nodeSelector: { none: "such" }, containers: [{ name, image }] };
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

/** A pod as a kubelet shows one that it runs from a file. */
export function staticPod(node: string, uid: string): object {
  const owner = { apiVersion: "v1", kind: "Node", name: node, uid, controller: true };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `kube-proxy-${node}`,
      labels: { component: "kube-proxy" },
      ownerReferences: [owner],
    },
    spec: { nodeName: node, containers: [{ name: "kube-proxy", image: "example.com/p:1" }] },
  };
}

/** Nodes that nobody plays: of one no kubelet has ever been heard, the other one's is NotReady. */
export const sickNodes = ["lost", "ill"].map((name) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels: { "kubernetes.io/os": "linux" } },
  ...(name === "ill" && { status: { conditions: [{ type: "Ready", status: "False", reason: "Test" }] } }),
}));

/** Pools of which the first one has no node. */
export const pools = [
  { name: "canary", nodeSelector: { pool: "canary" } },
  { name: "rest", matchExpressions: [{ key: "pool", operator: "NotIn", values: ["canary"] }] },
];

/**
 * Takes away what the API server lets nobody delete, from its own storage.
 *
 * @param key - below `/registry`
 * @returns what puts it back
 */
export async function stealFromStorage(lab: Lab, key: string): Promise<() => Promise<void>> {
  const name = Buffer.from(`/registry/${key}`).toString("base64");
  const { kvs = [] } = await etcd(lab, "range", { key: name });
  const [found] = kvs;
  if (found === undefined) throw new Error(`the storage has no ${key}`);
  await etcd(lab, "deleterange", { key: name });
  return async () => {
    await etcd(lab, "put", { key: name, value: found.value });
  };
}

async function etcd(lab: Lab, call: string, body: object): Promise<{ kvs?: { value: string }[] }> {
  const port = (await status(lab.name))?.components.find((component) => component.name === "etcd")?.port;
  const pki = (file: string) => readFileSync(join(lab.dir, "pki", file));
  const [cert, key, ca] = [
    pki("apiserver-etcd-client.crt"),
    pki("apiserver-etcd-client.key"),
    pki("etcd/ca.crt"),
  ];
  return await new Promise((resolve, reject) => {
    request(
      { host: "127.0.0.1", port, path: `/v3/kv/${call}`, method: "POST", cert, key, ca },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => {
          if (response.statusCode === 200) resolve(JSON.parse(text) as { kvs?: { value: string }[] });
          else reject(new Error(`etcd: ${text}`));
        });
      },
    )
      .on("error", reject)
      .end(JSON.stringify(body));
  });
}

const kubeProxyLabels = { "k8s-app": "kube-proxy" };

/** A ReplicaSet that selects kube-proxy's pods, and wants none. */
export const adopter = {
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { name: "proxy-copies" },
  spec: {
    replicas: 0,
    selector: { matchLabels: kubeProxyLabels },
    template: {
      metadata: { labels: kubeProxyLabels },
      spec: { containers: [{ name: "proxy", image: "registry.example.com/proxy" }] },
    },
  },
};

/** A patch of a DaemonSet: which nodes it selects beside. */
export function selecting(nodeSelector: Readonly<Record<string, string | null>>): string {
  return JSON.stringify({ spec: { template: { spec: { nodeSelector } } } });
}

/** Does something to the cluster, looks, and takes it back. */
export async function meanwhile(
  work: () => Promise<unknown>,
  look: () => Promise<unknown>,
  undo: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
    await look();
  } finally {
    await undo();
  }
}
