import { join } from "node:path";

import { CoreV1Api, KubeConfig, RbacAuthorizationV1Api } from "@kubernetes/client-node";

import type { ComponentSpec } from "../components.ts";
import type { KubeadmRun } from "../kubeadm.ts";
import { isReady } from "../nodes.ts";
import { waitFor } from "../wait.ts";
import type { NodeSoftware } from "./build.ts";
import { type GatewayPorts, gatewaySpec } from "./gateway.ts";
import { nodeObject, type Place } from "./node.ts";

/** Longest wait until a kubelet reports Ready. It takes 2 to 5 s on a machine at rest, and more where it is emulated. */
const readyTimeoutMs = 240_000;

/** A node with a kubelet, before it is started. */
export interface KubeletNode {
  name: string;
  /** Makes what it needs, and tells how it is started. */
  prepare: (place: Place) => Promise<ComponentSpec>;
}

/** What {@link startNodes} needs to know. */
export interface NodesOptions {
  /** Each has the addresses of its place in this list. */
  nodes: readonly KubeletNode[];
  software: NodeSoftware;
  /** One of `ports.kubelets` for each node. */
  ports: GatewayPorts;
  /** Starts a component and waits until it is healthy. */
  launch: (spec: ComponentSpec) => Promise<{ pid: number }>;
  log: (line: string) => void;
}

/** Starts nodes with kubelets and the network between them, in a cluster without any, and waits until they are Ready. */
export async function startNodes(kubeadm: KubeadmRun, options: NodesOptions): Promise<void> {
  const { nodes, software, ports, launch, log } = options;
  const started = Date.now();
  const config = new KubeConfig();
  config.loadFromFile(join(kubeadm.dir, "admin.conf"));
  await grantKubeletApi(config);
  const api = config.makeApiClient(CoreV1Api);
  const gateway = await launch(gatewaySpec(kubeadm.dir, software, ports));
  await Promise.all(
    nodes.map(async ({ name, prepare }, index) => {
      await api.createNode({ body: nodeObject(name, index) });
      await launch(await prepare({ index, gateway: gateway.pid, port: ports.kubelets[index] ?? 0 }));
      await waitFor(`${name} to be Ready`, { timeoutMs: readyTimeoutMs, signal: kubeadm.signal }, async () =>
        isReady(await api.readNode({ name })),
      );
    }),
  );
  const names = nodes.map(({ name }) => name).join(", ");
  log(`${names} Ready after ${((Date.now() - started) / 1000).toFixed(1)} s.`);
}

/** Lets the API server fetch logs, run commands and forward ports: `kubeadm init` leaves that to a later phase. */
async function grantKubeletApi(config: KubeConfig): Promise<void> {
  const rbac = config.makeApiClient(RbacAuthorizationV1Api);
  const apiGroup = "rbac.authorization.k8s.io";
  await rbac.createClusterRoleBinding({
    body: {
      metadata: { name: "kubeadm:apiserver-kubelet-client" },
      roleRef: { apiGroup, kind: "ClusterRole", name: "system:kubelet-api-admin" },
      subjects: [{ apiGroup, kind: "User", name: "kube-apiserver-kubelet-client" }],
    },
  });
}
