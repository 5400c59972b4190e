import { shellWord } from "../input/printable.ts";
import { type Case, type Finder, hasSelector, isTaken, kubectl, nameOf, portNamed } from "./case.ts";
import type { ServicePort, Slice, SlicePort } from "./facts.ts";
import { type Finding, finding, type Next } from "./finding.ts";
import { Severity } from "./weights.ts";

/**
 * Ports of EndpointSlices that kube-proxy takes for none of the Service's: it goes by name and protocol; and such that lead
 * elsewhere than the Service says.
 *
 * Source: `endpointInfoByServicePort` in pkg/proxy/endpointslicecache.go.
 */
export const slicePorts: Finder = {
  needs: ["slices", "pods"],
  find: (one) => {
    const taken = one.slices.filter((slice) => isTaken(slice, one.service) && slice.endpoints.length > 0);
    if (taken.length === 0) return [];
    return one.service.ports
      .filter((port) => mayBeThere(one, port))
      .flatMap((port) => strayPort(one, taken, port));
  },
};

/** A pod that does not declare a name has no port of it in a slice either, which is told of the pods. */
function mayBeThere({ service, livePods }: Case, { targetPort, protocol }: ServicePort): boolean {
  return (
    !hasSelector(service) ||
    typeof targetPort === "number" ||
    livePods.some((pod) =>
      pod.ports.some((declared) => declared.name === targetPort && declared.protocol === protocol),
    )
  );
}

function strayPort(one: Case, taken: readonly Slice[], port: ServicePort): Finding[] {
  const { service } = one;
  const all = taken.flatMap(({ ports }) => ports).filter((other) => other.port !== 0);
  const same = all.filter(({ name, protocol }) => name === port.name && protocol === port.protocol);
  const said = {
    object: nameOf(service),
    next: mend(one),
    ...(service.ports.length > 1 && { severity: Severity.some }),
  };
  const [its, is] = [`Its ${portNamed(port)}`, `${port.port}/${port.protocol}`];
  if (all.length === 0) {
    return [
      finding("slice-no-ports", { ...said, words: `${its} is ${is}, and its EndpointSlices have no port.` }),
    ];
  }
  if (same.length === 0) {
    const named = all.find(({ name }) => name === port.name);
    return named === undefined
      ? [
          finding("slice-port-name", {
            ...said,
            words: `${its} is named "${port.name}", and the ports of its EndpointSlices ${namesOf(all)}: kube-proxy goes by the name.`,
          }),
        ]
      : [
          finding("slice-port-protocol", {
            ...said,
            words: `${its} is ${is}, and its EndpointSlices have ${named.port}/${named.protocol}: kube-proxy goes by the protocol, too.`,
          }),
        ];
  }
  // Without a selector the slices alone say where it leads.
  if (!hasSelector(service) || typeof port.targetPort !== "number") return [];
  const wrong = same.find((other) => other.port !== port.targetPort);
  return wrong === undefined
    ? []
    : [
        finding("slice-port-number", {
          ...said,
          words: `${its} leads to ${port.targetPort}, and its EndpointSlices to ${wrong.port}: the EndpointSlice controller is behind, or somebody else has written them.`,
        }),
      ];
}

function namesOf(ports: readonly SlicePort[]): string {
  return [...new Set(ports.map(({ name }) => `"${name}"`))].slice(0, 3).join(", ");
}

function mend({ service }: Case): Next {
  return {
    words: "Look at their ports",
    command: kubectl(
      service,
      `get endpointslices -l kubernetes.io/service-name=${shellWord(service.name)} -o yaml`,
    ),
  };
}
