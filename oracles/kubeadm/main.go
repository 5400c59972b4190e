// Command kubeadm is Kubernetes' kubeadm: `go install` refuses the replace lines of its own module.
package main

import (
	"os"

	"k8s.io/kubernetes/cmd/kubeadm/app"
)

func main() {
	if err := app.Run(); err != nil {
		os.Exit(1)
	}
}
