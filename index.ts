import { reading } from "./components/reading.ts";

// While the cluster is read, the SDKs and the program are loaded.
const [kubernetes, { KubeProxy }, { readStackConfig }, { recordIdentity }] = await Promise.all([
  import("@pulumi/kubernetes"),
  import("./components/kubeProxy.ts"),
  import("./components/stackConfig.ts"),
  import("./components/resources/identity.ts"),
]);

const { args, cluster, facts } = await readStackConfig(reading);
// Before the provider: a destroy goes by the provider that the state has, which must never be that of another cluster.
const { cluster: id, owner, record } = await recordIdentity("kube-proxy-cluster", facts);

const provider = new kubernetes.Provider(
  "cluster",
  {
    ...cluster,
    // With this, an edited kubeconfig or a renamed context does not replace everything.
    clusterIdentifier: id,
    // A changed configuration updates the ConfigMap; by default it would be replaced.
    enableConfigMapMutable: true,
    // kubeadm and kubectl write to the same fields: whoever runs `pulumi up` means them to be as the program says.
    enablePatchForce: true,
  },
  // A change of it would replace everything; stacks of the first days have their name here.
  { dependsOn: [record], ignoreChanges: ["clusterIdentifier"] },
);

const kubeProxy = new KubeProxy("kube-proxy", { ...args, owner, cluster: { ...cluster, id } }, { provider });

export const { daemonSets, restart } = kubeProxy;
