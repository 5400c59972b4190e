import { BlockList, isIP } from "node:net";
import { listed } from "../input/problems.ts";
import { cidrFamily } from "../kubeadm/address.ts";
import { isWithin } from "../preflight/cidr.ts";
import { proxiesBeside } from "../preflight/otherProxies.ts";
import { count } from "./case.ts";
import type { Around } from "./facts.ts";
import { type Finding, finding } from "./finding.ts";

/** What concerns all Services of a cluster alike. */
export function diagnoseCluster(around: Around): Finding[] {
  return [...proxies(around), ...ranges(around)];
}

function proxies({ nodes, proxies: own, otherDaemonSets, staticPods, dataPlanes }: Around): Finding[] {
  if (own === undefined) return [];
  const running = own.filter(({ desired }) => desired > 0);
  const isThere = running.length > 0 || (staticPods ?? []).length > 0;
  const others = proxiesBeside({
    nodes: [...(nodes ?? [])],
    otherDaemonSets: [...(otherDaemonSets ?? [])],
    dataPlanes: [...(dataPlanes ?? [])],
  });
  const isAllKnown = [nodes, otherDaemonSets, staticPods, dataPlanes].every((part) => part !== undefined);
  const found = others.map(({ object, wrong }) =>
    finding(isThere ? "two-proxies" : "other-proxy", {
      object,
      words: isThere
        ? `Beside kube-proxy there is ${object}: ${wrong}.`
        : `There is no kube-proxy, and there is ${object}: ${wrong}.`,
      next: { words: "Look there why a Service does not answer", command: null },
    }),
  );
  const late = running.filter(({ available, desired }) => available < desired);
  return [
    ...found,
    ...(isThere || others.length > 0 || !isAllKnown
      ? []
      : [
          finding("no-kube-proxy", {
            object: own[0] === undefined ? "Namespace kube-system" : `DaemonSet kube-system/${own[0].name}`,
            words:
              own.length === 0
                ? "There is no DaemonSet of kube-proxy (label k8s-app=kube-proxy on its pods) in kube-system."
                : `No node is to have a pod of ${listed(own.map(({ name }) => `DaemonSet ${name}`))}: somebody has switched it off.`,
            next: { words: "See docs/provision.md", command: null },
          }),
        ]),
    ...late.map(({ name, available, desired }) =>
      finding("kube-proxy-not-ready", {
        object: `DaemonSet kube-system/${name}`,
        words: `${desired - available} of ${count(desired, "pod")} of DaemonSet ${name} ${desired - available === 1 ? "is" : "are"} not Ready: what has changed since does not reach their nodes.`,
        next: { words: "See which nodes", command: "npm run --silent doctor" },
      }),
    ),
  ];
}

/** Ranges that overlap: who asks for an address of one may be led by the other. */
function ranges({ nodes = [], serviceCIDRs = [] }: Around): Finding[] {
  const next = { words: "Give one of them another range", command: null };
  const addresses = nodes.flatMap(({ name, addresses: own = [] }) =>
    own.filter((address) => isIP(address) !== 0).map((address) => ({ name, address })),
  );
  const pods = nodes.flatMap(({ name, podCIDRs = [] }) => podCIDRs.map((cidr) => ({ name, cidr })));
  const inServices = addresses.find(({ address }) => serviceCIDRs.some((range) => isWithin(address, range)));
  const podsInServices = pods.find(({ cidr }) =>
    serviceCIDRs.some((range) => isWithin(cidr, range) || isWithin(range, cidr)),
  );
  const inPods = firstWithin(addresses, pods);
  return [
    ...(inServices === undefined
      ? []
      : [
          finding("service-range-has-nodes", {
            object: `Node ${inServices.name}`,
            words: `Its address ${inServices.address} is in the Services' ranges ${listed(serviceCIDRs)}: a Service may get it.`,
            next,
          }),
        ]),
    ...(podsInServices === undefined
      ? []
      : [
          finding("service-range-has-pods", {
            object: `Node ${podsInServices.name}`,
            words: `Its pods' range ${podsInServices.cidr} overlaps with the Services' ranges ${listed(serviceCIDRs)}.`,
            next,
          }),
        ]),
    ...(inPods === undefined
      ? []
      : [
          finding("pod-range-has-nodes", {
            object: `Node ${inPods.name}`,
            words: `Its address ${inPods.address} is in the range ${inPods.cidr} of pods.`,
            next,
          }),
        ]),
  ];
}

/** The first address in one of the ranges; one list of all of them is asked, since both are as many as the nodes. */
function firstWithin(
  addresses: readonly { readonly name: string; readonly address: string }[],
  cidrs: readonly { readonly cidr: string }[],
): { readonly name: string; readonly address: string; readonly cidr: string } | undefined {
  const all = new BlockList();
  for (const { cidr } of cidrs) {
    const [network = "", length] = cidr.split("/");
    const family = cidrFamily(cidr);
    if (family !== undefined) all.addSubnet(network, Number(length), `ipv${family}`);
  }
  const found = addresses.find(({ address }) => all.check(address, isIP(address) === 4 ? "ipv4" : "ipv6"));
  const range = found && cidrs.find(({ cidr }) => isWithin(found.address, cidr));
  return found && range && { ...found, cidr: range.cidr };
}
