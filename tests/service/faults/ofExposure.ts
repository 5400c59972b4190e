import type { KindName } from "../../../components/service/kinds.ts";
import { reconcile } from "../world.ts";
import { balanced, type Fault, first, hint, policy, port } from "./plant.ts";

/** Faults of what stands between a Service and those who ask it. */
export const exposureFaults: Partial<Record<KindName, Fault>> = {
  "internal-local": {
    has: ({ service }) => (service.internalLocal = true),
    near: ({ service }) => (service.externalLocal = true),
    says: /^internalTrafficPolicy is Local, and 2 of 6 nodes have no endpoint of their own, such as node-4, node-5/,
  },
  "external-local": {
    has: (shop) => {
      Object.assign(shop.service, { externalLocal: true, type: "NodePort" });
      port(shop).nodePort = 30_080;
    },
    near: (shop) => {
      shop.service.type = "NodePort";
      port(shop).nodePort = 30_080;
    },
    says: /these drop what comes to their NodePort/,
  },
  "hints-without-zone": {
    has: (shop) => {
      hint(shop, ["a", "b", "b"]);
    },
    near: (shop) => {
      hint(shop, ["a", "b", "c"]);
    },
    says: /^No endpoint has a hint for zone c/,
  },
  "hints-incomplete": {
    has: (shop) => {
      hint(shop, ["a", "b"]);
    },
    near: (shop) => {
      hint(shop, ["a", "b", "c"]);
    },
    says: /^1 of 3 endpoints that are ready have no hint/,
  },
  "session-affinity": {
    has: ({ service }) => (service.affinitySeconds = 10_800),
    near: ({ service }) => (service.affinitySeconds = 0),
    says: /for 10800 s/,
  },
  "single-family": {
    has: ({ service }) => (service.familyPolicy = "PreferDualStack"),
    near: (shop) => {
      const { service, pods } = shop;
      Object.assign(service, { familyPolicy: "PreferDualStack", families: ["IPv4", "IPv6"] });
      service.clusterIPs.push("fd00:10:96::8");
      for (const [index, pod] of pods.entries()) pod.addresses.push(`fd00:10:244:${index + 1}::8`);
    },
    says: /IPv4 address alone/,
  },
  "balancer-pending": {
    has: (shop) => {
      balanced(shop, "");
    },
    near: (shop) => {
      balanced(shop);
    },
    says: /has no address from outside yet/,
  },
  "balancer-proxies": {
    has: (shop) => {
      balanced(shop);
      first(shop.service.balancers).isProxy = true;
    },
    near: (shop) => {
      balanced(shop);
    },
    says: /203\.0\.113\.7 is of ipMode Proxy/,
  },
  "source-ranges": {
    has: (shop) => {
      balanced(shop);
      shop.service.sourceRanges = ["192.0.2.0/24"];
    },
    near: (shop) => {
      balanced(shop);
      shop.service.sourceRanges = ["0.0.0.0/0"];
    },
    says: /lets in 192\.0\.2\.0\/24, and nobody else/,
  },
  "no-health-check-port": {
    has: (shop) => {
      balanced(shop);
      shop.service.externalLocal = true;
    },
    near: (shop) => {
      balanced(shop);
      shop.service.healthCheckNodePort = 0;
    },
    with: ["external-local"],
    says: /has no healthCheckNodePort/,
  },
  "external-ip": {
    has: ({ service }) => (service.externalIPs = ["203.0.113.9"]),
    near: ({ service }) => (service.externalIPs = ["198.18.0.2"]),
    says: /^No node has its externalIP 203\.0\.113\.9/,
  },
  "policy-nothing": {
    has: (shop) => {
      policy(shop, []);
    },
    near: (shop) => {
      // It says nothing of what is let in.
      policy(shop, undefined);
    },
    says: /^NetworkPolicy \S+-policy selects all of its pods and lets nobody in\. Whether/,
  },
  "policy-port": {
    has: (shop) => {
      policy(shop, [{ fromAll: true, ports: [{ protocol: "TCP", port: 80, endPort: undefined }] }]);
    },
    near: (shop) => {
      policy(shop, [{ fromAll: true, ports: [{ protocol: "TCP", port: 8000, endPort: 8100 }] }]);
    },
    says: /lets nobody in where its port http leads/,
  },
  "policy-some": {
    has: (shop) => {
      first(shop.pods).labels["canary"] = shop.service.name;
      const label = { canary: shop.service.name };
      const { namespace, name } = shop.service;
      shop.policies.push({ namespace, name: `${name}-policy`, pods: { matchLabels: label }, ingress: [] });
    },
    near: (shop) => {
      const { namespace, name } = shop.service;
      const pods = { matchLabels: { canary: shop.service.name } };
      shop.policies.push({ namespace, name: `${name}-policy`, pods, ingress: [] });
    },
    says: /nobody in to 1 of its 3 pods/,
  },
  "policy-peers": {
    has: (shop) => {
      policy(shop, [{ fromAll: false, ports: [{ protocol: "TCP", port: "main", endPort: undefined }] }]);
    },
    near: (shop) => {
      policy(shop, [{ fromAll: false, ports: [] }]);
      policy(shop, [{ fromAll: true, ports: [] }]);
    },
    says: /lets in some pods, namespaces or addresses/,
  },
  "cluster-ip-outside": {
    has: ({ service }) => (service.clusterIPs = ["10.97.0.1"]),
    near: ({ service }) => (service.clusterIPs = ["10.96.255.255"]),
    says: /10\.97\.0\.1 is outside/,
  },
  "address-outside": {
    has: (shop) => {
      first(shop.pods).addresses = ["10.250.0.1"];
      reconcile(shop);
    },
    near: (shop) => {
      Object.assign(first(shop.pods), { hostNetwork: true, addresses: ["198.18.0.1"] });
      reconcile(shop);
    },
    says: /with 10\.250\.0\.1/,
  },
};
