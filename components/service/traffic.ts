import { shellWord } from "../input/printable.ts";
import { listed } from "../input/problems.ts";
import { type Case, type Finder, isDraining, kubectl, nameOf, usedEndpoints } from "./case.ts";
import { type Finding, finding } from "./finding.ts";
import { Severity } from "./weights.ts";

/** Label of a node's zone. */
const zoneLabel = "topology.kubernetes.io/zone";

/**
 * Nodes from which a Service leads nowhere: with the policy Local those without an endpoint of their own, be it one that is
 * about to end and serves.
 *
 * Source: `CategorizeEndpoints` in pkg/proxy/topology.go; KEP-2086 (internalTrafficPolicy), KEP-1669. Without an endpoint a
 * node answers a load balancer's question at healthCheckNodePort with 503, so that it is sent nothing.
 */
export const localPolicies: Finder = {
  needs: ["slices", "nodes"],
  find: (one) => {
    const { service } = one;
    const { internalLocal, externalLocal, type } = service;
    if (!internalLocal && !externalLocal) return [];
    const lacking = nodesWithout(one);
    const all = (one.lookup.facts.nodes ?? []).length;
    if (lacking.length === 0) return [];
    const where = `${lacking.length} of ${all} nodes have no endpoint of their own, such as ${listed(lacking, 3)}`;
    const next = {
      words: "See on which nodes its endpoints are",
      command: kubectl(
        service,
        `get endpointslices -l kubernetes.io/service-name=${shellWord(service.name)} -o yaml`,
      ),
    };
    const found: Finding[] = [];
    if (internalLocal) {
      const words = `internalTrafficPolicy is Local, and ${where}: pods there get no answer at its address.`;
      found.push(finding("internal-local", { object: nameOf(service), words, next }));
    }
    if (externalLocal && type !== "ClusterIP") {
      const isBalanced = type === "LoadBalancer";
      const words = `externalTrafficPolicy is Local, and ${where}: ${
        isBalanced
          ? `its load balancer has to leave these out, by healthCheckNodePort ${service.healthCheckNodePort}`
          : "these drop what comes to their NodePort from outside"
      }.`;
      const severity = isBalanced ? { severity: Severity.remark } : {};
      found.push(finding("external-local", { object: nameOf(service), words, next, ...severity }));
    }
    return found;
  },
};

function nodesWithout({ service, slices, lookup }: Case): string[] {
  const having = new Set(
    slices
      .filter(({ addressType }) => service.families.includes(addressType))
      .flatMap(({ endpoints }) =>
        endpoints.filter((endpoint) => endpoint.ready || isDraining(endpoint)).map(({ node }) => node),
      ),
  );
  return (lookup.facts.nodes ?? [])
    .filter(({ name, ready }) => ready === "True" && !having.has(name))
    .map(({ name }) => name);
}

/**
 * Hints by which nodes keep to the endpoints of their zone. Nobody is left without an answer by them: kube-proxy uses all
 * endpoints where one lacks a hint, and where there is none for the node's zone.
 *
 * Source: `topologyModeFromHints` in pkg/proxy/topology.go; KEP-4444 (trafficDistribution), KEP-2433 (topology hints).
 */
export const hints: Finder = {
  needs: ["slices", "nodes"],
  find: (one) => {
    const { service, lookup } = one;
    const ready = usedEndpoints(one).filter((endpoint) => endpoint.ready);
    const object = nameOf(service);
    const hinted = ready.filter(({ zoneHints, nodeHints }) => zoneHints.length + nodeHints.length > 0);
    if (ready.length === 0 || (service.trafficDistribution === "" && hinted.length === 0)) return [];
    if (hinted.length < ready.length) {
      return [
        finding("hints-incomplete", {
          object,
          words: `${ready.length - hinted.length} of ${ready.length} endpoints that are ready have no hint for a zone: all nodes use all of them, whatever ${service.trafficDistribution || "its hints"} would prefer.`,
          next: { words: "See whether the nodes have a zone", command: `kubectl get nodes -L ${zoneLabel}` },
        }),
      ];
    }
    const zones = new Set(ready.flatMap(({ zoneHints }) => zoneHints));
    const nodes = (lookup.facts.nodes ?? []).filter(({ ready: isReady }) => isReady === "True");
    const without = new Set(
      nodes.flatMap(({ labels }) => labels[zoneLabel] ?? []).filter((zone) => !zones.has(zone)),
    );
    return zones.size === 0 || without.size === 0
      ? []
      : [
          finding("hints-without-zone", {
            object,
            words: `No endpoint has a hint for ${without.size === 1 ? "zone" : "zones"} ${listed([...without].sort())}: nodes there use those of all zones.`,
            next: { words: "See where its pods are", command: kubectl(service, "get pods -o wide") },
          }),
        ];
  },
};

/** Clients that keep to their endpoint. Source: the Service API, sessionAffinity. */
export const affinity: Finder = {
  needs: [],
  find: ({ service }) =>
    service.affinitySeconds === 0
      ? []
      : [
          finding("session-affinity", {
            object: nameOf(service),
            words: `sessionAffinity is ClientIP, for ${service.affinitySeconds} s: another client may be answered by another endpoint, or not at all.`,
          }),
        ],
};
