import type { KindName } from "../../../components/service/kinds.ts";
import { reconcile } from "../world.ts";
import { type Fault, first, port, slice, unready } from "./plant.ts";

/** Faults of a Service itself, its pods and their ports. */
export const podFaults: Partial<Record<KindName, Fault>> = {
  "external-name": {
    has: ({ service }) =>
      Object.assign(service, { type: "ExternalName", externalName: "db.example.com", clusterIPs: [] }),
    near: ({ service }) => (service.externalName = "db.example.com"),
    says: /^DNS answers with the name db\.example\.com\.$/,
  },
  "external-name-address": {
    has: ({ service }) =>
      Object.assign(service, { type: "ExternalName", externalName: "192.0.2.7", clusterIPs: [] }),
    near: ({ service }) => (service.externalName = "192.0.2.7"),
    says: /192\.0\.2\.7 is an address/,
  },
  headless: {
    has: (shop) => {
      shop.service.clusterIPs = ["None"];
      port(shop).targetPort = port(shop).port;
    },
    near: ({ service }) => (service.hasHeadlessLabel = true),
    says: /^It has no address of its own/,
  },
  "headless-target-port": {
    has: ({ service }) => (service.clusterIPs = ["None"]),
    near: (shop) => {
      // By a name DNS gives the port, too.
      shop.service.clusterIPs = ["None"];
      port(shop).targetPort = "main";
    },
    with: ["headless"],
    says: /^Its port http is 80, and its pods listen at 8080/,
  },
  "other-service-proxy": {
    has: ({ service }) => (service.proxyName = "mesh"),
    near: ({ service }) => (service.loadBalancerClass = "mesh"),
    says: /service-proxy-name is "mesh"/,
  },
  "headless-label": {
    has: ({ service }) => (service.hasHeadlessLabel = true),
    near: ({ service }) => Object.assign(service, { hasHeadlessLabel: true, clusterIPs: ["None"] }),
    says: /label service\.kubernetes\.io\/headless/,
  },
  terminating: {
    has: ({ service }) => (service.terminating = true),
    near: (shop) => {
      // One of its pods is, as in every rollout.
      first(shop.pods).terminating = true;
      reconcile(shop);
    },
    says: /^It is about to be deleted/,
  },
  "app-protocol": {
    has: (shop) => {
      for (const one of [port(shop), ...slice(shop).ports, ...shop.pods.flatMap(({ ports }) => ports)])
        one.protocol = "UDP";
      port(shop).appProtocol = "https";
    },
    near: (shop) => (port(shop).appProtocol = "https"),
    says: /^Its port http is UDP, and its appProtocol https/,
  },
  "selector-matches-nothing": {
    has: (shop) => {
      for (const pod of shop.pods) pod.labels = { app: shop.service.name };
      slice(shop).endpoints = [];
    },
    near: (shop) => {
      for (const pod of shop.pods.slice(1)) delete pod.labels["tier"];
      shop.pods = shop.pods.slice(0, 1);
      reconcile(shop);
    },
    says: /matches no pod; 3 pods in \S+ have app=\S+, none has tier=front\.$/,
  },
  "pods-ended": {
    has: (shop) => {
      for (const pod of shop.pods) Object.assign(pod, { phase: "Succeeded", ready: false });
      reconcile(shop);
    },
    near: (shop) => {
      Object.assign(first(shop.pods), { phase: "Failed", ready: false });
      reconcile(shop);
    },
    says: /^3 pods have its labels, and all have ended: 3 Succeeded\.$/,
  },
  "pods-unscheduled": {
    has: (shop) => {
      for (const pod of shop.pods) Object.assign(pod, { node: "", addresses: [], phase: "Pending" });
      unready(shop, "Unschedulable");
      slice(shop).endpoints = [];
    },
    near: (shop) => {
      // One of them alone.
      shop.pods.push({
        ...first(shop.pods),
        name: "new",
        node: "",
        addresses: [],
        phase: "Pending",
        ready: false,
      });
    },
    says: /has no node \(Unschedulable\)/,
  },
  "pods-image": {
    has: (shop) => {
      unready(shop, "ImagePullBackOff");
    },
    near: (shop) => {
      first(shop.pods).reason = "ImagePullBackOff";
    },
    says: /^All of its 3 pods are not Ready: 3 such as \S+ says ImagePullBackOff\.$/,
  },
  "pods-crash": {
    has: (shop) => {
      unready(shop, "CrashLoopBackOff");
    },
    near: (shop) => {
      first(shop.pods).reason = "CrashLoopBackOff";
    },
    says: /says CrashLoopBackOff/,
  },
  "pods-gates": {
    has: (shop) => {
      for (const pod of shop.pods) pod.closedGates = ["example.com/balanced"];
      unready(shop, "ReadinessGatesNotReady");
    },
    near: (shop) => {
      // The kubelet has the last word.
      for (const pod of shop.pods) pod.closedGates = ["example.com/balanced"];
    },
    says: /waits for example\.com\/balanced/,
  },
  "pods-on-dead-nodes": {
    has: (shop) => {
      for (const pod of shop.pods) pod.node = "node-6";
      unready(shop, "");
    },
    near: (shop) => {
      // One that has ended there.
      Object.assign(first(shop.pods), { node: "node-6", phase: "Failed", ready: false });
      reconcile(shop);
    },
    says: /are not Ready/,
  },
  "pods-not-ready": {
    has: (shop) => {
      unready(shop, "ContainersNotReady");
    },
    near: (shop) => {
      first(shop.pods).reason = "ContainersNotReady";
    },
    says: /says ContainersNotReady/,
  },
  "some-pods-not-ready": {
    has: (shop) => {
      unready(shop, "ContainersNotReady", 1);
    },
    near: (shop) => {
      first(shop.pods).terminating = true;
      unready(shop, "ContainersNotReady", 1);
    },
    says: /^1 of 3 pods is not Ready: \S+ says ContainersNotReady\.$/,
  },
  "pods-terminating": {
    has: (shop) => {
      for (const pod of shop.pods) pod.terminating = true;
      unready(shop, "");
    },
    near: (shop) => {
      for (const pod of shop.pods.slice(1)) pod.terminating = true;
      reconcile(shop);
    },
    says: /none is Ready any more/,
  },
  "pods-draining": {
    has: (shop) => {
      for (const pod of shop.pods) pod.terminating = true;
      reconcile(shop);
    },
    near: (shop) => {
      for (const pod of shop.pods.slice(1)) pod.terminating = true;
      reconcile(shop);
    },
    says: /^All of its 3 pods are about to end, and 3 still serve/,
  },
  "publishes-not-ready": {
    has: (shop) => {
      shop.service.publishNotReady = true;
      unready(shop, "ContainersNotReady", 1);
      for (const endpoint of slice(shop).endpoints) endpoint.ready = true;
    },
    near: ({ service }) => (service.publishNotReady = true),
    says: /^publishNotReadyAddresses is true/,
  },
  "ready-on-dead-node": {
    has: (shop) => {
      Object.assign(first(shop.pods), { node: "node-6", addresses: ["10.244.6.7"] });
      reconcile(shop);
    },
    near: (shop) => {
      Object.assign(first(shop.pods), { node: "node-6", addresses: ["10.244.6.7"], terminating: true });
      reconcile(shop);
    },
    says: /^Endpoints on node node-6 count as ready/,
  },
  "target-port-name": {
    has: (shop) => {
      port(shop).targetPort = "web";
      slice(shop).ports = [];
    },
    near: (shop) => (port(shop).targetPort = "main"),
    says: /leads to a container's port web\/TCP, which none of its pods declares; they declare metrics 9090\/TCP, main 8080\/TCP\./,
  },
  "target-port-protocol-name": {
    has: (shop) => {
      port(shop).targetPort = "main";
      for (const pod of shop.pods) for (const declared of pod.ports) declared.protocol = "UDP";
      slice(shop).ports = [];
    },
    near: (shop) => {
      port(shop).targetPort = "main";
      for (const pod of shop.pods) pod.ports.push({ name: "other", protocol: "UDP", port: 8080 });
    },
    says: /declare main as 8080\/UDP/,
  },
  "target-port-name-differs": {
    has: (shop) => {
      port(shop).targetPort = "main";
      first(shop.pods).ports = [];
    },
    near: (shop) => {
      // One of another make, which is about to end.
      port(shop).targetPort = "main";
      Object.assign(first(shop.pods), { ports: [], terminating: true });
      reconcile(shop);
    },
    says: /which 1 of its 3 pods do not declare/,
  },
  "target-port-undeclared": {
    has: (shop) => {
      for (const pod of shop.pods) pod.ports = [{ name: "", protocol: "TCP", port: 3000 }];
    },
    near: (shop) => {
      for (const pod of shop.pods) pod.ports = [];
    },
    says: /leads to 8080\/TCP, which none of its pods declares; they declare 3000\/TCP/,
  },
  "target-port-protocol": {
    has: (shop) => {
      for (const pod of shop.pods) pod.ports = [{ name: "", protocol: "UDP", port: 8080 }];
    },
    near: (shop) => {
      for (const pod of shop.pods) pod.ports.push({ name: "", protocol: "UDP", port: 8080 });
    },
    says: /declare 8080\/UDP/,
  },
  "duplicate-port-name": {
    has: (shop) => {
      port(shop).targetPort = "main";
      for (const pod of shop.pods) pod.ports.push({ name: "main", protocol: "TCP", port: 8081 });
    },
    near: (shop) => {
      port(shop).targetPort = "main";
      for (const pod of shop.pods) pod.ports.push({ name: "main", protocol: "TCP", port: 8080 });
    },
    says: /8080 and 8081\. The first one counts/,
  },
};
