import type { KindName } from "../../../components/service/kinds.ts";
import { reconcile } from "../world.ts";
import { byHand, type Fault, first, mirrored, slice, unready } from "./plant.ts";

/** Faults of EndpointSlices. */
export const sliceFaults: Partial<Record<KindName, Fault>> = {
  "no-slices": {
    has: (shop) => {
      byHand(shop);
      shop.slices = [];
    },
    near: byHand,
    says: /nobody has made an EndpointSlice/,
  },
  "not-mirrored": {
    has: (shop) => {
      mirrored(shop, 2, "label endpointslice.kubernetes.io/skip-mirror");
      shop.slices = [];
    },
    near: (shop) => {
      // Somebody has made the slices.
      mirrored(shop, 2, "label endpointslice.kubernetes.io/skip-mirror");
    },
    says: /2 addresses in Endpoints that have label endpointslice/,
  },
  "endpoints-cut": {
    has: (shop) => {
      mirrored(shop, 1001);
    },
    near: (shop) => {
      mirrored(shop, 1000);
    },
    says: /have 1001 addresses/,
  },
  "slices-missing": {
    has: (shop) => (shop.slices = []),
    near: (shop) => {
      unready(shop, "ContainersNotReady");
      shop.slices = [];
    },
    says: /^3 pods with its labels are Ready, and it has no EndpointSlice/,
  },
  "slices-behind": {
    has: (shop) => slice(shop).endpoints.pop(),
    near: (shop) => {
      // It has become Ready no more, and the slices know.
      first(shop.pods).terminating = true;
      reconcile(shop);
    },
    says: /^1 of 3 pods that are Ready is in none/,
  },
  "slice-readiness": {
    has: (shop) => {
      first(slice(shop).endpoints).ready = false;
    },
    near: (shop) => {
      shop.service.publishNotReady = true;
      first(shop.pods).terminating = true;
    },
    says: /is Ready, and does not count as ready/,
  },
  "slice-strange-pod": {
    has: (shop) =>
      slice(shop).endpoints.push({ ...first(slice(shop).endpoints), address: "10.244.1.250", pod: "gone" }),
    near: (shop) => slice(shop).endpoints.push({ ...first(slice(shop).endpoints) }),
    says: /such as 10\.244\.1\.250 of pod gone/,
  },
  "slice-foreign": {
    has: (shop) => {
      const foreign = structuredClone(slice(shop));
      foreign.endpoints = [{ ...first(foreign.endpoints), address: "192.0.2.9", pod: "" }];
      shop.slices.push({ ...foreign, name: "theirs", managedBy: "example.com/theirs" });
    },
    near: (shop) =>
      shop.slices.push({ ...structuredClone(slice(shop)), name: "theirs", managedBy: "", endpoints: [] }),
    says: /1 EndpointSlice of somebody else's \(example\.com\/theirs\) with 192\.0\.2\.9/,
  },
  "slice-not-ready": {
    has: (shop) => {
      byHand(shop);
      for (const endpoint of slice(shop).endpoints) Object.assign(endpoint, { ready: false, serving: false });
    },
    near: (shop) => {
      byHand(shop);
      for (const endpoint of slice(shop).endpoints)
        Object.assign(endpoint, { ready: false, terminating: true });
    },
    says: /^All 3 endpoints in its EndpointSlices are not ready/,
  },
  "slice-headless-label": {
    has: (shop) => {
      byHand(shop);
      slice(shop).hasHeadlessLabel = true;
    },
    near: byHand,
    says: /label service\.kubernetes\.io\/headless/,
  },
  "slice-no-ports": {
    has: (shop) => {
      byHand(shop);
      slice(shop).ports = [];
    },
    near: byHand,
    says: /have no port\.$/,
  },
  "slice-port-name": {
    has: (shop) => {
      byHand(shop);
      first(slice(shop).ports).name = "";
    },
    near: (shop) => {
      byHand(shop);
      slice(shop).ports.push({ name: "more", protocol: "TCP", port: 9 });
    },
    says: /is named "http", and the ports of its EndpointSlices "": kube-proxy goes by the name/,
  },
  "slice-port-protocol": {
    has: (shop) => {
      byHand(shop);
      first(slice(shop).ports).protocol = "UDP";
    },
    near: (shop) => {
      byHand(shop);
      slice(shop).ports.push({ name: "http", protocol: "UDP", port: 8080 });
    },
    says: /is 80\/TCP, and its EndpointSlices have 8080\/UDP/,
  },
  "slice-port-number": {
    has: (shop) => (first(slice(shop).ports).port = 8079),
    near: (shop) => {
      byHand(shop);
      first(slice(shop).ports).port = 8079;
    },
    says: /leads to 8080, and its EndpointSlices to 8079/,
  },
  "slice-fqdn": {
    has: (shop) => {
      byHand(shop);
      slice(shop).addressType = "FQDN";
    },
    near: (shop) => {
      byHand(shop);
      shop.slices.push({ ...structuredClone(slice(shop)), name: "names", addressType: "FQDN" });
    },
    says: /addressType FQDN/,
  },
  "slice-family": {
    has: (shop) => {
      byHand(shop);
      slice(shop).addressType = "IPv6";
    },
    near: (shop) => {
      byHand(shop);
      shop.slices.push({ ...structuredClone(slice(shop)), name: "other", addressType: "IPv6" });
    },
    says: /^Its EndpointSlices are IPv6, and it is IPv4\.$/,
  },
  "family-without-endpoints": {
    has: ({ service }) => Object.assign(service, { families: ["IPv6"], clusterIPs: ["fd00:10:96::7"] }),
    near: ({ pods }) => {
      for (const [index, pod] of pods.entries()) pod.addresses.push(`fd00:10:244:${index + 1}::7`);
    },
    says: /^It is IPv6, and its endpoints have IPv4 addresses alone/,
  },
};
