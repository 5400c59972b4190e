//go:build linux

package main

import (
	"context"

	kubeproxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// The node's components need the Linux kernel (kube-proxy's other home, Windows, is no concern
// here): elsewhere the control plane is built without them.
func init() {
	components["kube-proxy"] = func() { run(kubeproxy.NewProxyCommand()) }
	components["kubelet"] = func() { run(kubelet.NewKubeletCommand(context.Background())) }
}
