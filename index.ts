import { reading } from "./components/reading.ts";

// While the cluster is read, the SDKs and the program are loaded.
const [kubernetes, pulumi, { KubeProxy }, { readStackConfig }] = await Promise.all([
  import("@pulumi/kubernetes"),
  import("@pulumi/pulumi"),
  import("./components/kubeProxy.ts"),
  import("./components/stackConfig.ts"),
]);

const { args, cluster } = await readStackConfig(reading);

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
