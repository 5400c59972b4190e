import {
  type Case,
  type Finder,
  hasSelector,
  isTaken,
  kubectl,
  nameOf,
  selectorOf,
  familyOf,
} from "./case.ts";
import { shellWord } from "../input/printable.ts";
import { type Finding, finding } from "./finding.ts";
import { Severity } from "./weights.ts";

/**
 * Families of a Service of which no pod has an address.
 *
 * Source: `getEndpointAddresses` in k8s.io/endpointslice/utils.go: an endpoint is in slices of its own family alone.
 */
export const families: Finder = {
  needs: ["pods", "slices"],
  find: (one) => {
    const { service } = one;
    const had = hasSelector(service) ? familiesOfPods(one) : familiesOfSlices(one);
    if (had.size === 0) return [];
    const lacking = service.families.filter((family) => !had.has(family));
    // Slices that have none of its families are told as such.
    if (lacking.length === 0 || (!hasSelector(service) && lacking.length === service.families.length))
      return [];
    const have = [...had].sort().join(" and ");
    return [
      finding("family-without-endpoints", {
        object: nameOf(service),
        words: `It is ${service.families.join(" and ")}, and its endpoints have ${have} addresses alone: at its ${lacking.join(" and ")} address nobody answers.`,
        next: {
          words: "See the pods' addresses",
          command: hasSelector(service)
            ? kubectl(
                service,
                `get pods -l ${shellWord(selectorOf(service))} -o custom-columns=NAME:.metadata.name,IPS:.status.podIPs`,
              )
            : null,
        },
        ...(lacking.length < service.families.length && { severity: Severity.some }),
      }),
    ];
  },
};

function familiesOfPods({ livePods }: Case): Set<string> {
  return new Set(livePods.flatMap(({ addresses }) => addresses.map(familyOf)));
}

function familiesOfSlices({ service, slices }: Case): Set<string> {
  const taken = slices.filter((slice) => isTaken(slice, service) && slice.endpoints.length > 0);
  return new Set(taken.map(({ addressType }) => addressType));
}

/** What the Service prefers and the cluster does not have. */
export const familyPolicy: Finder = {
  needs: [],
  find: ({ service }): Finding[] =>
    service.familyPolicy === "PreferDualStack" && service.families.length === 1
      ? [
          finding("single-family", {
            object: nameOf(service),
            words: `Its ipFamilyPolicy is PreferDualStack, and it has an ${service.families[0] ?? ""} address alone.`,
          }),
        ]
      : [],
};
