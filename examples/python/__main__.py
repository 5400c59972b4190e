"""A kubeadm cluster's kube-proxy, in Python."""

import pulumi
import pulumi_kube_proxy as kube_proxy

config = pulumi.Config()
proxy = kube_proxy.KubeProxy(
    "kube-proxy",
    cluster={"kubeconfig": config.get("kubeconfig"), "context": config.get("context")},
    restart=config.get("restart"),
)

pulumi.export("restart", proxy.restart)
pulumi.export("daemonSets", proxy.daemon_sets)
