import type { IncomingMessage, ServerResponse } from "node:http";
import { restartAnnotation } from "../../../components/restart/restart.ts";
import { reply } from "../apiServer.ts";

/** A pod of the DaemonSet, with whatever else the API server says of it. */
export interface FakePod {
  readonly name: string;
  readonly node: string;
  readonly phase?: string;
  readonly metadata?: object;
  readonly status?: object;
}

const owner = { apiVersion: "apps/v1", kind: "DaemonSet", name: "kube-proxy", uid: "1", controller: true };
const ready = [{ type: "Ready", status: "True" }];

/** An API server whose cluster has a DaemonSet kube-proxy, and whose user may not ask for Services at nodes. */
export class FakeCluster {
  revision = "one";
  pods: readonly FakePod[];
  /** Why nodes are not Ready, by name; an empty text is a node that is there no more. */
  readonly notReady = new Map<string, string>();
  /** Further nodes. */
  nodes: readonly string[] = [];
  /** What the nodes' kubelets say of their machines. */
  nodeInfo: object | undefined;
  /** When the nodes' objects were made. */
  created = "2026-11-01T00:00:00.000Z";
  /** When the nodes' Leases were renewed last, by name; undefined where nobody may read them. */
  leases: ReadonlyMap<string, string> | undefined = new Map();
  /** Called before the DaemonSet is read, with how often it was. */
  onRead: (count: number) => void = () => undefined;
  #reads = 0;

  constructor(pods: readonly FakePod[]) {
    this.pods = pods;
  }

  readonly answer = ({ url = "" }: IncomingMessage, response: ServerResponse): void => {
    const { pathname } = new URL(url, "http://fake");
    if (pathname.endsWith("/proxy/healthz")) {
      reply(response, { kind: "Status", message: "pods/proxy is forbidden" }, 403);
    } else {
      reply(response, this.#objects(pathname));
    }
  };

  #objects(path: string): object | undefined {
    const labels = { "controller-revision-hash": this.revision };
    switch (path) {
      case "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy":
        this.onRead((this.#reads += 1));
        return daemonSet;
      case "/apis/apps/v1/namespaces/kube-system/controllerrevisions":
        return { items: [{ metadata: { name: "one", labels, ownerReferences: [owner] }, revision: 1 }] };
      case "/api/v1/namespaces/kube-system/pods":
        return {
          items: this.pods.map(({ name, node, phase = "Running", metadata, status }) => ({
            metadata: {
              name,
              labels,
              annotations: { [restartAnnotation]: "t" },
              ownerReferences: [owner],
              ...metadata,
            },
            spec: { nodeName: node },
            status: { phase, podIP: "192.0.2.1", conditions: ready, ...status },
          })),
        };
      case "/api/v1/nodes":
        return {
          items: [...new Set([...this.pods.map(({ node }) => node), ...this.nodes])]
            .filter((name) => this.notReady.get(name) !== "")
            .map((name) => {
              const reason = this.notReady.get(name);
              const conditions =
                reason === undefined ? ready : [{ type: "Ready", status: "Unknown", reason }];
              return {
                metadata: { name, labels: {}, creationTimestamp: this.created },
                spec: {},
                status: { conditions, nodeInfo: this.nodeInfo },
              };
            }),
        };
      case "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases":
        return (
          this.leases && {
            items: [...this.leases].map(([name, renewTime]) => ({ metadata: { name }, spec: { renewTime } })),
          }
        );
      case "/api/v1/namespaces/kube-system/configmaps/kube-proxy":
        return { metadata: { name: "kube-proxy" }, data: { "config.conf": "clusterCIDR: 10.244.0.0/16" } };
      case "/api/v1/namespaces/kube-proxy-test/services":
        return { items: [] };
      default:
        return undefined;
    }
  }
}

const daemonSet = {
  metadata: { name: "kube-proxy", uid: owner.uid, generation: 1 },
  spec: {
    selector: { matchLabels: { "k8s-app": "kube-proxy" } },
    template: {
      metadata: {},
      spec: { volumes: [{ name: "kube-proxy", configMap: { name: "kube-proxy" } }] },
    },
  },
  status: { observedGeneration: 1 },
};
