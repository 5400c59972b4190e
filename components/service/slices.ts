import { shellWord } from "../input/printable.ts";
import { listed } from "../input/problems.ts";
import { type Case, count, type Finder, hasSelector, isDraining, isTaken, kubectl, nameOf } from "./case.ts";
import type { Pod, Slice } from "./facts.ts";
import { type Finding, finding, type Next } from "./finding.ts";
import { Severity } from "./weights.ts";

/** Who makes EndpointSlices of pods, and of Endpoints, by label `endpointslice.kubernetes.io/managed-by`. */
const ofPods = "endpointslice-controller.k8s.io";
const ofEndpoints = "endpointslicemirroring-controller.k8s.io";

/** Addresses of a subset of Endpoints of which EndpointSlices are made. Source: the controller's default. */
const mostMirrored = 1000;

/** EndpointSlices that are not as the Service's pods are. */
export const slicesOfPods: Finder = {
  needs: ["slices", "pods"],
  find: (one) => {
    if (!hasSelector(one.service)) return [];
    const own = one.slices.filter(({ managedBy }) => managedBy === ofPods);
    const foreign = one.slices.filter((slice) => slice.managedBy !== ofPods && slice.endpoints.length > 0);
    const ready = one.livePods.filter((pod) => isExpected(pod, one));
    if (one.slices.length === 0) {
      return ready.length === 0
        ? []
        : [
            finding("slices-missing", {
              object: nameOf(one.service),
              words: `${count(ready.length, "pod")} with its labels ${ready.length === 1 ? "is" : "are"} Ready, and it has no EndpointSlice: ${behind}.`,
              next: seeController,
            }),
          ];
    }
    return [
      ...lacking(one, own, ready),
      ...strangers(one, own),
      ...contradictions(one, own),
      ...beside(one, foreign),
    ];
  },
};

const behind = "the EndpointSlice controller is behind or does not run";
const seeController: Next = {
  words: "Ask again in a moment; then look at the controller manager",
  command: "kubectl -n kube-system logs -l component=kube-controller-manager --tail 50",
};

/** Whether a pod should be an endpoint that is ready. */
function isExpected({ ready, terminating, addresses }: Pod, { service }: Case): boolean {
  return ready && !terminating && addresses.some((address) => isOfFamily(address, service.families));
}

function isOfFamily(address: string, families: readonly string[]): boolean {
  return families.includes(address.includes(":") ? "IPv6" : "IPv4");
}

function lacking({ service }: Case, own: readonly Slice[], ready: readonly Pod[]): Finding[] {
  const addresses = new Set(own.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)));
  const absent = ready.filter((pod) => !pod.addresses.some((address) => addresses.has(address)));
  return absent.length === 0
    ? []
    : [
        finding("slices-behind", {
          object: nameOf(service),
          words: `${absent.length} of ${ready.length} pods that are Ready ${absent.length === 1 ? "is" : "are"} in none of its EndpointSlices, such as ${absent[0]?.name ?? ""}: ${behind}.`,
          next: seeController,
          ...(absent.length === ready.length && { severity: Severity.stops }),
        }),
      ];
}

/** Endpoints of pods that are gone, or have another address. */
function strangers({ service, lookup }: Case, own: readonly Slice[]): Finding[] {
  const strange = own.flatMap(({ endpoints }) =>
    endpoints.filter(
      ({ pod, address }) =>
        pod !== "" && !(lookup.pod(service.namespace, pod)?.addresses.includes(address) ?? false),
    ),
  );
  const [first] = strange;
  return first === undefined
    ? []
    : [
        finding("slice-strange-pod", {
          object: nameOf(service),
          words: `${count(strange.length, "endpoint")} in its EndpointSlices, such as ${first.address} of pod ${first.pod}, ${strange.length === 1 ? "is" : "are"} no pod's any more: ${behind}.`,
          next: seeController,
        }),
      ];
}

/** Endpoints that are said to be ready, or not, otherwise than their pods say. */
function contradictions({ service, lookup }: Case, own: readonly Slice[]): Finding[] {
  if (service.publishNotReady) return [];
  const wrong = own.flatMap(({ endpoints }) =>
    endpoints.filter(({ pod: name, address, ready }) => {
      const pod = lookup.pod(service.namespace, name);
      return pod?.addresses.includes(address) === true && ready !== (pod.ready && !pod.terminating);
    }),
  );
  const [first] = wrong;
  if (first === undefined) return [];
  const saysReady = own.some(({ endpoints }) => endpoints.some(({ ready }) => ready));
  return [
    finding("slice-readiness", {
      object: nameOf(service),
      words: `Of ${count(wrong.length, "endpoint")} its EndpointSlices say otherwise than the pod: ${first.pod} is ${first.ready ? "not Ready, and counts as ready" : "Ready, and does not count as ready"}: ${behind}.`,
      next: seeController,
      ...(!saysReady && { severity: Severity.stops }),
    }),
  ];
}

