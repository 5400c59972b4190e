import { stringify } from "yaml";

import { images } from "./build.ts";

/** Where a node sees its own folder, see `node.sh`. */
export const nodeFolder = "/node";

/**
 * containerd's configuration.
 *
 * @see https://github.com/containerd/containerd/blob/v2.4.2/docs/cri/config.md
 */
export const containerdConfiguration = `version = 3
root = "${nodeFolder}/containerd"
state = "/run/containerd"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "${images.labnode}"

[plugins.'io.containerd.cri.v1.runtime']
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE, as in many containers, no sandbox could start otherwise.
  restrict_oom_score_adj = true

  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/local/bin"]
    conf_dir = "${nodeFolder}/cni"
    use_internal_loopback = true
`;

/**
 * The pods' network: each pod is routed, over a cable to the node, so that the kernel's rules for Services see its
 * packets also between two pods of one node.
 *
 * @param podCIDRs - The node's, one of each IP family.
 * @see https://www.cni.dev/plugins/current/main/ptp/
 */
export function cniConfiguration(podCIDRs: readonly string[]): string {
  const defaultRoutes = podCIDRs.map((cidr) => ({ dst: cidr.includes(":") ? "::/0" : "0.0.0.0/0" }));
  const ipam = {
    type: "host-local",
    dataDir: "/run/cni",
    ranges: podCIDRs.map((subnet) => [{ subnet }]),
    routes: defaultRoutes,
  };
  return JSON.stringify({ cniVersion: "1.0.0", name: "lab", plugins: [{ type: "ptp", ipam }] });
}

/**
 * The kubelet's configuration, as kubeadm writes it but for what a comment says.
 *
 * @param cgroup - Path of the node's cgroup.
 * @see https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
 */
export function kubeletConfiguration(cgroup: string): string {
  return stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${nodeFolder}/ca.crt` },
    },
    authorization: { mode: "Webhook" },
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    // For the lab, from outside the node's namespaces.
    healthzBindAddress: "0.0.0.0",
    // No systemd, a cgroup of its own, and whichever version of cgroups this machine has.
    cgroupDriver: "cgroupfs",
    cgroupRoot: cgroup,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    // Renewed every second instead of every ten, since every proof waits for a renewal.
    nodeLeaseDurationSeconds: 4,
    oomScoreAdj: 0,
    // No rule in the kernel but kube-proxy's.
    makeIPTablesUtilChains: false,
    // The images cannot be pulled again, and how full this machine is says nothing about the node.
    evictionHard: { "imagefs.available": "0%", "nodefs.available": "0%" },
    imageGCHighThresholdPercent: 100,
    // Neither a DNS server nor plug-ins for volumes.
    resolvConf: "",
    volumePluginDir: "/run/kubelet-plugins",
  });
}
