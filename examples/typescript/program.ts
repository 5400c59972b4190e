import * as kubeProxy from "@pulumi/kube-proxy";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const proxy = new kubeProxy.KubeProxy("kube-proxy", {
  cluster: { kubeconfig: config.get("kubeconfig"), context: config.get("context") },
  restart: config.get("restart"),
});

export const { restart, daemonSets } = proxy;
