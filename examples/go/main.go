// A kubeadm cluster's kube-proxy, in Go.
package main

import (
	kubeproxy "example.com/pulumi-kube-proxy/sdk/go/kube-proxy"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		conf := config.New(ctx, "")
		proxy, err := kubeproxy.NewKubeProxy(ctx, "kube-proxy", &kubeproxy.KubeProxyArgs{
			Cluster: kubeproxy.ClusterAccessArgs{
				Kubeconfig: pulumi.String(conf.Get("kubeconfig")),
				Context:    pulumi.String(conf.Get("context")),
			},
			Restart: pulumi.String(conf.Get("restart")),
		})
		if err != nil {
			return err
		}
		ctx.Export("restart", proxy.Restart)
		ctx.Export("daemonSets", proxy.DaemonSets)
		return nil
	})
}
