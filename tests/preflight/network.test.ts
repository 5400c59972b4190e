import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { check, findings, nodes, testCases, well, withFirst } from "./fixtures.ts";

const kubeadm = (networking: string) => `apiVersion: kubeadm.k8s.io/v1beta4\nnetworking:\n  ${networking}\n`;
const controlPlane = { labels: { "node-role.kubernetes.io/control-plane": "" } };

test("before API servers tell their addresses, an unknown one is no slip", () => {
  const { apiServers, ...older } = well;
  const unlike = { controlPlaneEndpoint: "192.0.2.11" };
  assert.match(findings(unlike, {}).join(), /endpoint-unknown/);
  assert.deepEqual(check(unlike, older, {}, older).problems, []);
});

suite("checks of network", () => {
  testCases({
    "pod-subnet": {
      fires: [
        [
          /^error .*clusterCIDR is 10\.244\.0\.0\/16, but kubeadm's podSubnet is 10\.0\.0\.0\/8/,
          {},
          { clusterConfiguration: kubeadm("podSubnet: 10.0.0.0/8") },
        ],
        [
          /^error .*Node node-1: podCIDR 10\.245\.0\.0\/24 is outside/,
          {},
          { nodes: withFirst({ podCIDRs: ["10.245.0.0/24"] }) },
        ],
      ],
      silent: [
        [{}, { clusterConfiguration: kubeadm("podSubnet: 10.244.0.0/16") }],
        [{}, { clusterConfiguration: ": no YAML: [" }],
        [
          { podSubnet: "10.244.0.0/16,fd00::/48" },
          { clusterConfiguration: kubeadm('podSubnet: "fd00::/48, 10.244.0.0/16"') },
        ],
        [
          { configuration: { detectLocalMode: "NodeCIDR" } },
          { nodes: withFirst({ podCIDRs: ["10.245.0.0/24"] }) },
        ],
        [{}, { nodes: withFirst({ podCIDRs: ["10.244.1.0/24", "fd00::/64"] }) }],
      ],
    },
    "ip-families": {
      fires: [
        [
          /^error .*clusterCIDR has no IPv6, but Services have: kube-proxy exits/,
          {},
          { serviceCIDRs: ["fd00:96::/112"] },
        ],
        [
          /^warning .*clusterCIDR has no IPv6, but Services have: pods' traffic/,
          {},
          { serviceCIDRs: ["10.96.0.0/16", "fd00:96::/112"] },
        ],
      ],
      silent: [
        [{ podSubnet: "10.244.0.0/16,fd00::/48" }, { serviceCIDRs: ["10.96.0.0/16", "fd00:96::/112"] }],
      ],
    },
    "endpoint-service-ip": {
      fires: [
        [
          /^error .*controlPlaneEndpoint: 10\.96\.0\.1 is a Service/,
          { controlPlaneEndpoint: "10.96.0.1:443" },
          {},
        ],
        [
          /^error .*kubernetes\.default\.svc is a Service/,
          { controlPlaneEndpoint: "kubernetes.default.svc" },
          {},
        ],
      ],
      silent: [[{ controlPlaneEndpoint: "kubernetes.example.com" }, {}]],
    },
    "endpoint-unknown": {
      fires: [
        [
          /^error .*192\.0\.2\.11 is no address that this cluster knows/,
          { controlPlaneEndpoint: "192.0.2.11" },
          {},
        ],
        [
          /^warning .*192\.0\.2\.10 is not what kubeadm gave the nodes, api\.example\.com/,
          {},
          { clusterConfiguration: "controlPlaneEndpoint: api.example.com:6443" },
        ],
      ],
      silent: [
        [{ controlPlaneEndpoint: "api.example.com" }, {}],
        [{ controlPlaneEndpoint: "127.0.0.1:7443" }, {}],
        [{ controlPlaneEndpoint: "10.96.0.1" }, {}],
        [{ controlPlaneEndpoint: "192.0.2.11" }, { server: "https://192.0.2.11:6443" }],
        [{ controlPlaneEndpoint: "[2001:db8::1]:6443" }, { server: "https://[2001:db8::1]:6443" }],
        [
          { controlPlaneEndpoint: "192.0.2.11" },
          { clusterConfiguration: "controlPlaneEndpoint: 192.0.2.11:6443" },
        ],
        [{ controlPlaneEndpoint: "198.18.0.1" }, {}],
        [
          { controlPlaneEndpoint: "192.0.2.11" },
          {
            configMaps: [
              {
                name: "kube-proxy",
                resourceVersion: "1",
                data: { "kubeconfig.conf": "    server: https://192.0.2.11:6443" },
              },
            ],
          },
        ],
      ],
    },
    "endpoint-single-node": {
      fires: [
        [
          /^warning .*Node node-1: is one of 2 control planes/,
          { controlPlaneEndpoint: "198.18.0.1" },
          { nodes: nodes(2, controlPlane) },
        ],
      ],
      silent: [
        [{ controlPlaneEndpoint: "198.18.0.1" }, { nodes: withFirst(controlPlane) }],
        [{}, { nodes: nodes(2, controlPlane) }],
      ],
    },
  });
});
