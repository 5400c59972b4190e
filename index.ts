import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { KubeProxy } from "./components/index.ts";
import { readStackConfig } from "./components/stackConfig.ts";

const { args, cluster } = await readStackConfig();

const provider = new kubernetes.Provider("cluster", {
  ...cluster,
  // A stack is one cluster: with this, an edited kubeconfig or a renamed context does not replace everything.
  clusterIdentifier: pulumi.getStack(),
  // A changed configuration updates the ConfigMap; by default it would be replaced.
  enableConfigMapMutable: true,
  // kubeadm and kubectl write to the same fields: whoever runs `pulumi up` means them to be as the program says.
  enablePatchForce: true,
});

const kubeProxy = new KubeProxy("kube-proxy", { ...args, cluster }, { provider });

export const { daemonSets, restart } = kubeProxy;
