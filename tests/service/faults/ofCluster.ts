import type { KindName } from "../../../components/service/kinds.ts";
import { type Town } from "../world.ts";
import { first } from "./plant.ts";

/** Faults of a cluster, which concern all of its Services alike. */
export const clusterFaults: Partial<
  Record<KindName, { has: (town: Town) => void; near: (town: Town) => void; says: RegExp }>
> = {
  "no-kube-proxy": {
    has: (town) => (town.proxies = []),
    near: (town) => {
      town.proxies = [];
      town.staticPods = [{ namespace: "kube-system", name: "kube-proxy-node-1" }];
    },
    says: /^There is no DaemonSet of kube-proxy/,
  },
  "kube-proxy-not-ready": {
    has: (town) => Object.assign(first(town.proxies ?? []), { available: 3 }),
    near: (town) =>
      town.proxies?.push({ name: "kube-proxy-gone", desired: 0, available: 0, nodePortAddresses: [] }),
    says: /^2 of 5 pods of DaemonSet kube-proxy are not Ready/,
  },
  "other-proxy": {
    has: (town) => {
      town.proxies = [];
      town.dataPlanes = [{ plugin: "Cilium", setting: "kube-proxy-replacement", value: "true" }];
    },
    near: (town) =>
      (town.dataPlanes = [{ plugin: "Cilium", setting: "kube-proxy-replacement", value: "false" }]),
    says: /^There is no kube-proxy, and there is Cilium/,
  },
  "two-proxies": {
    has: (town) => (town.dataPlanes = [{ plugin: "Calico", setting: "bpfEnabled", value: "true" }]),
    near: (town) => (town.dataPlanes = [{ plugin: "Calico", setting: "bpfEnabled", value: "false" }]),
    says: /^Beside kube-proxy there is Calico/,
  },
  "service-range-has-nodes": {
    has: (town) => first(town.nodes).addresses?.push("10.96.3.3"),
    near: (town) => first(town.nodes).addresses?.push("10.95.3.3"),
    says: /^Its address 10\.96\.3\.3 is in the Services' ranges/,
  },
  "service-range-has-pods": {
    has: (town) => town.serviceCIDRs?.push("10.244.0.0/16"),
    near: (town) => town.serviceCIDRs?.push("10.245.0.0/16"),
    says: /^Its pods' range 10\.244\.1\.0\/24 overlaps/,
  },
  "pod-range-has-nodes": {
    has: (town) => first(town.nodes).addresses?.push("10.244.2.9"),
    near: (town) => first(town.nodes).addresses?.push("10.244.99.9"),
    says: /^Its address 10\.244\.2\.9 is in the range 10\.244\.2\.0\/24/,
  },
};
