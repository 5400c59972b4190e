/** kube-proxy as kubeadm has installed it, for who takes it over. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { kubeProxyObjects } from "../../components/kubeadm/manifests.ts";
import { type Cluster, eventually, isServing } from "./scenario.ts";

/** kubeadm's objects, as kubectl names them. */
export const kubeadms = [
  "serviceaccount/kube-proxy",
  "clusterrolebinding/kubeadm:node-proxier",
  "role/kube-proxy",
  "rolebinding/kube-proxy",
  "configmap/kube-proxy",
  "daemonset/kube-proxy",
];

/** The first minor of each group of objects. */
export const groups = [15, 16, 17, 18, 19, 20, 22, 24, 26, 28, 29, 30, 37];

const reference = (name: string) =>
  readFileSync(join(import.meta.dirname, "..", "kubeadm", "reference", name), "utf8");

/** What kubeadm of a minor leaves in a cluster, as recorded: its requests of 1.15 and 1.20, its configurations of all. */
export function recorded(minor: number): { objects: object[]; clusterConfiguration: string } {
  const kubernetesVersion = minor === 20 ? "v1.20.2" : `v1.${minor}.0`;
  const api = minor < 22 ? "v1beta2" : minor < 31 ? "v1beta3" : "v1beta4";
  const clusterConfiguration = [
    `apiVersion: kubeadm.k8s.io/${api}`,
    "kind: ClusterConfiguration",
    `kubernetesVersion: ${kubernetesVersion}`,
    `imageRepository: ${minor < 25 ? "k8s.gcr.io" : "registry.k8s.io"}`,
    "networking: {dnsDomain: cluster.local, serviceSubnet: 10.96.0.0/12}",
    "",
  ].join("\n");
  if (minor === 15 || minor === 20) {
    const requests = reference(minor === 15 ? "k1.15.0-minimal.jsonl" : "k1.20.2-minimal.jsonl").trim();
    const objects = requests.split("\n").map((line) => (JSON.parse(line) as { body: object }).body);
    return { objects, clusterConfiguration };
  }
  const made = kubeProxyObjects({ kubernetesVersion, controlPlaneEndpoint: "192.0.2.10:6443" });
  const configuration = reference(`config-1.${minor}.conf`).trimEnd();
  const data = { ...made.configMap.data, "config.conf": configuration };
  return {
    objects: Object.values({ ...made, configMap: { ...made.configMap, data } }),
    clusterConfiguration,
  };
}

/** Makes objects as kubeadm creates them, under its name, in place of what is there; waits for the pods. */
export async function installKubeadms(cluster: Cluster, json: string, nodes: number): Promise<void> {
  await uninstallKubeadms(cluster);
  const { items } = JSON.parse(json) as { items: Record<string, unknown>[] };
  const objects = items.map((object) => {
    const { name, namespace, labels, annotations } = object["metadata"] as Record<string, unknown>;
    return { ...object, metadata: { name, namespace, labels, annotations }, status: undefined };
  });
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  await cluster.kubectl(["create", "--field-manager=kubeadm", "-f", "-"], list);
  await allServe(cluster, nodes);
}

/** Takes kubeadm's objects out of the cluster, with their pods. */
export async function uninstallKubeadms(cluster: Cluster): Promise<void> {
  await cluster.kubectl(["delete", "--ignore-not-found", "--cascade=foreground", ...kubeadms]);
}

/** Waits until every node has a pod of the newest template that serves, and no other. */
export async function allServe(cluster: Cluster, nodes: number): Promise<void> {
  await eventually("all pods serve", async () => {
    const set = await cluster.daemonSet();
    const found = await cluster.pods();
    return set?.status.updatedNumberScheduled === nodes && found.length === nodes && found.every(isServing);
  });
}
