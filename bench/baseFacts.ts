// Reads what the preview needs to foretell the pods, and nothing for the checks: what they are compared with.
import { HttpMethod } from "@kubernetes/client-node";
import { clusterOf } from "../commands/commandLine.ts";
import { Session } from "../components/cluster/session.ts";
import { loadCluster } from "../components/cluster/client.ts";

const system = "/api/v1/namespaces/kube-system";
const session = await Session.open(loadCluster(clusterOf({}), process.env));
const read = await Promise.all([
  session.list("/api/v1/nodes"),
  session.list("/apis/apps/v1/namespaces/kube-system/daemonsets"),
  session.list(`${system}/configmaps`, { query: { labelSelector: "app=kube-proxy" } }),
  session.request(HttpMethod.GET, `${system}/configmaps/kubeadm-config`).catch(() => undefined),
]);
await session.close();
console.log(JSON.stringify(read));
