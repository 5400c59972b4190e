import { suite } from "node:test";
import { applied, nodes, restart, system, testCases, withFirst } from "./fixtures.ts";

suite("checks of versions", () => {
  testCases({
    "api-server-version": {
      fires: [
        [
          /^error .*DaemonSet kube-proxy: kube-proxy 1\.37 is newer than the API server, v1\.36\.1; /,
          {},
          { serverVersion: "v1.36.1" },
        ],
        [/^error .*1\.33 is more than 3 minors older/, { kubernetesVersion: "v1.33.0" }, {}],
        [
          /^error .*1\.24 is more than 2 minors older/,
          { kubernetesVersion: "v1.24.0" },
          { serverVersion: "v1.27.0" },
        ],
        [/^error .*kube-proxy 1\.33 is/, { image: "example.com/kube-proxy:v1.33.1" }, {}],
        [/^warning .*newer than/, restart, applied({}, { serverVersion: "v1.36.1" })],
      ],
      silent: [
        [{ kubernetesVersion: "v1.34.0" }, {}],
        [{ kubernetesVersion: "v1.37.9" }, {}],
        [{}, { serverVersion: "v1.37.0+k3s1" }],
        [{ image: `example.com/kube-proxy@sha256:${"0".repeat(64)}` }, {}],
      ],
    },
    "kubelet-version": {
      fires: [
        [
          /^error .*Node node-1: kubelet v1\.33\.9 is more than 3 minors apart/,
          {},
          { nodes: withFirst({ ...system({ kubelet: "v1.33.9" }) }) },
        ],
        [
          /^error .*Nodes node-1, node-2, node-3, node-4, node-5, 2 more: kubelet v1\.30\.0/,
          {},
          { nodes: nodes(7, { ...system({ kubelet: "v1.30.0" }) }) },
        ],
      ],
      silent: [
        [{}, { nodes: nodes(2, { ...system({ kubelet: "v1.34.0" }) }) }],
        [{ nodeSelector: { new: "yes" } }, { nodes: nodes(2, { ...system({ kubelet: "v1.30.0" }) }) }],
      ],
    },
    "nftables-kernel": {
      fires: [
        [
          /^error .*Node node-1: kernel 5\.10\.0-21-amd64: /,
          { configuration: { mode: "nftables" } },
          { nodes: withFirst({ ...system({ kernel: "5.10.0-21-amd64" }) }) },
        ],
        [
          /^error .*kernel 4\.18/,
          { configuration: { mode: "nftables" } },
          { nodes: withFirst({ ...system({ kernel: "4.18.0" }) }) },
        ],
      ],
      silent: [
        [{}, { nodes: withFirst({ ...system({ kernel: "5.10.0" }) }) }],
        [{ configuration: { mode: "nftables" } }, { nodes: withFirst({ ...system({ kernel: "5.13.0" }) }) }],
        [
          {
            configuration: { mode: "nftables" },
            env: [{ name: "KUBE_PROXY_NFTABLES_SKIP_KERNEL_VERSION_CHECK", value: "1" }],
          },
          { nodes: withFirst({ ...system({ kernel: "5.10.0" }) }) },
        ],
      ],
    },
    "node-os": {
      fires: [
        [/^error .*Node node-1: windows, where/, {}, { nodes: withFirst({ ...system({ os: "windows" }) }) }],
      ],
      silent: [
        [
          {},
          {
            nodes: withFirst({
              labels: { "kubernetes.io/os": "windows" },
              ...system({ os: "windows" }),
            }),
          },
        ],
      ],
    },
    "node-architecture": {
      fires: [
        [
          /^warning .*Node node-1: architecture riscv64, for which there is no registry\.k8s\.io/,
          {},
          { nodes: withFirst({ ...system({ architecture: "riscv64" }) }) },
        ],
        [
          /^warning .*its nodes are amd64 and arm64; see that example\.com/,
          { image: "example.com/p:1" },
          { nodes: withFirst({ ...system({ architecture: "arm64" }) }) },
        ],
        [
          /^warning .*its nodes are amd64 and arm64/,
          { imageRepository: "registry.k8s.io" },
          { nodes: withFirst({ ...system({ architecture: "arm64" }) }) },
        ],
      ],
      silent: [
        [{}, { nodes: withFirst({ ...system({ architecture: "arm64" }) }) }],
        [{ image: "example.com/p:1" }, {}],
      ],
    },
  });
});
