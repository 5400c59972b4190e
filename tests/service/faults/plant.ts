/** How faults are put into a Service. */
import type { Finding } from "../../../components/service/finding.ts";
import type { KindName } from "../../../components/service/kinds.ts";
import { reconcile, type Shop } from "../world.ts";

/** A fault of one kind, and what looks like it and is none. */
export interface Fault {
  /** Puts it into a Service that answers. */
  readonly has: (shop: Shop) => void;
  /** Puts in what looks like it and is none. */
  readonly near: (shop: Shop) => void;
  /** Kinds that go with it. */
  readonly with?: readonly KindName[];
  /** What it says of the object that has it. */
  readonly says: RegExp;
  /** How much it weighs there, where that is not what its kind does. */
  readonly severity?: Finding["severity"];
}

export const port = (shop: Shop) => first(shop.service.ports);
export const slice = (shop: Shop) => first(shop.slices);

export function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error("there is none");
  return item;
}

export function unready(shop: Shop, reason: string, count = shop.pods.length): void {
  for (const pod of shop.pods.slice(0, count)) Object.assign(pod, { ready: false, reason });
  reconcile(shop);
}

/** Without pods: the endpoints are somebody's own. */
export function byHand(shop: Shop): void {
  shop.service.selector = {};
  shop.pods = [];
  for (const one of shop.slices) {
    one.managedBy = "";
    for (const endpoint of one.endpoints) Object.assign(endpoint, { pod: "", node: "" });
  }
}

export function mirrored(shop: Shop, addresses: number, notMirrored = ""): void {
  byHand(shop);
  const { namespace, name } = shop.service;
  shop.endpoints = [{ namespace, name, addresses, notMirrored }];
  for (const one of shop.slices) one.managedBy = "endpointslicemirroring-controller.k8s.io";
}

export function policy(
  shop: Shop,
  ingress: Shop["policies"][number]["ingress"],
  label = { app: shop.service.name },
): void {
  const { namespace, name } = shop.service;
  shop.policies.push({ namespace, name: `${name}-policy`, pods: { matchLabels: label }, ingress });
}

export function balanced(shop: Shop, address = "203.0.113.7"): void {
  shop.service.type = "LoadBalancer";
  shop.service.balancers = address === "" ? [] : [{ address, isProxy: false }];
  port(shop).nodePort = 30_080;
}

export function hint(shop: Shop, zones: readonly string[]): void {
  shop.service.trafficDistribution = "PreferSameZone";
  slice(shop).endpoints.forEach((endpoint, index) => {
    const zone = zones[index];
    endpoint.zoneHints = zone === undefined ? [] : [zone];
  });
}