function beside({ service }: Case, foreign: readonly Slice[]): Finding[] {
  const [first] = foreign;
  if (first === undefined) return [];
  const addresses = foreign.flatMap(({ endpoints }) => endpoints.map(({ address }) => address));
  return [
    finding("slice-foreign", {
      object: `EndpointSlice ${first.namespace}/${first.name}`,
      words: `It has a selector, and ${count(foreign.length, "EndpointSlice")} of somebody else's (${first.managedBy || "without label managed-by"}) with ${listed(addresses, 3)}: some connections go there.`,
      next: {
        words: "See whose it is",
        command: kubectl(service, `get endpointslice ${shellWord(first.name)} -o yaml`),
      },
    }),
  ];
}

/** Services without a selector, whose EndpointSlices somebody makes, or a controller of Endpoints. */
export const slicesByHand: Finder = {
  needs: ["slices", "endpoints"],
  find: (one) => {
    const { service, slices, endpoints } = one;
    if (hasSelector(service)) return [];
    const object = nameOf(service);
    const number = endpoints?.addresses ?? 0;
    if (slices.length === 0) {
      return [
        endpoints !== undefined && number > 0 && endpoints.notMirrored !== ""
          ? finding("not-mirrored", {
              object: `Endpoints ${service.namespace}/${service.name}`,
              words: `It has no selector, and ${number === 1 ? "an address" : `${number} addresses`} in Endpoints that have ${endpoints.notMirrored}: no EndpointSlice is made of them.`,
              next: { words: "Take that away, or make an EndpointSlice", command: null },
            })
          : finding("no-slices", {
              object,
              words:
                number > 0
                  ? "It has no selector, and of its Endpoints no EndpointSlice has been made: the mirroring controller is behind or does not run."
                  : "It has no selector, and nobody has made an EndpointSlice with its label kubernetes.io/service-name.",
              next:
                number > 0
                  ? seeController
                  : {
                      words: "Give it a selector",
                      command: kubectl(service, `edit service ${shellWord(service.name)}`),
                    },
            }),
      ];
    }
    const isMirrored = slices.some(({ managedBy }) => managedBy === ofEndpoints);
    return isMirrored && number > mostMirrored
      ? [
          finding("endpoints-cut", {
            object: `Endpoints ${service.namespace}/${service.name}`,
            words: `Its Endpoints have ${number} addresses in a subset, and EndpointSlices are made of the first ${mostMirrored}.`,
            next: { words: "Make EndpointSlices in the place of Endpoints", command: null },
          }),
        ]
      : [];
  },
};

/** EndpointSlices that kube-proxy leaves out, and such without an endpoint to lead to. */
export const takenSlices: Finder = {
  needs: ["slices"],
  find: (one) => {
    const { service, slices, lookup } = one;
    // Why pods are not ready is told of the pods, where those could be read.
    const isTold = hasSelector(service) && lookup.facts.pods !== undefined;
    if (slices.length === 0 && (isTold || !hasSelector(service))) return [];
    const next: Next = {
      words: "Look at them",
      command: kubectl(
        service,
        `get endpointslices -l kubernetes.io/service-name=${shellWord(service.name)} -o yaml`,
      ),
    };
    const taken = slices.filter((slice) => isTaken(slice, service));
    if (taken.length === 0 && slices.length > 0) return [notTaken(one, next)];
    const endpoints = taken.flatMap((slice) => slice.endpoints);
    return isTold || endpoints.some((endpoint) => endpoint.ready || isDraining(endpoint))
      ? []
      : [
          finding("slice-not-ready", {
            object: nameOf(service),
            words:
              endpoints.length === 0
                ? "There is no endpoint in its EndpointSlices."
                : `${endpoints.length === 1 ? "The endpoint in its EndpointSlices is" : `All ${endpoints.length} endpoints in its EndpointSlices are`} not ready (conditions.ready is false).`,
            next,
          }),
        ];
  },
};

function notTaken({ service, slices }: Case, next: Next): Finding {
  const object = nameOf(service);
  const types = [...new Set(slices.map(({ addressType }) => addressType))];
  if (
    slices.some(
      ({ hasHeadlessLabel, addressType }) => hasHeadlessLabel && service.families.includes(addressType),
    )
  ) {
    return finding("slice-headless-label", {
      object,
      words:
        "Its EndpointSlices have label service.kubernetes.io/headless, by which kube-proxy leaves them out.",
      next: { ...next, words: "Take the label away" },
    });
  }
  return types.every((type) => type === "FQDN")
    ? finding("slice-fqdn", {
        object,
        words: "Its EndpointSlices are of addressType FQDN.",
        next: { ...next, words: "Give them addresses, of addressType IPv4 or IPv6" },
      })
    : finding("slice-family", {
        object,
        words: `Its EndpointSlices are ${types.join(" and ")}, and it is ${service.families.join(" and ")}.`,
        next: { ...next, words: "Make one with addresses of its family" },
      });
}
